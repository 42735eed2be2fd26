"""Reads the files of the input ports: checks them, computes their fingerprint, and offers typed views."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from alchemesh_platform.connections import Connections


class UnusableInput(Exception):
    """Raised when ingested files cannot be used; says where, what was found and what was expected."""


@dataclass(frozen=True, slots=True)
class Landed:
    """The Parquet files of one input port."""

    port: str
    files: tuple[Path, ...]

    def digest(self) -> str:
        """SHA-256 over the contents of all files; their names do not matter."""
        digest = hashlib.sha256()
        for file in self.files:
            with file.open("rb") as content:
                digest.update(hashlib.file_digest(content, "sha256").digest())
        return digest.hexdigest()


def landed(here: Connections, port: str, columns: Mapping[str, str]) -> Landed:
    """The files of an input port, each with the columns that the job reads.

    Raises:
        UnusableInput: when there is no file, a file is not Parquet, or a column is missing.
    """
    folder = here.input(port).files.path
    found = Landed(port, tuple(sorted(file for file in folder.glob("*.parquet") if not file.name.startswith("."))))
    if not found.files:
        raise UnusableInput(
            f"input port {port!r}: no Parquet file in {folder}\n\n"
            "hint: `alchemesh up` ingests the files that the port's `path` names; `python examples/data.py` unpacks "
            "those of the examples"
        )
    for file in found.files:
        there = columns_of(port, file)
        missing = [column for column in columns if column not in there]
        if missing:
            raise UnusableInput(
                f"input port {port!r}: {file.name} has no column {', '.join(map(repr, missing))}; "
                f"found: {', '.join(there)}"
            )
    return found


def columns_of(port: str, file: Path) -> list[str]:
    """Names of a Parquet file's columns."""
    with duckdb.connect() as reader:
        try:
            return reader.read_parquet(str(file)).columns
        except duckdb.Error as error:
            raise UnusableInput(f"input port {port!r}: {file.name} cannot be read: {error}") from error


def view(work: duckdb.DuckDBPyConnection, name: str, source: Landed, columns: Mapping[str, str]) -> int:
    """Create a view with the given types over a port's files, and return its number of rows.

    The ports declare no schema, so CSV lands as text. NA means no value there. A value that is not of its type becomes
    empty: one bad cell does not stop a year of flights.
    """
    typed = ", ".join(
        f"""TRY_CAST(nullif(CAST("{column}" AS VARCHAR), 'NA') AS {kind}) AS "{column}\""""
        for column, kind in columns.items()
    )
    files = ", ".join(quoted(str(file)) for file in source.files)
    work.execute(f"CREATE VIEW {name} AS SELECT {typed} FROM read_parquet([{files}], union_by_name = true)")
    return int(one(work, f"SELECT count(*) FROM {name}"))


def one(work: duckdb.DuckDBPyConnection, query: str) -> int:
    """The one number that a query gives."""
    ((number,),) = work.execute(query).fetchall()
    return int(number)


def quoted(text: str) -> str:
    """Text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"
