"""Turns pydantic's errors on a document into problems: each with its place, a description and a remedy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from alchemesh_platform.base.problems import Location, Problem, closest, did_you_mean
from alchemesh_platform.base.secrets import SecretRef
from alchemesh_platform.documents.document import Node, Path, described, listed, written
from alchemesh_platform.documents.patterns import RULES, corrected
from alchemesh_platform.documents.shape import Expected

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic_core import ErrorDetails

_KEY = "[key]"  # pydantic's mark of an error in a key of a mapping
_SHORT_MAX = 20  # characters of a value that a hint repeats
_WORDS_OF_NO = {"no", "off", "n"}
_WORDS_OF_YES = {"yes", "on", "y"}


class _Crossing(NamedTuple):
    """A place with several alternatives on the path of an error, and the alternative to which the error belongs."""

    path: Path
    expected: Expected
    node: Node
    label: str


class _Found(NamedTuple):
    """One of pydantic's errors, followed to its place in the document."""

    error: ErrorDetails
    path: Path
    node: Node
    expected: Expected
    owner: Expected
    crossings: tuple[_Crossing, ...] = ()
    in_key: bool = False
    absent: bool = False
    unknown: bool = False


def problems_of(errors: Iterable[ErrorDetails], model: type[BaseModel], tree: Node, prefix: Path = ()) -> list[Problem]:
    """Every problem of a document that does not fit its model.

    Args:
        errors: Pydantic's errors on the document.
        model: The model that validated it.
        tree: The document, or the part of it that was validated.
        prefix: Path of that part in the whole document.

    Returns:
        One problem for each mistake. Errors of alternatives that the author did not mean are left out, and so are
        errors that follow from an unreadable value.
    """
    found = [_follow(detail, Expected(model), tree) for detail in errors]
    return [
        Problem(one.location, written((*prefix, *one.path)), one.message, one.hint)
        for one in _reports(_without_followers([each for each in found if not each.unknown]))
    ]


class _Report(NamedTuple):
    location: Location
    path: Path
    message: str
    hint: str | None


def _follow(detail: ErrorDetails, expected: Expected, node: Node) -> _Found:
    """Walk from the top of the document to the place of an error."""
    path: Path = ()
    crossings: tuple[_Crossing, ...] = ()
    owner = expected
    for step in detail["loc"]:
        if step == _KEY:
            return _Found(detail, path, node, expected, owner, crossings, in_key=True)
        if len(expected.members) > 1 and isinstance(step, str):
            crossings = (*crossings, _Crossing(path, expected, node, step))
            expected = expected.branch(step)
            continue
        if isinstance(step, int) and isinstance(node.value, str):
            expected = expected.below(step)  # a single text instead of a list with one text
            continue
        child = node.child(step)
        owner, expected, path = expected, expected.below(step), (*path, step)
        if child is None:
            return _Found(detail, path, node, expected, owner, crossings, absent=True, unknown=node.broken)
        node = child
        if node.broken:
            return _Found(detail, path, node, expected, owner, crossings, unknown=True)
    return _Found(detail, path, node, expected, owner, crossings)


def _without_followers(found: list[_Found]) -> list[_Found]:
    """Leave out errors that follow from another mistake.

    Examples are a key that is missing because it is misspelt, and a list that is too short because some items are
    wrong."""
    meant = {
        (one.path[:-1], closest(str(one.path[-1]), one.owner.keys))
        for one in found
        if one.error["type"] == "extra_forbidden"
    }
    return [
        one
        for one in found
        if not (one.error["type"] == "missing" and (one.path[:-1], one.path[-1]) in meant)
        and not (
            one.error["type"] == "too_short"
            and (
                isinstance(one.node.value, str)
                or len(one.node.items or one.node.keys) >= one.error.get("ctx", {}).get("min_length", 0)
            )
        )
    ]


def _reports(found: list[_Found], depth: int = 0) -> Iterable[_Report]:
    """Turn each error into a problem.

    Of the errors from alternatives of one place, keep those of the meant alternative.
    """
    rivals: dict[Path, list[_Found]] = {}
    for one in found:
        if len(one.crossings) > depth:
            rivals.setdefault(one.crossings[depth].path, []).append(one)
        else:
            yield _report(one)
    for group in rivals.values():
        crossing = group[0].crossings[depth]
        meant = _meant(crossing, group, depth)
        if meant is None:
            yield _no_alternative(crossing)
        else:
            yield from _reports([one for one in group if one.crossings[depth].label == meant], depth + 1)


def _meant(crossing: _Crossing, group: list[_Found], depth: int) -> str | None:
    """The label of the alternative that the value most resembles, or None."""
    labels = list(dict.fromkeys(one.crossings[depth].label for one in group))
    if len(labels) == 1:
        return labels[0]  # the form of the value has chosen it already
    if isinstance(crossing.node.value, dict):
        models = {label: crossing.expected.branch(label) for label in labels if crossing.expected.branch(label).model}
        shared = set.intersection(*(set(branch.keys) for branch in models.values())) if len(models) > 1 else set()
        alike = [
            label
            for label, branch in models.items()
            if any(closest(key, [own for own in branch.keys if own not in shared]) for key in crossing.node.keys)
        ]
        return alike[0] if len(alike) == 1 else next(iter(models)) if len(models) == 1 else None
    fitting = [
        label
        for label in labels
        if not any(
            one.crossings[depth].label == label and one.path == crossing.path and one.error["type"].endswith("_type")
            for one in group
        )
    ]
    return fitting[0] if len(fitting) == 1 else None


def _no_alternative(crossing: _Crossing) -> _Report:
    value = crossing.node.value
    found = described(value)
    if isinstance(value, dict) and value and any(member.model for member in crossing.expected.members):
        found = f"the {'key' if len(value) == 1 else 'keys'} {listed(value, 'and')}"
    elif crossing.expected.secret and isinstance(value, str):
        found = "a text"
    return _Report(
        crossing.node.location,
        crossing.path,
        f"found {found}, expected {crossing.expected}",
        _about(crossing.expected, crossing.path),
    )


def _report(found: _Found) -> _Report:
    kind = found.error["type"]
    if found.absent or kind == "missing":
        return _missing(found)
    if kind == "extra_forbidden":
        return _unknown_key(found)
    if kind in {"union_tag_invalid", "union_tag_not_found"}:
        return _discriminator(found)
    value = found.path[-1] if found.in_key else found.node.value
    expected, hint = _EXPECTATIONS.get(kind, _otherwise)(found, value)
    hidden = isinstance(value, str) and (found.expected.secret or found.owner.model is SecretRef)
    shown = "a text" if hidden else described(value)
    if hidden:
        hint = "a secret is referred to by its name, {secret: NAME}, and never written down"
    location = found.node.key_location if found.in_key else found.node.location
    message = expected if expected.startswith(": ") else f", expected {expected}"
    return _Report(location, found.path, f"found {shown}{message}", hint)


def _missing(found: _Found) -> _Report:
    step = found.path[-1] if found.path else ""
    if isinstance(step, int):
        count, path = len(found.node.items), found.path[:-1]
        message = f"found {count} {'item' if count == 1 else 'items'}, expected more"
        return _Report(found.node.location, path, message, _about(found.expected, path))
    pattern = found.expected.pattern
    rule = RULES.get(pattern) if pattern is not None else None
    expected = f"{rule.short}, such as {rule.example}" if rule is not None else str(found.expected)
    return _Report(
        found.node.location, found.path, f"found nothing, expected {expected}", _about(found.expected, found.path)
    )


def _discriminator(found: _Found) -> _Report:
    """The key that selects one of several alternatives is missing or has an unknown value."""
    key = str(found.error.get("ctx", {}).get("discriminator", "")).strip("'")
    path, node = (*found.path, key), found.node.keys.get(key)
    choices = [choice for member in found.expected.members for choice in member.below(key).choices]
    expected = f"one of {', '.join(choices)}" if choices else str(found.expected)
    value = node.value if node is not None else None
    hint = did_you_mean(value, choices) if isinstance(value, str) and closest(value, choices) else None
    location = found.node.location if node is None else node.location
    return _Report(location, path, f"found {described(value)}, expected {expected}", hint)


def _unknown_key(found: _Found) -> _Report:
    key = str(found.path[-1])
    allowed = found.owner.keys
    otherwise = ""
    if not allowed:
        otherwise = "leave it out"
    elif "args" in allowed and "component" in allowed:
        otherwise = f"keys here: {', '.join(allowed)}; put the component's arguments under args"
    if found.node.value is None and closest(key, allowed) is None:
        otherwise = "quote a text with a comma inside {…} or […]"
    hint = did_you_mean(key, allowed, otherwise=otherwise)
    expected = "expected none here" if not allowed else "expected a key of the " + _named(found.owner)
    return _Report(found.node.key_location, found.path, f"found an unknown key, {expected}", hint)


def _named(owner: Expected) -> str:
    name = owner.model.__name__ if owner.model is not None else "Mapping"
    words = "".join(f" {sign.lower()}" if sign.isupper() else sign for sign in name).strip()
    return "origin" if words.endswith(" origin") else words.removesuffix(" use")


_Expectation = Callable[[_Found, Any], tuple[str, str | None]]


def _type(found: _Found, value: Any) -> tuple[str, str | None]:
    """A value of another type than the one expected."""
    expected, pattern = str(found.expected), found.expected.pattern
    rule = RULES.get(pattern) if pattern is not None else None
    if value is None:
        return expected, _about(found.expected, found.path)
    if isinstance(value, bool | int | float) and "text" in expected:
        text = ("true" if value else "false") if isinstance(value, bool) else str(value)
        if rule is not None and pattern is not None:
            better = corrected(pattern, text)
            return f"{rule.short}, such as {rule.example}", f"did you mean {better!r}?" if better else None
        return expected, f'quote a text that looks like another type: "{text}"'
    if isinstance(value, str):
        keys = _required_keys(found.expected)
        if len(keys) == 1 and 0 < len(value) <= _SHORT_MAX:
            return expected, f"did you mean {{{keys[0]}: {value}}}?"
        return expected, _of_text(expected, value)
    if isinstance(value, dict) and expected == "a list":
        return expected, "begin each item with '- '"
    return expected, _about(found.expected, found.path)


def _required_keys(expected: Expected) -> list[str]:
    fields = expected.model.model_fields if expected.model is not None and not expected.secret else {}
    return [field.alias or name for name, field in fields.items() if field.is_required()]


def _of_text(expected: str, value: str) -> str | None:
    if expected == "true or false" and value.lower() in _WORDS_OF_NO | _WORDS_OF_YES:
        return (
            f"did you mean {'true' if value.lower() in _WORDS_OF_YES else 'false'}? YAML 1.2 has no other words for it"
        )
    if expected in {"a whole number", "a number"} and value.replace(".", "", 1).lstrip("-").isdigit():
        return "a number is written without quotes"
    if expected == "true or false" and value in {"true", "false"}:
        return f"{value} is written without quotes"
    if expected == "a list" and 0 < len(value) <= _SHORT_MAX:
        return f"a list of one is written [{value}]"
    return None


def _choice(found: _Found, value: Any) -> tuple[str, str | None]:
    choices = found.expected.choices
    expected = str(found.expected) if choices else str(found.error.get("ctx", {}).get("expected", "another value"))
    if not isinstance(value, str):
        return expected, None
    hint = did_you_mean(value, choices) or ""
    return expected, hint if hint.startswith("did you") else _about(found.expected, found.path)


def _pattern(found: _Found, value: Any) -> tuple[str, str | None]:
    pattern = str(found.error.get("ctx", {}).get("pattern", ""))
    rule = RULES.get(pattern)
    if rule is not None:
        better = corrected(pattern, value) if isinstance(value, str) else None
        return rule.words, f"did you mean {better!r}?" if better else f"for example {rule.example}"
    examples = ", ".join(str(example) for example in found.expected.examples)
    expected = f"a text such as {examples}" if examples else f"a text that matches {pattern}"
    return expected, _about(found.expected, found.path)


def _length(found: _Found, value: Any) -> tuple[str, str | None]:
    context: Mapping[str, Any] = found.error.get("ctx", {})
    unit = "character" if isinstance(value, str) else "item"
    least, most = context.get("min_length"), context.get("max_length")
    bound, count = ("at least", least) if least is not None else ("at most", most)
    return f"{bound} {count} {unit if count == 1 else unit + 's'}", (
        f"it has {len(value)}" if most is not None and hasattr(value, "__len__") else _about(found.expected, found.path)
    )


def _bound(found: _Found, _: Any) -> tuple[str, str | None]:
    words = {"gt": "greater than", "ge": "at least", "lt": "less than", "le": "at most", "multiple_of": "a multiple of"}
    for key, limit in found.error.get("ctx", {}).items():
        if key in words:
            return f"{words[key]} {limit:g}" if isinstance(limit, float) else f"{words[key]} {limit}", _about(
                found.expected, found.path
            )
    return _otherwise(found, _)


def _stated(found: _Found, _: Any) -> tuple[str, str | None]:
    """The message of a validator: ``expected …`` by convention."""
    message = str(found.error.get("ctx", {}).get("error", "")) or found.error["msg"].partition(", ")[2]
    return message.removeprefix("expected ") if message.startswith("expected ") else f": {message}", _about(
        found.expected, found.path
    )


def _otherwise(found: _Found, _: Any) -> tuple[str, str | None]:
    message = found.error["msg"]
    expected = message.removeprefix("Input should be ")
    return expected if expected != message else f": {message[:1].lower()}{message[1:]}", _about(
        found.expected, found.path
    )


def _about(expected: Expected, path: Path) -> str | None:
    """The description of the field, as a hint."""
    if not expected.description:
        return None
    name = next((step for step in reversed(path) if isinstance(step, str)), "")
    return f"{name}: {expected.description}" if name else expected.description


_EXPECTATIONS: dict[str, _Expectation] = {
    **dict.fromkeys(
        (
            "string_type",
            "int_type",
            "int_from_float",
            "float_type",
            "bool_type",
            "dict_type",
            "list_type",
            "tuple_type",
            "set_type",
            "frozen_set_type",
            "model_type",
            "model_attributes_type",
        ),
        _type,
    ),
    "enum": _choice,
    "literal_error": _choice,
    "string_pattern_mismatch": _pattern,
    **dict.fromkeys(("string_too_short", "string_too_long", "too_short", "too_long"), _length),
    **dict.fromkeys(("greater_than", "greater_than_equal", "less_than", "less_than_equal", "multiple_of"), _bound),
    "value_error": _stated,
    "assertion_error": _stated,
}
