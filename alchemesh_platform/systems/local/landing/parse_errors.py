"""Finds the line that makes a file unreadable, after reading failed."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LONGEST_SHOWN = 80


def bad_csv_line(path: Path, delimiter: str) -> tuple[int, str] | None:
    """The first line that is not a row of its table, with the reason."""
    csv.field_size_limit(2**31 - 1)
    with _opened(path) as file:
        rows = csv.reader(_decoded(file), delimiter=delimiter, strict=True)
        width: int | None = None
        line = 1
        try:
            for row in rows:
                if width is None:
                    width = len(row)
                elif row and len(row) != width:
                    return line, f"{len(row)} columns where the header has {width}: {shown(delimiter.join(row))}"
                line = rows.line_num + 1
        except csv.Error as error:
            never_closed = str(error) == "unexpected end of data"
            return line, "a quote that opens here is never closed" if never_closed else str(error)
        except UnicodeDecodeError as error:
            return rows.line_num + 1, f"not UTF-8 text ({error.reason})"
    return None


def bad_json_line(path: Path) -> tuple[int, str] | None:
    """The first line that is not a JSON object, with the reason."""
    with _opened(path) as file:
        for number, raw in enumerate(file, start=1):
            if not raw.strip():
                continue
            try:
                found = json.loads(raw.strip())
            except UnicodeDecodeError as error:
                return number, f"not UTF-8 text ({error.reason})"
            except json.JSONDecodeError as error:
                return number, f"no JSON ({error.msg}, column {error.colno}): {shown(raw.decode(errors='replace'))}"
            if not isinstance(found, dict):
                return number, f"not an object but {type(found).__name__}: {shown(raw.decode(errors='replace'))}"
    return None


def delimiter_of(path: Path) -> str:
    """The delimiter of a CSV file: the most frequent one of comma, semicolon, tab and bar in its header."""
    with _opened(path) as file:
        header = file.readline(1 << 20).decode(errors="replace")
    unquoted = "".join(header.split('"')[::2])
    return max(",;\t|", key=unquoted.count)


def shown(text: str) -> str:
    """A piece of a file, short enough for a message."""
    text = text.strip()
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


@contextmanager
def _opened(path: Path) -> Iterator[io.BufferedIOBase]:
    if path.name.lower().endswith(".gz"):
        with gzip.open(path) as file:
            yield file
    else:
        with path.open("rb") as plain:
            yield plain


def _decoded(file: io.BufferedIOBase) -> Iterator[str]:
    for raw in file:
        yield raw.decode("utf-8-sig" if raw.startswith(b"\xef\xbb\xbf") else "utf-8")
