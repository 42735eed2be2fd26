"""Reads a YAML 1.2 file that a person wrote, with the place of every value, and enforces limits.

Only plain data is allowed. Tags, aliases, several documents and keys that are not texts are problems, each at its
place.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from yamlcore import CCoreLoader

from alchemesh_platform.base.problems import Location, Problem, ProblemsFound
from alchemesh_platform.documents.document import Node, described, quoted, written

SIZE_MAX = 4 * 1024 * 1024  # bytes: a thousand times a usual manifest
DEPTH_MAX = 64  # depth of nested mappings and lists
NODES_MAX = 250_000  # values of a document
INTEGER_MAX = 2**63 - 1  # the range that integers of every target can hold

_STRING_TAG = "tag:yaml.org,2002:str"


def read_document(
    path: Path, shown_as: str | None = None, *, if_missing: str | None = None
) -> tuple[Node, list[Problem]]:
    """Read a file that holds one mapping.

    Args:
        path: The file.
        shown_as: Its name in messages; by default the path as :func:`shown` gives it.
        if_missing: A hint, used if the file does not exist.

    Returns:
        The document, and the problems of single values, which are marked as broken.

    Raises:
        ProblemsFound: when there is no document: the file is missing, not YAML, empty, too large, or not a mapping.
    """
    file = shown_as or shown(path)
    return parse(_text(path, file, if_missing), file)


def parse(text: str, file: str) -> tuple[Node, list[Problem]]:
    """Read the text of a file; as :func:`read_document`."""
    composer = _Composer(text, file)
    try:
        root = composer.compose()
    except yaml.YAMLError as error:
        from alchemesh_platform.documents.yaml_syntax import explain_syntax

        raise ProblemsFound([explain_syntax(error, text, file)]) from error
    if root is None or root.value is None:
        raise _unreadable(file, "found nothing, expected a mapping", "the file is empty")
    if not isinstance(root.value, dict):
        raise ProblemsFound(
            [Problem(root.location, "", f"found {described(root.value)}, expected a mapping", "begin with 'kind: …'")]
        )
    return root, composer.problems


def shown(path: Path) -> str:
    """A path as messages show it: relative to the current folder, if that is shorter."""
    try:
        relative = os.path.relpath(path)
    except ValueError:  # another drive
        return str(path)
    return min(str(path), relative, key=len)


def _text(path: Path, file: str, if_missing: str | None) -> str:
    try:
        if path.is_dir():
            raise _unreadable(file, "found a folder, expected a file")
        if path.exists() and not path.is_file():
            raise _unreadable(file, "found no regular file, expected one")
        with path.open("rb") as stream:
            content = stream.read(SIZE_MAX + 1)
    except FileNotFoundError as error:
        raise _unreadable(file, "no such file", _neighbour(path) or if_missing) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _unreadable(file, f"cannot be read: {reason}") from error
    if len(content) > SIZE_MAX:
        raise _unreadable(file, f"found more than {SIZE_MAX // 1024**2} MB, expected at most that")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        lines = (content[: error.start].decode("utf-8-sig", errors="replace") + "?").splitlines()
        line, column = len(lines), len(lines[-1])
        message = f"found the byte 0x{content[error.start]:02X}, expected text in UTF-8"
        raise ProblemsFound([Problem(Location(file, line, column), "", message, "save the file as UTF-8")]) from error


def _neighbour(path: Path) -> str | None:
    """A hint that names an existing file with the same name and the other extension."""
    other = {".yaml": ".yml", ".yml": ".yaml"}.get(path.suffix)
    if other and path.with_suffix(other).is_file():
        return f"there is {path.with_suffix(other).name}: rename it to {path.name}"
    return None


def _unreadable(file: str, message: str, hint: str | None = None) -> ProblemsFound:
    return ProblemsFound([Problem(Location(file), "", message, hint)])


class _Open:
    """A mapping or list that has begun and not ended."""

    __slots__ = (
        "broken",
        "column",
        "items",
        "key",
        "key_broken",
        "key_place",
        "keys",
        "line",
        "place",
        "repeated",
        "step",
    )

    def __init__(self, event: Any, place: tuple[int, int] | None, step: str | int) -> None:
        self.keys: dict[str, Node] | None = {} if isinstance(event, MappingStartEvent) else None
        self.items: list[Node] = []
        self.line = event.start_mark.line + 1
        self.column = event.start_mark.column + 1
        self.place = place  # of this container's own key
        self.step = step  # from the parent to here
        self.broken = event.tag is not None
        self.key: str | None = None
        self.key_broken = False
        self.key_place: tuple[int, int] | None = None
        self.repeated = False  # whether the pending key is a duplicate, so that its value is dropped


class _Composer:
    """Builds nodes from libyaml's events. It enforces the limits before it builds anything, and uses no recursion."""

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self._loader: Any = CCoreLoader(text)
        self._stack: list[_Open] = []
        self._root: Node | None = None
        self._count = 0

    def compose(self) -> Node | None:
        """The document, or None if the text holds none."""
        documents = 0
        try:
            while self._loader.check_event():
                event = self._loader.get_event()
                if isinstance(event, DocumentStartEvent):
                    documents += 1
                    if documents > 1:
                        self._stop(event, "found a second document, expected one", "give each a file of its own")
                elif isinstance(event, ScalarEvent):
                    self._scalar(event)
                elif isinstance(event, MappingStartEvent | SequenceStartEvent):
                    self._begin(event)
                elif isinstance(event, MappingEndEvent | SequenceEndEvent):
                    self._end()
                elif isinstance(event, AliasEvent):
                    self._alias(event)
        finally:
            self._loader.dispose()
        return self._root

    def _scalar(self, event: ScalarEvent) -> None:
        self._counted(event)
        self._refuse_tag(event)
        value, broken = event.value, event.tag is not None
        if not broken and event.implicit[0]:
            value, broken = self._resolved(event)
        self._take(event, value, broken)

    def _resolved(self, event: ScalarEvent) -> tuple[Any, bool]:
        tag = self._loader.resolve(yaml.ScalarNode, event.value, event.implicit)
        if tag == _STRING_TAG:
            return event.value, False
        try:
            value = self._loader.construct_object(yaml.ScalarNode(tag, event.value))
        except ValueError:  # more digits than Python converts
            value = INTEGER_MAX + 1
        if isinstance(value, float) and not math.isfinite(value):
            self._problem(event, f"found {quoted(event.value)}, expected a finite number")
            return None, True
        if isinstance(value, int) and abs(value) > INTEGER_MAX:
            self._problem(
                event,
                f"found a whole number of {len(event.value)} digits, expected at most {INTEGER_MAX}",
                "put it in quotes if it is a text",
            )
            return None, True
        return value, False

    def _alias(self, event: AliasEvent) -> None:
        self._counted(event)
        self._problem(
            event,
            f"found the alias {quoted(f'*{event.anchor}')}, expected plain data",
            "write the value out; quote a text that begins with '*'",
        )
        self._take(event, None, broken=True)

    def _refuse_tag(self, event: Any) -> None:
        if event.tag is not None:
            self._problem(
                event,
                f"found the YAML tag {quoted(event.tag.replace('tag:yaml.org,2002:', '!!'))}, expected plain data",
                "leave the tag out; quote a text that looks like a number or begins with '!'",
            )

    def _begin(self, event: Any) -> None:
        self._counted(event)
        if len(self._stack) >= DEPTH_MAX:
            self._stop(event, f"found more than {DEPTH_MAX} levels, expected at most that many")
        self._refuse_tag(event)
        parent = self._stack[-1] if self._stack else None
        if parent is not None and parent.keys is not None and parent.key is None:
            self._stop(event, "found a key that is a mapping or list, expected a text", "put the key in quotes")
        step: str | int = ""
        if parent is not None:
            step = len(parent.items) if parent.keys is None else parent.key or ""
        self._stack.append(_Open(event, parent.key_place if parent is not None else None, step))

    def _end(self) -> None:
        done = self._stack.pop()
        line, column = done.place or (done.line, done.column)
        value = done.items if done.keys is None else done.keys
        self._attach(Node(value, self.file, done.line, done.column, line, column, done.broken))

    def _take(self, event: Any, value: Any, broken: bool) -> None:
        """Take a scalar as the next key or the next value."""
        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        parent = self._stack[-1] if self._stack else None
        if parent is not None and parent.keys is not None and parent.key is None:
            self._key(parent, event, value, broken)
            return
        key_line, key_column = (parent.key_place if parent is not None else None) or (line, column)
        text = event.value if isinstance(value, float) else ""
        self._attach(Node(value, self.file, line, column, key_line, key_column, broken, text))

    def _key(self, parent: _Open, event: Any, value: Any, broken: bool) -> None:
        parent.key = value if isinstance(value, str) else str(getattr(event, "value", "*"))
        parent.key_place = (event.start_mark.line + 1, event.start_mark.column + 1)
        assert parent.keys is not None  # noqa: S101 - only mappings have keys
        before = parent.keys.get(parent.key)
        parent.repeated = before is not None
        parent.key_broken = broken or not isinstance(value, str)
        if broken:
            return
        if not isinstance(value, str):
            self._problem(
                event,
                f"found {described(value)} as a key, expected a text",
                f"put it in quotes: {quoted(parent.key)}" if parent.key else "write the key before the colon",
            )
        elif before is not None:
            self._problem(
                event,
                "found the key again, expected it once",
                f"it is already at {before.key_location}: keep one of the two",
            )

    def _attach(self, node: Node) -> None:
        if not self._stack:
            self._root = node
            return
        parent = self._stack[-1]
        if parent.keys is None:
            parent.items.append(node)
            return
        if not parent.repeated:
            # The value under an invalid key is not checked: the author must fix the key first.
            parent.keys[parent.key or ""] = node._replace(broken=True) if parent.key_broken else node
        parent.key, parent.key_place, parent.repeated = None, None, False

    def _counted(self, event: Any) -> None:
        self._count += 1
        if self._count > NODES_MAX:
            self._stop(event, f"found more than {NODES_MAX} values, expected at most that many")

    def _path(self) -> tuple[str | int, ...]:
        """The path of the next value in the document."""
        steps: list[str | int] = [container.step for container in self._stack[1:]]
        if self._stack:
            last = self._stack[-1]
            if last.keys is None:
                steps.append(len(last.items))
            elif last.key is not None:
                steps.append(last.key)
        return tuple(steps)

    def _problem(self, event: Any, message: str, hint: str | None = None) -> None:
        place = Location(self.file, event.start_mark.line + 1, event.start_mark.column + 1)
        self.problems.append(Problem(place, written(self._path()), message, hint))

    def _stop(self, event: Any, message: str, hint: str | None = None) -> None:
        """Stop with a problem, since nothing after this place can be read."""
        place = Location(self.file, event.start_mark.line + 1, event.start_mark.column + 1)
        raise ProblemsFound([*self.problems, Problem(place, "", message, hint)])
