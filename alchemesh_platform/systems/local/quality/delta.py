"""Counts of Delta tables: from the log where it is exact, of new files where a table only grew, else of all files."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from alchemesh_platform.base.sql import identifier
from alchemesh_platform.data.errors import NotReadable
from alchemesh_platform.quality.kept import KeptCounts, keep, read_kept
from alchemesh_platform.quality.rows import RowTables
from alchemesh_platform.quality.statement import Counts, Groups, Sum
from alchemesh_platform.quality.tables import MeasuredPort, Tables
from alchemesh_platform.quality.work import limited
from alchemesh_platform.systems.local.data.delta import has_deletion_vectors, table_dataset
from alchemesh_platform.systems.local.tables.delta import open_table

if TYPE_CHECKING:
    from deltalake import DeltaTable

    from alchemesh_platform.data.rows import Rows

_GLOB = frozenset("*?[")
_NEW = "new rows of "
_GROWS = {"add", "commitInfo", "txn"}  # actions of a commit that only adds rows


def measure(port: MeasuredPort) -> Tables:
    """Measure Delta tables of this machine."""
    return DeltaTables(port)


class DeltaTables(RowTables):
    """Delta tables, each in the version that it had first."""

    def __init__(self, port: MeasuredPort) -> None:
        super().__init__(port)
        self._tables: dict[str, _Version] = {}
        self._files: list[str] = []

    def counts(self, model: str, sums: Sequence[Sum], groups: Sequence[Groups], seconds: float) -> Counts:
        with limited(self.work, seconds):
            view = self.view(model)
            version = self._tables[model]
            known = version.statistics(sums)
            scanned = [each for each in sums if each not in known]
            if not scanned:
                return Counts(known, self.counted(view, (), groups).groups)
            found = self._grown(version, model, scanned) or self.counted(view, scanned, groups)
            if groups and not found.groups:
                found = Counts(found.sums, self.counted(view, (), groups).groups)
            self._keep(version, found)
        return Counts({each: {**found.sums, **known}[each] for each in sums}, found.groups)

    def made(self, name: str, rows: Rows) -> str:
        path = self.port.connection.path(name)
        version = self._tables[name] = _Version(path, open_table(path))
        version.check_files()
        if version.inexact:
            return super().made(name, rows)  # only the query engine of the table knows its deleted rows
        return self._view(version, name, version.names, rows)

    def _view(self, version: _Version, name: str, names: Sequence[str], rows: Rows) -> str:
        columns = ", ".join(map(identifier, rows.schema.names))
        files = [str(version.path / unquote(each)) for each in names]
        if version.partitioned or not files or any(_GLOB & set(file) for file in files):
            source = identifier(f"{name} dataset")
            self.work.register(f"{name} dataset", table_dataset(version.path, version.table))
            self.work.execute(f"CREATE VIEW {identifier(name)} AS SELECT {columns} FROM {source}")  # noqa: S608 - quoted
            return identifier(name)
        self._files += files
        # Files of former versions may lack columns: the empty table has all of them.
        shape = f"{name} shape"
        self.work.register(shape, rows.schema.empty_table())
        read = self.work.read_parquet(files, union_by_name=True, hive_partitioning=False)
        there = ", ".join(identifier(each) for each in rows.schema.names if each in read.columns)
        read.project(there).create_view(f"{name} files")
        self.work.execute(
            f"CREATE VIEW {identifier(name)} AS SELECT {columns} FROM {identifier(shape)} "  # noqa: S608 - quoted
            f"UNION ALL BY NAME SELECT * FROM {identifier(f'{name} files')}"
        )
        return identifier(name)

    def paths(self) -> list[str]:
        return self._files

    def _grown(self, version: _Version, model: str, sums: Sequence[Sum]) -> Counts | None:
        """The sums from those of a former version and the files since; None if the table did more than grow."""
        folder = self.port.kept
        kept = None if folder is None else read_kept(folder, _place(version, sums), version.identity)
        if kept is None or any(each.expression not in kept.sums for each in sums):
            return None
        added = version.added_since(kept.version)
        if added is None:
            return None
        before = {each: kept.sums[each.expression] for each in sums}
        if not added:
            return Counts(before, {})
        more = self.counted(self._view(version, f"{_NEW}{model}", added, self.port.read(model)), sums, ())
        return Counts({each: _together(each, before[each], more.sums[each]) for each in sums}, {})

    def _keep(self, version: _Version, found: Counts) -> None:
        if (
            self.port.kept is None
            or version.inexact
            or version.partitioned
            or any(each.momentary for each in found.sums)
        ):
            return
        sums = {each.expression: number for each, number in found.sums.items()}
        keep(self.port.kept, _place(version, found.sums), KeptCounts(version.identity, version.number, sums))


def _place(version: _Version, sums: Iterable[Sum]) -> str:
    return "\n".join((str(version.path), *(each.expression for each in sums)))


def _together(wanted: Sum, before: int | None, more: int | None) -> int | None:
    if wanted.greatest:
        return max((each for each in (before, more) if each is not None), default=None)
    return (before or 0) + (more or 0)


@dataclass(frozen=True)
class _Version:
    """A version of a table, by its log."""

    path: Path
    table: DeltaTable

    @property
    def number(self) -> int:
        return int(self.table.version())

    @cached_property
    def identity(self) -> str:
        return str(self.table.metadata().id)

    @cached_property
    def partitioned(self) -> bool:
        return bool(self.table.metadata().partition_columns)

    @cached_property
    def inexact(self) -> bool:
        """Whether files have rows that were deleted: then the statistics of files count too many."""
        return has_deletion_vectors(self.table)

    @cached_property
    def _actions(self) -> Any:
        return self.table.get_add_actions(flatten=True)

    @cached_property
    def names(self) -> list[str]:
        """The files, by their names in the log."""
        found: list[str] = self._actions.column("path").to_pylist()
        return found

    def check_files(self) -> None:
        """Check that every file exists: the log alone would count rows that are gone.

        Raises:
            NotReadable: when a file does not exist.
        """
        gone = [name for name in self.names if not (self.path / unquote(name)).is_file()]
        if gone:
            raise NotReadable(f"the table in {self.path} lacks {len(gone)} of its files, such as {gone[0]}")

    def statistics(self, sums: Sequence[Sum]) -> dict[Sum, int | None]:
        """The numbers that the log has for every file."""
        if self.inexact:
            return {}
        rows = self._total("num_records")
        if rows is None:
            return {}
        found: dict[Sum, int | None] = {}
        for each in sums:
            if each.role == "rows":
                found[each] = rows
            elif each.role in ("present", "null") and len(each.column) == 1 and "." not in each.column[0]:
                nulls = self._total(f"null_count.{each.column[0]}")
                if nulls is not None:
                    found[each] = nulls if each.role == "null" else rows - nulls
        return found

    def _total(self, column: str) -> int | None:
        if not self.names:
            return 0
        if column not in self._actions.column_names:
            return None
        numbers = self._actions.column(column).to_pylist()
        return None if None in numbers else sum(numbers)

    def added_since(self, version: int) -> list[str] | None:
        """The files that commits after a version added; None if they did more than add, or the log is cut."""
        if version > self.number or self.inexact or self.partitioned:
            return None
        added = []
        for number in range(version + 1, self.number + 1):
            try:
                lines = (self.path / "_delta_log" / f"{number:020d}.json").read_text("utf-8").splitlines()
                actions = [json.loads(line) for line in lines if line.strip()]
            except (OSError, ValueError):
                return None
            if any(set(action) - _GROWS for action in actions):
                return None
            added += [str(action["add"]["path"]) for action in actions if "add" in action]
        return added if set(added) <= set(self.names) else None
