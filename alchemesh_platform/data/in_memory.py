"""DuckDB in memory, for one computation: no value depends on the machine, and nothing is printed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Setting = str | bool | int | float | list[str]


def open_duckdb(settings: Mapping[str, Setting] | None = None) -> DuckDBPyConnection:
    """An empty database in memory. It is closed at the end of a `with` statement.

    Args:
        settings: Settings of DuckDB, by name.
    """
    import duckdb

    connection = duckdb.connect(config=dict(settings or {}))
    connection.execute("SET TimeZone = 'UTC'")
    # After two seconds it would print its progress among the output of the command, also into a JSON document.
    connection.execute("SET enable_progress_bar = false")
    return connection
