"""Finds lines of a source file, after DuckDB failed to read it or found rows that do not fit."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alchemesh_platform.systems.local.landing.reading import Reading

LONGEST_SHOWN = 80
_LONE_RETURN = re.compile(r"(?<=\r)(?!\n)")


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One row of a source file: the line that it starts at, and its text."""

    line: int
    text: str


def bad_csv_line(path: Path, delimiter: str, reading: Reading) -> tuple[int, str] | None:
    """The first line that is not a row of its table, with the reason."""
    width: int | None = None
    line = reading.skip_lines + 1
    try:
        for line, row in _csv_rows(path, delimiter, reading):
            if width is None:
                width = len(row)
            elif row and len(row) != width:
                return line, f"{len(row)} columns where the header has {width}: {shown(delimiter.join(row))}"
    except _Broken as broken:
        return broken.line, broken.reason
    return None


def csv_header(path: Path, delimiter: str, reading: Reading) -> tuple[str, ...]:
    """The names of the columns of a CSV file. A column without a name is called after its position: ``column1``."""
    try:
        _, row = next(_csv_rows(path, delimiter, reading), (0, []))
    except _Broken as broken:
        raise HeaderUnfit(broken.line, broken.reason) from broken
    names = row if reading.header else [""] * len(row)
    return tuple(name or f"column{position}" for position, name in enumerate(names, start=1))


def csv_lines(
    path: Path, delimiter: str, reading: Reading, width: int, numbers: Collection[int]
) -> Iterator[tuple[int, SourceRow]]:
    """The lines of rows, by the number of the row after the header. Rows of another width do not count.

    Args:
        path: The file.
        delimiter: Separator of its fields.
        reading: Its other options.
        width: Number of columns.
        numbers: The numbers of the wanted rows; the first row is 1.
    """
    number = 0 if reading.header else 1
    wanted, last = set(numbers), max(numbers, default=0)
    try:
        for line, row in _csv_rows(path, delimiter, reading):
            if not row or len(row) != width:
                continue
            if number in wanted:
                yield number, SourceRow(line, _as_csv(row, delimiter, reading))
            number += 1
            if number > last:
                return
    except _Broken:
        return


def bad_json_line(path: Path) -> tuple[int, str] | None:
    """The first line that is not a JSON object, with the reason."""
    with opened(path) as file:
        for number, raw in enumerate(file, start=1):
            if not raw.strip():
                continue
            try:
                found = json.loads(raw.strip())
            except UnicodeDecodeError as error:
                return number, f"not UTF-8 text ({error.reason})"
            except json.JSONDecodeError as error:
                return number, f"no JSON ({error.msg}, column {error.colno}): {shown(raw.decode(errors='replace'))}"
            except RecursionError:
                return number, "its objects are nested too deeply"
            if not isinstance(found, dict):
                return number, f"not an object but {type(found).__name__}: {shown(raw.decode(errors='replace'))}"
    return None


def text_lines(path: Path, numbers: Collection[int]) -> Iterator[tuple[int, SourceRow]]:
    """Lines of a file by their numbers; the first line is 1."""
    wanted, last = set(numbers), max(numbers, default=0)
    with opened(path) as file:
        for number, raw in enumerate(file, start=1):
            if number in wanted:
                yield number, SourceRow(number, raw.decode(errors="replace").rstrip("\r\n"))
            if number >= last:
                return


def first_line(path: Path, skipped: int = 0) -> str:
    """The first line of a file, after those that are skipped. It ends at the first kind of line end."""
    with opened(path) as file:
        for _ in range(skipped):
            file.readline()
        line = file.readline(1 << 20).decode("utf-8-sig", errors="replace")
    return line.splitlines()[0] if line.strip() else ""


def shown(text: str) -> str:
    """A piece of a file, short enough for a message."""
    text = text.strip()
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


@contextmanager
def opened(path: Path) -> Iterator[io.BufferedIOBase]:
    """The bytes of a file, unpacked if it is compressed."""
    if path.name.lower().endswith(".gz"):
        with gzip.open(path) as file:
            yield file
    else:
        with path.open("rb") as plain:
            yield plain


class HeaderUnfit(ValueError):
    """Raised when the first row of a CSV file cannot be read."""

    def __init__(self, line: int, reason: str) -> None:
        self.line = line
        super().__init__(reason)


class _Broken(Exception):
    def __init__(self, line: int, reason: str) -> None:
        self.line = line
        self.reason = reason
        super().__init__(reason)


def _csv_rows(path: Path, delimiter: str, reading: Reading) -> Iterator[tuple[int, list[str]]]:
    """The rows of a CSV file, each with the line that it starts at."""
    csv.field_size_limit(2**31 - 1)
    with opened(path) as file:
        for _ in range(reading.skip_lines):
            file.readline()
        rows = csv.reader(_decoded(file), strict=True, **_dialect(delimiter, reading))
        line = 1
        while True:
            try:
                row = next(rows)
            except StopIteration:
                return
            except csv.Error as error:
                never_closed = str(error) == "unexpected end of data"
                reason = "a quote that opens here is never closed" if never_closed else _reason(str(error))
                raise _Broken(line + reading.skip_lines, reason) from error
            except UnicodeDecodeError as error:
                reason = f"not UTF-8 text ({error.reason}); set `encoding` in the arguments of the port"
                raise _Broken(rows.line_num + 1 + reading.skip_lines, reason) from error
            yield line + reading.skip_lines, row
            line = rows.line_num + 1


def _reason(message: str) -> str:
    if "expected after" in message:
        return "text follows a closing quote"
    return "its quotes, delimiters or line ends do not form rows"


def _dialect(delimiter: str, reading: Reading) -> dict[str, Any]:
    if not reading.quote:
        return {"delimiter": delimiter, "quoting": csv.QUOTE_NONE, "quotechar": None}
    doubled = reading.escape in {reading.quote, ""}
    return {
        "delimiter": delimiter,
        "quotechar": reading.quote,
        "doublequote": doubled,
        "escapechar": None if doubled else reading.escape,
    }


def _as_csv(row: list[str], delimiter: str, reading: Reading) -> str:
    text = io.StringIO()
    options = _dialect(delimiter, reading)
    if options.get("quotechar") is None:
        return delimiter.join(row)
    csv.writer(text, lineterminator="\r\n", **options).writerow(row)  # so that a line end in a field is quoted
    return text.getvalue().removesuffix("\r\n")


def _decoded(file: io.BufferedIOBase) -> Iterator[str]:
    for raw in file:
        # A lone carriage return ends a line too. Python's reader accepts it only at the end of its input.
        text = raw.decode("utf-8-sig" if raw.startswith(b"\xef\xbb\xbf") else "utf-8")
        yield from _LONE_RETURN.split(text) if "\r" in text[:-2] else (text,)
