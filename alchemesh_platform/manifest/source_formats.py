"""Forms of dates and times in source files, in the letters of JDK DateTimeFormatter that ODCS uses."""

from __future__ import annotations

import re

# https://docs.oracle.com/en/java/javase/21/docs/api/java.base/java/time/format/DateTimeFormatter.html#patterns, and
# https://duckdb.org/docs/stable/sql/functions/dateformat#format-specifiers
_SPECIFIERS = {
    "yyyy": "%Y",
    "uuuu": "%Y",
    "yy": "%y",
    "MMMM": "%B",
    "MMM": "%b",
    "MM": "%m",
    "M": "%-m",
    "dd": "%d",
    "d": "%-d",
    "EEEE": "%A",
    "EEE": "%a",
    "E": "%a",
    "HH": "%H",
    "H": "%-H",
    "hh": "%I",
    "h": "%-I",
    "mm": "%M",
    "m": "%-M",
    "ss": "%S",
    "s": "%-S",
    "SSS": "%g",
    "SSSSSS": "%f",
    "a": "%p",
    "Z": "%z",
    "X": "%z",
    "XX": "%z",
    "XXX": "%z",
    "x": "%z",
    "xx": "%z",
    "xxx": "%z",
}
_PIECES = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+|'")
_NEEDED = {"date": ("yu", "M", "d"), "time": ("Hh", "m"), "timestamp": ("yu", "M", "d", "Hh", "m")}
_ALLOWED = {"date": "yuMdE", "time": "HhmsSa", "timestamp": "yuMdEHhmsSaZXx"}


class FormatUnfit(ValueError):
    """Raised when a form cannot be read. The message gives the reason."""


def specifiers(pattern: str, kind: str) -> str:
    """A form as the specifiers of ``strptime``: ``dd.MM.yyyy`` is ``%d.%m.%Y``.

    Args:
        pattern: The form, in letters of DateTimeFormatter.
        kind: The logical type: ``date``, ``time`` or ``timestamp``.

    Raises:
        FormatUnfit: when the form has unknown letters, or lacks a part of the type.
    """
    if kind not in _NEEDED:
        raise FormatUnfit(f"a format belongs to a date, time or timestamp, not to type {kind}")
    letters, parts = set(), []
    for found in _PIECES.finditer(pattern):
        piece, literal, letter = found.group(0), found.group(1), found.group(2)
        if letter is not None:
            if letter not in _ALLOWED[kind] or piece not in _SPECIFIERS:
                raise FormatUnfit(f"a {kind} has no part {piece!r}")
            letters.add(letter)
            parts.append(_SPECIFIERS[piece])
        elif piece == "'":
            raise FormatUnfit("a quote that opens is never closed")
        else:
            text = piece if literal is None else literal.replace("''", "'") or "'"
            parts.append(text.replace("%", "%%"))
    missing = [needed[0] for needed in _NEEDED[kind] if not letters & set(needed)]
    if missing:
        raise FormatUnfit(f"a {kind} needs {', '.join(missing)}")
    return "".join(parts)


def has_offset(pattern: str) -> bool:
    """Whether values of a form carry their offset from UTC."""
    bare = re.sub(r"'(?:[^']|'')*'", "", pattern)
    return bool(set(bare) & set("ZXx"))
