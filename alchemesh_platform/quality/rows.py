"""Tables whose rows this machine reads, counted by DuckDB: files in place, other rows through a temporary table."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from alchemesh_platform.base.sql import identifier
from alchemesh_platform.quality.statement import Counts, Groups, Sum, counts_of, select_of
from alchemesh_platform.quality.tables import MeasuredPort, NotRun, Tables
from alchemesh_platform.quality.work import limited, working

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from alchemesh_platform.data.rows import Rows


def by_rows(port: MeasuredPort) -> Tables:
    """Measure a storage by its rows, as the product's code reads them.

    Rows that are no files of this machine are read in full, once for each model.
    """
    return RowTables(port)


class RowTables(Tables):
    """Tables whose rows DuckDB reads."""

    def __init__(self, port: MeasuredPort) -> None:
        self.port = port
        self._open = ExitStack()
        self.work: DuckDBPyConnection = self._open.enter_context(working())
        self._views: dict[str, str] = {}
        self._unread: Exception | None = None
        self._closed = False

    def __exit__(self, *_error: object) -> None:
        self._open.close()

    def counts(self, model: str, sums: Sequence[Sum], groups: Sequence[Groups], seconds: float) -> Counts:
        with limited(self.work, seconds):
            return self.counted(self.view(model), sums, groups)

    def counted(self, view: str, sums: Sequence[Sum], groups: Sequence[Groups]) -> Counts:
        """The counts of a view, in one statement."""
        if not sums and not groups:
            return Counts({}, {})
        (row,) = self.work.execute(select_of(sums, groups, view)).fetchall()
        return counts_of(sums, groups, row)

    def value(self, query: str, seconds: float) -> Any:
        import duckdb

        with limited(self.work, seconds):
            self._shut()
            try:
                return _one_value(self.work, query)
            except duckdb.CatalogException:
                if self._unread is None:
                    raise
                raise self._unread from None  # the query may need the table that could not be read

    def view(self, model: str) -> str:
        """The view of a model's rows, in SQL."""
        if model not in self._views:
            self._views[model] = self.made(model, self.port.read(model))
        return self._views[model]

    def made(self, name: str, rows: Rows) -> str:
        """A view of a model's rows, in SQL. A subclass may read them in place."""
        return self.loaded(name, rows)

    def loaded(self, name: str, rows: Rows) -> str:
        """A view of rows, in SQL."""
        rows.duckdb(self.work).create_view(name, replace=False)
        return identifier(name)

    def _shut(self) -> None:
        """Leave queries nothing to read but the tables of the port: no file, no other database, no network."""
        if self._closed:
            return
        for model in self.port.models:
            try:
                self.view(model)
            except Exception as error:  # noqa: BLE001 - a table can be damaged in any way, and others can be queried
                self._unread = error
        self.work.execute("SET allowed_paths = ?", [self.paths()])
        self.work.execute("SET enable_external_access = false")
        self.work.execute("SET lock_configuration = true")
        self._closed = True

    def paths(self) -> list[str]:
        """The files that the views read."""
        return []


def _one_value(work: DuckDBPyConnection, query: str) -> Any:
    import duckdb

    statements = work.extract_statements(query)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise NotRun("expected one SELECT in the query")
    return one_value(work.execute(statements[0]).fetchmany(2))


def one_value(found: Sequence[Sequence[Any]]) -> Any:
    """The one value of an answer, of which two rows are enough.

    Raises:
        NotRun: when it is not one value.
    """
    if len(found) != 1 or len(found[0]) != 1:
        size = (
            "no rows" if not found else f"{len(found)} rows or more" if len(found) > 1 else f"{len(found[0])} columns"
        )
        raise NotRun(f"the query gave {size}, expected one value")
    return found[0][0]
