"""Reading of source files: the table functions of DuckDB, and the message for an unreadable file."""

from __future__ import annotations

import codecs
import csv
import errno
import glob
import json
import os
import shutil
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.sql import quoted
from alchemesh_platform.machine.files import count, storage_failure
from alchemesh_platform.machine.landing.source_columns import SourceColumn
from alchemesh_platform.machine.landing.spelling import holds_text
from alchemesh_platform.manifest.models import LogicalType
from alchemesh_platform.systems.local.landing.parse_errors import (
    bad_csv_line,
    bad_json_line,
    first_line,
    opened,
    shown,
)
from alchemesh_platform.systems.local.landing.source_files import SourceFailed, SourceFile

SourceFormat = Literal["csv", "json", "parquet"]
OnBadRow = Literal["fail", "reject"]
OnNewColumn = Literal["refuse", "add", "ignore"]
OnAmbiguousTime = Literal["refuse", "earlier", "later"]
NULL_VALUES = ("",)
LONGEST_LINE = 256 * 1024**2  # bytes
LONG_FILE = 2_000_000  # bytes: no line of a smaller file exceeds DuckDB's usual buffer
LONGEST_USUAL_OBJECT = 16 * 1024**2  # bytes: DuckDB's default
_BUFFER_FOR_LONG_LINES = 300 * 1024**2
_SEPARATORS = ",;\t|"


@dataclass(frozen=True, slots=True)
class Reading:
    """How source files are read.

    Without declared columns, values land as the source has them: text of CSV, exact numbers of JSON, types of Parquet.
    With declared columns, every value has to fit its type.

    Args:
        format: Format of the files; JSON is one object for each line. CSV and JSON may be compressed: ``.gz``, or a
            ``.zip`` that holds one file.
        null_values: CSV: texts that mean *no value*. A text in quotes is a value.
        delimiter: CSV: the separator of fields; None: the only one of comma, semicolon, tab and bar in the first line.
        quote: CSV: the character around fields; empty for none.
        escape: CSV: the character before a quote inside a field.
        header: CSV: whether the first line has the names of the columns.
        skip_lines: CSV: lines before the header.
        encoding: CSV and JSON: encoding of the text.
        decimal_separator: CSV: the character before the decimals of a number.
        date_format: Form of dates whose property has none.
        timestamp_format: Form of timestamps whose property has none.
        time_zone: Time zone of timestamps without one.
        on_ambiguous_time: Handling of a local time that occurs twice, when the clock is set back.
        on_bad_row: Handling of a row that does not fit.
        on_new_column: Handling of a column that not all files have.
        columns: The declared columns; None if the port declares no schema.
    """

    format: SourceFormat
    null_values: tuple[str, ...] = NULL_VALUES
    delimiter: str | None = None
    quote: str = '"'
    escape: str = '"'
    header: bool = True
    skip_lines: int = 0
    encoding: str = "utf-8"
    decimal_separator: str = "."
    date_format: str | None = None
    timestamp_format: str | None = None
    time_zone: str | None = None
    on_ambiguous_time: OnAmbiguousTime = "refuse"
    on_bad_row: OnBadRow = "fail"
    on_new_column: OnNewColumn = "refuse"
    columns: tuple[SourceColumn, ...] | None = None

    def key(self) -> str:
        """A key that is equal for options that land the same values."""
        options = {field.name: getattr(self, field.name) for field in fields(self)}
        if self.columns is not None:
            excluded = {"description", "classification", "key", "unique"}
            options["columns"] = [column.model_dump(mode="json", exclude=excluded) for column in self.columns]
        # Version 2 landed numbers of JSON in declared columns of text as DuckDB spells them.
        changed = self.format == "json" and any(holds_text(column) for column in self.columns or ())
        return json.dumps({"version": 3 if changed else 2, **options})

    def form_of(self, kind: LogicalType) -> str | None:
        """The form of values of a type whose property says nothing."""
        if kind is LogicalType.DATE:
            return self.date_format
        return self.timestamp_format if kind is LogicalType.TIMESTAMP else None


def csv_rows(
    path: Path, delimiter: str, columns: Mapping[str, str], reading: Reading, *, long_lines: bool, more: str = ""
) -> str:
    """The table function of DuckDB that reads a CSV file, with the columns of the file.

    Every option is set, so that nothing depends on what DuckDB would guess.
    """
    nulls = ", ".join(quoted(value) for value in reading.null_values)
    null_option = f"nullstr = [{nulls}], allow_quoted_nulls = false"
    if not reading.null_values:
        null_option = f"force_not_null = [{', '.join(quoted(name) for name in columns)}]"
    typed = ", ".join(f"{quoted(name)}: {quoted(kind)}" for name, kind in columns.items())
    return (
        f"read_csv({quoted(str(path))}, auto_detect = false, columns = {{{typed}}}, "
        f"header = {str(reading.header).lower()}, skip = {reading.skip_lines}, delim = {quoted(delimiter)}, "
        f"quote = {quoted(reading.quote)}, escape = {quoted(reading.escape)}, comment = '', "
        f"{null_option}{_for_long_lines(long_lines)}{more})"
    )


def json_lines(path: Path, *, long_lines: bool) -> str:
    """The table function that reads a JSON lines file as lines of text, in the column ``line``."""
    # A character that JSON allows nowhere separates fields, so every line is one field.
    return (
        f"read_csv({quoted(str(path))}, auto_detect = false, columns = {{'line': 'VARCHAR'}}, header = false, "
        f"delim = '\x01', quote = '', escape = '', comment = '', nullstr = ''{_for_long_lines(long_lines)})"
    )


def json_rows(path: Path, columns: Mapping[str, str]) -> str:
    """The table function that reads a JSON lines file with given columns."""
    typed = ", ".join(f"{quoted(name)}: {quoted(kind)}" for name, kind in columns.items())
    return (
        f"read_json({quoted(str(path))}, format = 'newline_delimited', records = true, auto_detect = false, "
        f"columns = {{{typed}}}{_for_long_objects(path)})"
    )


def json_objects(path: Path) -> str:
    """The table function that reads a JSON lines file as objects, in the column ``json``."""
    return f"read_ndjson_objects({quoted(str(path))}, format = 'newline_delimited'{_for_long_objects(path)})"


def _for_long_objects(path: Path) -> str:
    """The option for a file whose longest line exceeds DuckDB's buffer, which holds the largest object twice."""
    with opened(path) as file:
        longest = max(map(len, file), default=0) if path.stat().st_size > LONG_FILE else 0
    return f", maximum_object_size = {longest + 1}" if longest > LONGEST_USUAL_OBJECT else ""


def delimiter_of(source: SourceFile, path: Path, reading: Reading) -> str:
    """The delimiter of a CSV file: the declared one, or the only possible one in its header.

    Raises:
        SourceFailed: when the header has several of them, so that only the manifest can say which it is.
    """
    if reading.delimiter is not None:
        return reading.delimiter
    header = first_line(path, reading.skip_lines)
    unquoted = "".join(header.split(reading.quote)[::2]) if reading.quote else header
    found = [separator for separator in _SEPARATORS if separator in unquoted]
    if len(found) > 1:
        names = " and ".join(repr(separator) for separator in found)
        raise SourceFailed(
            f"{source.path}:{reading.skip_lines + 1}: the delimiter is not clear, the header has {names}: "
            f"{shown(header)}",
            hint=f"set `delimiter` in the arguments of the port, as in `delimiter: {found[-1]!r}`",
        )
    return found[0] if found else ","


def wants_long_lines(message: str) -> bool:
    """Whether DuckDB's error is about a line that exceeds its buffer."""
    return "maximum line size" in message.lower() or "does not support a full read" in message


def _for_long_lines(long_lines: bool) -> str:
    return f", max_line_size = {LONGEST_LINE}, buffer_size = {_BUFFER_FOR_LONG_LINES}" if long_lines else ""


def unreadable(source: SourceFile, readable: Path, reading: Reading, error: Exception) -> Failure:
    """The message for an error of DuckDB, with the line at fault if there is one. DuckDB's own words are not shown."""
    message = str(error)
    for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        if os.strerror(number) in message:
            return storage_failure(f"land {source.path}", OSError(number, os.strerror(number)))
    found = None
    try:
        if reading.format == "csv":
            found = bad_csv_line(readable, delimiter_of(source, readable, reading), reading)
        elif reading.format == "json":
            found = bad_json_line(readable)
    except (OSError, EOFError, csv.Error):
        pass  # this check cannot read it either, so use a general reason
    if found is not None:
        line, cause = found
        return SourceFailed(f"{source.path}:{line}: {cause}", hint=_FIX_LINE.get(reading.format))
    if wants_long_lines(message):
        reason = f"a line is longer than {LONGEST_LINE // 1024**2} MB"
    elif type(error).__name__ == "OutOfMemoryException":
        reason = "its rows need more memory than an ingestion may use"
    elif isinstance(error, EOFError | zlib.error) or "gzip" in message.lower():
        reason = "it is not a complete gzip file"
    else:
        reason = _PLAIN_REASONS[reading.format]
    return SourceFailed(f"cannot read {source.path} as {reading.format}: {reason}", hint=_HINTS.get(reading.format))


_PLAIN_REASONS = {
    "csv": "its rows do not follow the delimiter, quote and escape in use",
    "json": "it is not one object for each line",
    "parquet": "it is not a complete Parquet file",
}
_FIX_LINE = {
    "csv": "fix the line, or set `on_bad_row: reject`; no row of this file was landed",
    "json": "fix the line; no row of this file was landed",
}
_HINTS = {
    "csv": "fix the file, or declare how it is written: `delimiter`, `quote`, `escape`, `encoding`, `skip_lines`; no "
    "row of it was landed",
    "json": "fix the line; no row of this file was landed",
    "parquet": "nothing of it was landed",
}


def readable_copy(source: SourceFile, staging: Path, reading: Reading) -> Path:
    """A copy of the file that DuckDB can read: unpacked, in UTF-8, and with a name without wildcard characters."""
    readable = _unpacked(source, staging)
    if reading.format == "parquet" or is_utf8(reading.encoding):
        return readable
    return _in_utf8(source, readable, staging, reading.encoding)


def is_utf8(encoding: str) -> bool:
    """Whether an encoding is UTF-8, which DuckDB reads itself."""
    return codecs.lookup(encoding).name in {"utf-8", "utf-8-sig", "ascii"}


def _in_utf8(source: SourceFile, readable: Path, staging: Path, encoding: str) -> Path:
    copy = staging / "utf8.txt"
    decoder = codecs.getincrementaldecoder(encoding)()
    line = 0
    try:
        with opened(readable) as file, copy.open("w", encoding="utf-8", newline="") as to:
            for raw in file:
                line += 1
                to.write(decoder.decode(raw))
            to.write(decoder.decode(b"", final=True))
    except UnicodeError as error:
        raise SourceFailed(
            f"{source.path}:{line}: not {encoding} text ({getattr(error, 'reason', error)})",
            hint="set `encoding` in the arguments of the port; no row of this file was landed",
        ) from error
    return copy


def _unpacked(source: SourceFile, staging: Path) -> Path:
    if source.path.suffix.lower() == ".zip":
        return _unzipped(source, staging)
    with source.path.open("rb"):  # check the permission first, since DuckDB's message is less clear
        pass
    if not glob.has_magic(str(source.path)):
        return source.path
    link = staging / f"source{''.join(source.path.suffixes[-2:])}"
    link.unlink(missing_ok=True)
    link.symlink_to(source.path.absolute())
    return link


def _unzipped(source: SourceFile, staging: Path) -> Path:
    try:
        with zipfile.ZipFile(source.path) as archive:
            members = [
                member
                for member in archive.infolist()
                if not member.is_dir() and not member.filename.startswith("__MACOSX/")
            ]
            if len(members) != 1:
                names = ", ".join(member.filename for member in members[:3])
                raise SourceFailed(
                    f"{source.path} holds {count(len(members), 'file')}, not one{f' ({names}, …)' if names else ''}",
                    hint="unpack it, and name the files in it",
                )
            unpacked = staging / f"source{Path(members[0].filename).suffix}"
            with archive.open(members[0]) as packed, unpacked.open("wb") as file:
                shutil.copyfileobj(packed, file, 1 << 20)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise SourceFailed(
            f"cannot unpack {source.path}: it is not a complete zip file",
            hint="replace the file; nothing of it was landed",
        ) from error
    except RuntimeError as error:  # NotImplementedError, for other ways to compress, is a subclass
        raise SourceFailed(
            f"cannot unpack {source.path}: it is encrypted, or compressed in an unusual way",
            hint="unpack it, and name the files in it; nothing of it was landed",
        ) from error
    return unpacked


def is_blank(path: Path) -> bool:
    """Whether a file holds nothing but white space."""
    with path.open("rb") as file:
        while block := file.read(1 << 16):
            if block.strip():
                return False
    return True
