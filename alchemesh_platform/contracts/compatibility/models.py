"""The differences between the models of a port, classified by their effect on readers of the rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Literal

from alchemesh_platform.base.units import format_duration
from alchemesh_platform.contracts.compatibility.changes import ContractChange, added, changed, removed
from alchemesh_platform.contracts.port import MODELS
from alchemesh_platform.documents.document import Path, listed, quoted
from alchemesh_platform.manifest.models import Property, Relationship, SemanticModel
from alchemesh_platform.manifest.ranges import comparable

# Least sensitive first. A company with other classifications passes its own scale to `diff_port`.
CLASSIFICATIONS = ("public", "internal", "confidential", "restricted", "secret")
_VALUES_SHOWN = 5


def diff_models(
    before: Mapping[str, SemanticModel], after: Mapping[str, SemanticModel], classifications: Sequence[str]
) -> Iterator[ContractChange]:
    """Every change from the models of one contract to those of another. The rules are in the table of ``diff``."""
    for name in before.keys() | after.keys():
        path: Path = (MODELS, name)
        if name not in after:
            yield removed(path, "breaking", "the model is no longer exposed")
        elif name not in before:
            yield added(path, "compatible", "a model is exposed that was not")
        else:
            yield from _model(path, before[name], after[name], classifications)


def documented(path: Path, before: str | None, after: str | None) -> Iterator[ContractChange]:
    """A change of documentation."""
    was, now = before or "", after or ""
    if was == now:
        return
    if not was:
        yield added(path, "documentation", f"{quoted(now)}, previously empty")
    elif not now:
        yield removed(path, "documentation", f"now empty, was {quoted(was)}")
    else:
        yield changed(path, "documentation", f"{quoted(now)}, was {quoted(was)}")


def _model(
    path: Path, before: SemanticModel, after: SemanticModel, classifications: Sequence[str]
) -> Iterator[ContractChange]:
    yield from documented((*path, "description"), before.description, after.description)
    yield from documented((*path, "entity"), before.entity, after.entity)
    # They say how the platform measures the rows, and promise nothing.
    yield from documented((*path, "event_time"), before.event_time, after.event_time)
    yield from documented((*path, "ingestion_time"), before.ingestion_time, after.ingestion_time)
    yield from documented((*path, "timeliness"), _span(before.timeliness), _span(after.timeliness))
    yield from documented((*path, "reference"), before.reference, after.reference)
    yield from _properties((*path, "properties"), before.properties, after.properties, classifications)
    yield from _relationships((*path, "relationships"), before.relationships, after.relationships)


def _span(span: timedelta | None) -> str | None:
    return None if span is None else format_duration(span)


def _properties(
    path: Path, before: Mapping[str, Property], after: Mapping[str, Property], classifications: Sequence[str]
) -> Iterator[ContractChange]:
    """Changes of the properties of a model, or of the parts of an object."""
    keys_before, keys_after = _key_of(before), _key_of(after)
    for name in before.keys() | after.keys():
        place = (*path, name)
        if name not in after:
            yield removed(place, "breaking", f"the property of type {before[name].type} is gone")
        elif name not in before:
            yield added(place, "compatible", f"a property of type {after[name].type}")
        else:
            yield from _property(place, before[name], after[name], classifications)
            yield from _unique(
                (*place, "unique"), before[name], after[name], keys_before == {name}, keys_after == {name}
            )
    yield from _key(path, keys_before, keys_after)


def _key_of(properties: Mapping[str, Property]) -> set[str]:
    return {name for name, value in properties.items() if value.key}


def _property(
    path: Path, before: Property, after: Property, classifications: Sequence[str]
) -> Iterator[ContractChange]:
    if before.type != after.type:
        yield changed((*path, "type"), "breaking", f"{after.type}, was {before.type}")
    for name in ("precision", "scale"):
        was, now = getattr(before, name), getattr(after, name)
        if was != now:
            yield changed((*path, name), "breaking", f"{_digits(now)}, was {_digits(was)}")
    yield from documented((*path, "description"), before.description, after.description)
    yield from _required((*path, "required"), before, after)
    yield from _enum((*path, "enum"), before.enum, after.enum)
    yield from _pattern((*path, "pattern"), before.pattern, after.pattern)
    for bound in ("minimum", "maximum"):
        yield from _bound((*path, bound), getattr(before, bound), getattr(after, bound), least=bound == "minimum")
    yield from _classification((*path, "classification"), before.classification, after.classification, classifications)
    yield from _properties((*path, "properties"), before.properties or {}, after.properties or {}, classifications)
    yield from _properties(path, _items(before), _items(after), classifications)


def _digits(number: int | None) -> str:
    return "not limited" if number is None else str(number)


def _items(array: Property) -> Mapping[str, Property]:
    return {} if array.items is None else {"items": array.items}


def _required(path: Path, before: Property, after: Property) -> Iterator[ContractChange]:
    # A key always has a value, whether or not the manifest also says `required`.
    had, has = before.required or before.key, after.required or after.key
    if had and not has:
        yield removed(path, "breaking", "may be empty, always had a value")
    elif has and not had:
        yield added(path, "compatible", "always has a value, could be empty")
    elif before.required != after.required:
        yield changed(path, "documentation", f"{_truth(after.required)}; a key has a value either way")


def _unique(path: Path, before: Property, after: Property, alone: bool, still_alone: bool) -> Iterator[ContractChange]:
    # The only property of a key is unique, whether or not the manifest says so.
    had, has = before.unique or alone, after.unique or still_alone
    if had and not has:
        yield removed(path, "breaking", "values may repeat, each was unique")
    elif has and not had:
        yield added(path, "compatible", "each value is unique, values could repeat")
    elif before.unique != after.unique:
        yield changed(path, "documentation", f"{_truth(after.unique)}; the key alone makes each value unique")


def _key(path: Path, before: set[str], after: set[str]) -> Iterator[ContractChange]:
    """Changes of the key. The key of an entity defines one row, so a key may be added, but not replaced."""
    for name in before ^ after:
        place = (*path, name, "key")
        if not before:
            yield added(place, "compatible", f"rows are identified by {_listed(after)}, had no key")
        elif not after:
            yield removed(place, "breaking", f"rows have no key, were identified by {_listed(before)}")
        else:
            word = added if name in after else removed
            yield word(place, "breaking", f"rows are identified by {_listed(after)}, were by {_listed(before)}")


def _enum(
    path: Path, before: Sequence[str | int | float] | None, after: Sequence[str | int | float] | None
) -> Iterator[ContractChange]:
    if before is None and after is not None:
        yield added(path, "compatible", f"only {_values(after)}, was any value")
    elif before is not None and after is None:
        yield removed(path, "breaking", f"any value, was only {_values(before)}")
    elif before is not None and after is not None:
        known, allowed = set(before), set(after)
        new = [value for value in after if value not in known]
        gone = [value for value in before if value not in allowed]
        if new:
            yield added(path, "breaking", f"consumers can now get {_values(new)}")
        if gone:
            yield removed(path, "compatible", f"consumers no longer get {_values(gone)}")


def _pattern(path: Path, before: str | None, after: str | None) -> Iterator[ContractChange]:
    if before == after:
        return
    if before is None:
        yield added(path, "compatible", f"values match {quoted(after or '')}, could be any text")
    elif after is None:
        yield removed(path, "breaking", f"values are any text, matched {quoted(before)}")
    else:
        # In general, no program can decide whether one regular expression is stricter than another.
        yield changed(path, "breaking", f"values match {quoted(after)}, matched {quoted(before)}")


def _bound(
    path: Path, before: int | float | str | None, after: int | float | str | None, *, least: bool
) -> Iterator[ContractChange]:
    words = "at least" if least else "at most"
    if before is None and after is not None:
        yield added(path, "compatible", f"values are {words} {after}, had no limit")
    elif before is not None and after is None:
        yield removed(path, "breaking", f"values have no limit, were {words} {before}")
    elif before is not None and after is not None and comparable(before) != comparable(after):
        narrower = (comparable(after) > comparable(before)) is least
        kind: Literal["compatible", "breaking"] = "compatible" if narrower else "breaking"
        yield changed(path, kind, f"values are {words} {after}, were {words} {before}")


def _classification(
    path: Path, before: str | None, after: str | None, scale: Sequence[str]
) -> Iterator[ContractChange]:
    if (before or "") == (after or ""):
        return
    was, now = _rank(before, scale), _rank(after, scale)
    summary = f"{after or 'unclassified'}, was {before or 'unclassified'}"
    if was == now:
        yield changed(path, "documentation", f"{summary}: as sensitive as before")
    elif now == 0 or (isinstance(was, int) and isinstance(now, int) and now < was):
        yield changed(path, "compatible", f"{summary}: less sensitive")
    elif isinstance(was, int) and isinstance(now, int):
        yield changed(path, "breaking", f"{summary}: more sensitive, so consumers may no longer be allowed to keep it")
    else:
        yield changed(path, "breaking", f"{summary}: which of the two is more sensitive is not known")


def _rank(word: str | None, scale: Sequence[str]) -> int | str:
    """The position on the scale, or the word itself if the scale does not have it.

    Unclassified counts as the least sensitive.
    """
    folded = (word or "").strip().casefold()
    words = [known.casefold() for known in scale]
    if not folded:
        return 0
    return words.index(folded) if folded in words else folded


def _relationships(
    path: Path, before: Sequence[Relationship], after: Sequence[Relationship]
) -> Iterator[ContractChange]:
    were, are = _by_pairs(before), _by_pairs(after)
    for name in were.keys() | are.keys():
        place = (*path, name)
        if name not in are:
            yield removed(place, "breaking", "the relationship is no longer promised")
        elif name not in were:
            yield added(place, "compatible", "a relationship is promised that was not")
        elif were[name] != are[name]:
            yield changed(place, "documentation", "the description changed")


def _by_pairs(relationships: Sequence[Relationship]) -> dict[str, list[str]]:
    """The two ends of each relationship, in words."""
    found: dict[str, list[str]] = {}
    for one in relationships:
        pairs = sorted(one.properties.items())
        name = f"{', '.join(here for here, _ in pairs)} -> {one.to}({', '.join(there for _, there in pairs)})"
        found.setdefault(name if pairs else f"-> {one.to}", []).append(one.description)
    return {name: sorted(descriptions) for name, descriptions in found.items()}


def _truth(value: bool) -> str:
    return "true" if value else "false"


def _listed(names: set[str]) -> str:
    return listed(sorted(names), "and")


def _values(values: Sequence[str | int | float]) -> str:
    shown = [quoted(value) if isinstance(value, str) else f"{value}" for value in values[:_VALUES_SHOWN]]
    more = len(values) - len(shown)
    if not shown:
        return "nothing"
    return f"{', '.join(shown)} and {more} more" if more else listed(shown, "and")
