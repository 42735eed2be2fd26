"""Writes to the output ports: a table in one commit, files by name, and nothing if nothing changed."""

from __future__ import annotations

import filecmp
import hashlib
import shutil
from collections.abc import Iterable
from pathlib import Path

import duckdb
from deltalake import CommitProperties, DeltaTable, write_deltalake

FINGERPRINT = "flights.fingerprint"  # key in the metadata of a Delta commit

# Commits that change no row: the platform's, when a model changes, and maintenance.
KEEPING_ROWS = {
    *("ADD COLUMN", "CHANGE COLUMN", "UPDATE FIELD METADATA", "UPDATE TABLE METADATA", "SET TBLPROPERTIES"),
    *("OPTIMIZE", "VACUUM START", "VACUUM END"),
}


def fingerprint(table: DeltaTable, parts: Iterable[str]) -> str:
    """A hash of everything that determines the rows of a table: the inputs, the code and the table's columns."""
    columns = (f"{field.name} {field.type} {field.nullable}" for field in table.schema().fields)
    return hashlib.sha256("\n".join([*parts, *columns]).encode()).hexdigest()


def is_published(table: DeltaTable, mark: str) -> bool:
    """Whether the rows of a table are those of this fingerprint."""
    changes = (commit for commit in table.history() if commit["operation"] not in KEEPING_ROWS)
    return next(changes, {}).get(FINGERPRINT) == mark


def overwrite(table: DeltaTable, rows: duckdb.DuckDBPyRelation, mark: str) -> None:
    """Replace all rows of a table in one commit: a reader sees the old ones or the new ones, never a part.

    Rows stream from DuckDB to the table as Arrow record batches; they are never in memory all at once.
    """
    columns = ", ".join(f'"{field.name}"' for field in table.schema().fields)
    properties = CommitProperties(custom_metadata={FINGERPRINT: mark})
    write_deltalake(table, rows.project(columns), mode="overwrite", commit_properties=properties)
    table.update_incremental()


def copy_files(files: Iterable[Path], folder: Path) -> int:
    """Make a folder hold exactly these files; returns how many were written or removed. Equal files stay untouched."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {file.name: file for file in files}
    changed = 0
    for name, file in wanted.items():
        target = folder / name
        if not target.is_file() or not filecmp.cmp(file, target, shallow=False):
            unfinished = folder / f".{name}.unfinished"
            shutil.copyfile(file, unfinished)
            unfinished.replace(target)
            changed += 1
    for old in folder.iterdir():
        if old.name not in wanted:
            old.unlink()
            changed += 1
    return changed
