"""Reading of source files: the table function of DuckDB, and the message for an unreadable file."""

from __future__ import annotations

import errno
import glob
import json
import os
import shutil
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.sql import quoted
from alchemesh_platform.machine.files import count, storage_failure
from alchemesh_platform.systems.local.landing.parse_errors import bad_csv_line, bad_json_line, delimiter_of
from alchemesh_platform.systems.local.landing.source_files import SourceFailed, SourceFile

SourceFormat = Literal["csv", "json", "parquet"]
NULL_VALUES = ("", "NA")


@dataclass(frozen=True, slots=True)
class Reading:
    """How source files are read.

    CSV has a header line, fields in double quotes where needed, and the separator that the header shows: comma,
    semicolon, tab or bar. JSON is one object for each line. Either may be compressed: ``.gz``, or a ``.zip`` that holds
    one file. Types are inferred from the whole file.
    """

    format: SourceFormat
    null_values: tuple[str, ...] = NULL_VALUES

    def key(self) -> str:
        """A key that is equal for equal options."""
        return json.dumps([self.format, *(self.null_values if self.format == "csv" else ())])


def table_function(path: Path, reading: Reading) -> str:
    """The table function of DuckDB that reads a file."""
    file = quoted(str(path))
    if reading.format == "csv":
        nulls = ", ".join(quoted(value) for value in reading.null_values)
        # Set the dialect, so that DuckDB reports a bad row at its line and does not guess another dialect.
        return (
            f"read_csv({file}, header = true, delim = {quoted(delimiter_of(path))}, quote = '\"', escape = '\"', "
            f"comment = '', skip = 0, sample_size = -1, nullstr = [{nulls}])"
        )
    if reading.format == "json":
        return f"read_json({file}, format = 'newline_delimited', records = true, sample_size = -1)"
    return f"read_parquet({file})"


def unreadable(source: SourceFile, readable: Path, reading: Reading, message: str) -> Failure:
    """The message for an error of DuckDB, with the line at fault if there is one."""
    reason = message.strip().splitlines()[0].partition("Error: ")[2] or message
    for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        if os.strerror(number) in message:
            return storage_failure(f"land {source.path}", OSError(number, os.strerror(number)))
    found = None
    try:
        if reading.format == "csv":
            found = bad_csv_line(readable, delimiter_of(readable))
        elif reading.format == "json":
            found = bad_json_line(readable)
    except (OSError, EOFError):
        pass  # this check cannot read it either, so use DuckDB's reason
    if found is not None:
        line, cause = found
        return SourceFailed(f"{source.path}:{line}: {cause}", hint="fix the line; no row of this file was landed")
    reason = reason.replace(str(readable), source.path.name)
    return SourceFailed(f"cannot read {source.path} as {reading.format}: {reason}", hint="nothing of it was landed")


def readable_copy(source: SourceFile, staging: Path) -> Path:
    """A copy of the file that DuckDB can read: unpacked, and with a name without wildcard characters."""
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
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError) as error:
        raise SourceFailed(f"cannot unpack {source.path}: {error}", hint="nothing of it was landed") from error
    return unpacked


def is_blank(path: Path) -> bool:
    """Whether a file holds nothing but white space."""
    with path.open("rb") as file:
        while block := file.read(1 << 16):
            if block.strip():
                return False
    return True
