"""Explains YAML syntax errors to authors of manifests."""

from __future__ import annotations

import re
from typing import Any

import yaml

from alchemesh_platform.base.problems import Location, Problem

_INDENTATION = "check the indentation: keys of one mapping begin in the same column"
_QUOTES = "put the text in quotes"

# libyaml's message: (found and expected text, remedy, whether the place of the context is more exact)
_MEANINGS: dict[str, tuple[str, str, bool]] = {
    "mapping values are not allowed in this context": (
        "found ':' after a value, expected one key and one value in a line",
        f"quote a text that contains ': '; otherwise {_INDENTATION}",
        False,
    ),
    "could not find expected ':'": (
        "found a text without a key, expected 'key: value'",
        "write a colon and a space after the key; a text of several lines is indented deeper than its key",
        True,
    ),
    "did not find expected key": (
        "found something that is no key, expected 'key: value'",
        f"{_INDENTATION}; quote a text that begins with {{ or [",
        False,
    ),
    "did not find expected '-' indicator": (
        "found something else in a list, expected an item that begins with '- '",
        "check the indentation: items of one list begin in the same column",
        False,
    ),
    "block sequence entries are not allowed in this context": (
        "found a list item where none is allowed, expected it on a line of its own",
        "write the key's colon, then the items on the lines below, or write the list as [a, b]",
        False,
    ),
    "found unexpected end of stream": ("found a quote that is never closed", "close it at the end of the text", True),
    "found unexpected document indicator": (
        "found a quote that is never closed",
        "close it at the end of the text",
        True,
    ),
    "did not find expected ',' or '}'": (
        "found a '{' that is not closed, expected ',' or '}'",
        "separate keys with ',' and close with '}'",
        True,
    ),
    "did not find expected ',' or ']'": (
        "found a '[' that is not closed, expected ',' or ']'",
        "separate items with ',' and close with ']'",
        True,
    ),
    "found unknown escape character": (
        "found a backslash that begins no escape of YAML",
        r"in double quotes a backslash is written \\; single quotes keep it as it is",
        False,
    ),
    "did not find expected node content": ("found a bracket where a value should be", _QUOTES, False),
    "did not find expected <document start>": (
        "found more after the end of the document, expected one document",
        "remove it, or check brackets and indentation",
        False,
    ),
    "found incompatible YAML document": ("found another version of YAML, expected YAML 1.2", "drop the line", False),
    "found undefined tag handle": ("found a YAML tag, expected plain data", _QUOTES, False),
}
_OPENING = re.compile(r"\s*")


def explain_syntax(error: yaml.YAMLError, text: str, file: str) -> Problem:
    """A YAML error as a problem at its place."""
    if isinstance(error, yaml.reader.ReaderError):
        return _control_character(text, file)
    problem = getattr(error, "problem", None) or str(error)
    at, context_at = getattr(error, "problem_mark", None), getattr(error, "context_mark", None)
    lines = text.splitlines() or [""]
    tab = _tab(lines, at)
    if tab is not None:
        return Problem(
            Location(file, *tab), "", "found a tab in the indentation, expected spaces", "YAML indents with spaces only"
        )
    context = str(getattr(error, "context", "") or "")
    if any(word in context for word in ("scanning an alias", "scanning an anchor", "tag")):
        at = context_at or at
    message, hint, context_says_more = _meaning(problem, context, *_around(lines, at))
    mark = context_at if context_says_more and context_at is not None else at
    return Problem(_location(mark, lines, file), "", message, hint)


def _control_character(text: str, file: str) -> Problem:
    match = yaml.reader.Reader.NON_PRINTABLE.search(text)
    index = match.start() if match else 0
    lines = f"{text[:index]}?".splitlines()
    line, column = len(lines), len(lines[-1])
    found = f"U+{ord(text[index]):04X}" if text else "nothing"
    return Problem(
        Location(file, line, column), "", f"found the control character {found}, expected text", "remove the character"
    )


def _tab(lines: list[str], mark: Any) -> tuple[int, int] | None:
    """The first tab in the indentation of the line that the parser stopped at."""
    if mark is None or mark.line >= len(lines):
        return None
    match = _OPENING.match(lines[mark.line])
    indentation = match[0] if match else ""
    return (mark.line + 1, indentation.index("\t") + 1) if "\t" in indentation else None


def _meaning(problem: str, context: str, before: str, after: str) -> tuple[str, str | None, bool]:
    """The found and expected text, the remedy, and whether the place of the context is more exact.

    Args:
        problem: The message of libyaml.
        context: The parser's context.
        before: The line up to the place.
        after: The text from the place on.
    """
    if problem == "found character that cannot start any token" or any(
        word in context for word in ("scanning an alias", "scanning an anchor", "tag")
    ):
        return f"found {after[:1]!r} at the start of a text, expected plain data", _QUOTES, False
    if problem == "did not find expected key" and before.endswith(("'", '"')):
        hint = "inside single quotes a quote is written twice ('it''s'), inside double quotes after a backslash"
        return "found more after a closing quote, expected the end of the text", hint, False
    if problem == "did not find expected node content" and not after.strip():
        return "found the end of the file, expected a value", "close what was opened with '[' or '{'", False
    if problem.startswith("mapping values") and ":" not in before:
        message = "found a key inside the value above, expected the end of that value"
        return message, f"{_INDENTATION}; a colon is followed by a space", False
    return _MEANINGS.get(problem, (f"this is not YAML: {problem}", _QUOTES, False))


def _around(lines: list[str], mark: Any) -> tuple[str, str]:
    """The line before a place, and all text from there on."""
    if mark is None or mark.line >= len(lines):
        return "", ""
    line = lines[mark.line]
    return line[: mark.column], "\n".join([line[mark.column :], *lines[mark.line + 1 :]])


def _location(mark: Any, lines: list[str], file: str) -> Location:
    """The mark's place, drawn back to the end of the text where the parser stopped beyond it."""
    if mark is None:
        return Location(file)
    if mark.line >= len(lines):
        return Location(file, len(lines), len(lines[-1]) + 1)
    return Location(file, mark.line + 1, mark.column + 1)
