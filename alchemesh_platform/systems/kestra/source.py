"""The source of a team's own flow: what the platform adds to it, and the lines of the file in Kestra's messages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import yaml

MARK = "  # added by Alchemesh"
DEFAULT_ID = "code"
# https://kestra.io/docs/workflow-components/flow, and the patterns of Kestra's OpenAPI
NAMESPACE_MAX, ID_MAX = 150, 100

_LINE = re.compile(r"\bline:? (\d+)")
_FIELD = re.compile(r'Unrecognized field "([^"]+)"|Invalid type: (\S+)')


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem of a flow's file.

    Args:
        line: Its line, from 1.
        reason: The found and the expected value.
        hint: The fix.
    """

    line: int
    reason: str
    hint: str | None = None


class Unusable(ValueError):
    """Raised for a flow's file that the platform cannot deliver; it holds the problems."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("; ".join(f"line {each.line}: {each.reason}" for each in problems))


@dataclass(frozen=True, slots=True)
class Delivered:
    """The source that Kestra receives, and the id of the flow."""

    id: str
    source: str


def delivered(
    text: str, *, namespace: str, labels: Mapping[str, str], variables: Mapping[str, str] | None = None
) -> Delivered:
    """The source of a flow with its namespace, the platform's labels and variables.

    The team's text stays as it is, with its comments. Each added line has a mark, so that Kestra's line numbers can be
    translated.

    Args:
        text: The team's file.
        namespace: The namespace of the product.
        labels: Labels of the platform.
        variables: Variables of the platform.

    Raises:
        Unusable: when the file is no flow, or says itself what the platform adds.
    """
    root = _root(text)
    keys = {key.value: (key, value) for key, value in root.value}
    problems = list(_problems(keys, namespace, labels, variables or {}))
    if problems:
        raise Unusable(problems)
    lines = text.rstrip("\n").split("\n")
    # From the last place to the first, so that the places of the others stay right.
    parts = [(name, entries) for name, entries in (("labels", labels), ("variables", variables or {})) if entries]
    present = [(keys[name], name, entries) for name, entries in parts if name in keys]
    for (_, value), _name, entries in sorted(present, key=lambda each: -each[0][1].start_mark.line):
        _insert(lines, value, entries)
    if "id" not in keys:
        lines.append(f"id: {DEFAULT_ID}{MARK}")
    if "namespace" not in keys:
        lines.append(f"namespace: {namespace}{MARK}")
    for name, entries in parts:
        if name not in keys:
            lines += [f"{name}:{MARK}", *(f"  {_entry(key, value)}{MARK}" for key, value in entries.items())]
    return Delivered(keys["id"][1].value if "id" in keys else DEFAULT_ID, "\n".join(lines) + "\n")


def explained(reason: str, source: str, file: str | None) -> str:
    """Kestra's objection to a source, with the place in the team's file in front of it.

    Args:
        reason: Kestra's own words.
        source: The source that Kestra received.
        file: Path of the team's file; None for a flow that the platform wrote.
    """
    sentence = reason.removeprefix("Validation error: ").strip()
    if file is None:
        return sentence
    own = list(_own_lines(source))
    sentence = _LINE.sub(lambda found: found[0].replace(found[1], str(_line_of_file(own, int(found[1])))), sentence)
    numbers = [int(number) for number in _LINE.findall(sentence)]
    line = numbers[-1] if numbers else _line_with(sentence, own)
    return f"{file}:{line}: {sentence}" if line is not None else f"{file}: {sentence}"


def _root(text: str) -> yaml.MappingNode:
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Unusable([Problem(mark.line + 1 if mark else 1, f"it is no YAML: {error.problem}")]) from error
    except yaml.YAMLError as error:
        raise Unusable([Problem(1, f"it is no YAML: {error}")]) from error
    if not isinstance(root, yaml.MappingNode):
        raise Unusable([Problem(1, "found no mapping, expected a flow with `tasks`")])
    if root.flow_style:
        raise Unusable([Problem(root.start_mark.line + 1, "found `{`, expected one key a line")])
    return root


def _problems(
    keys: Mapping[str, tuple[yaml.Node, yaml.Node]],
    namespace: str,
    labels: Mapping[str, str],
    variables: Mapping[str, str],
) -> Iterator[Problem]:
    if "namespace" in keys and (found := keys["namespace"][1]).value != namespace:
        yield Problem(
            found.start_mark.line + 1,
            f"found the namespace {found.value!r}, expected {namespace!r}",
            "leave `namespace` out: the platform sets it",
        )
    if "id" in keys and not re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9._-]{0,99}", str(keys["id"][1].value)):
        node = keys["id"][1]
        yield Problem(node.start_mark.line + 1, f"found the id {node.value!r}, expected letters, digits, `.`, `_`, `-`")
    for name, entries in (("labels", labels), ("variables", variables)):
        if name not in keys or not entries:
            continue
        node = keys[name][1]
        if not isinstance(node, yaml.CollectionNode):
            yield Problem(node.start_mark.line + 1, f"found no mapping in `{name}`, expected one")
            continue
        for key in _names(node):
            if key.value in entries:
                yield Problem(key.start_mark.line + 1, f"found {key.value!r} in `{name}`, which the platform sets")


def _names(node: yaml.CollectionNode) -> Iterator[yaml.Node]:
    """The names of labels or variables; labels may be a list of keys and values."""
    if isinstance(node, yaml.MappingNode):
        yield from (key for key, _ in node.value)
        return
    for item in node.value:
        if isinstance(item, yaml.MappingNode):
            yield from (value for key, value in item.value if key.value == "key")


def _insert(lines: list[str], node: yaml.CollectionNode, entries: Mapping[str, str]) -> None:
    """Add entries at the beginning of a mapping or a list of keys and values."""
    in_list = isinstance(node, yaml.SequenceNode)
    written = [
        f"{{key: {json.dumps(key)}, value: {json.dumps(value)}}}" if in_list else _entry(key, value)
        for key, value in entries.items()
    ]
    at = node.start_mark
    if node.flow_style:
        line, column = lines[at.line], at.column + 1
        rest = line[column:]
        empty = not node.value
        lines[at.line] = f"{line[:column]}{', '.join(written)}{'' if empty else ', '}{rest}"
        return
    indent = " " * at.column
    lines[at.line : at.line] = [f"{indent}{'- ' if in_list else ''}{each}{MARK}" for each in written]


def _entry(key: str, value: str) -> str:
    return f"{key}: {json.dumps(value)}"  # a text of JSON is a text of YAML


def _own_lines(source: str) -> Iterator[tuple[int | None, str]]:
    """Each line of a delivered source with its number in the team's file; None for an added line."""
    number = 0
    for line in source.split("\n"):
        if line.endswith(MARK):
            yield None, line
        else:
            number += 1
            yield number, line


def _line_of_file(own: list[tuple[int | None, str]], line: int) -> int:
    """The number in the team's file of a line of the delivered source; of the last one before, for an added line."""
    numbers = [number for number, _ in own[: max(line, 1)] if number is not None]
    return numbers[-1] if numbers else 1


def _line_with(sentence: str, own: list[tuple[int | None, str]]) -> int | None:
    """The line of the field or type that a message names."""
    found = _FIELD.search(sentence)
    if found is None:
        return None
    wanted = rf"(^|[\s{{,-]){re.escape(found[1])}\s*:" if found[1] else re.escape(found[2].rstrip(".,"))
    return next((number for number, line in own if number is not None and re.search(wanted, line)), None)
