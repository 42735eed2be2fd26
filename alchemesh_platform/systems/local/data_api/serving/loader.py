"""Loads the serving copy and follows the commits of its tables: ``python -m …serving.loader SETTINGS``.

A second thread ends what exceeds a limit. A consumer can change the settings of its own connection, so the limits that
PostgreSQL has are no fence.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.systems.local.data_api.gateway.consumers import locked, now, read_entries, secrets_of
from alchemesh_platform.systems.local.data_api.serving.cluster import Cluster
from alchemesh_platform.systems.local.data_api.serving.consumers.hardening import open_statement
from alchemesh_platform.systems.local.data_api.serving.consumers.limits import Limits
from alchemesh_platform.systems.local.data_api.serving.consumers.roles import keep_roles
from alchemesh_platform.systems.local.data_api.serving.loading.load import CopiedTable, Copy, forget_others, resume
from alchemesh_platform.systems.local.data_api.serving.loading.state import CopyState, TableState, write_state
from alchemesh_platform.systems.local.data_api.serving.place import SCHEMA, connect
from alchemesh_platform.systems.local.tables.erasing import remove_expired

LOOK_SECONDS = 0.25
GUARD_SECONDS = 0.5
GRACE_SECONDS = 1.0  # PostgreSQL's own limit comes first, with a better message
RETRY_SECONDS = 5.0
EXPIRE_SECONDS = 600.0
_PROGRESS_SECONDS = 1.0


class Loader:
    """The copies of a port's tables."""

    def __init__(self, cluster: Cluster, tables: Sequence[CopiedTable], gateway: Path) -> None:
        self.place = cluster.place
        self.limits = cluster.limits
        self.tables = tuple(tables)
        self.gateway = gateway
        self.stop = threading.Event()
        self.states: dict[str, TableState] = {
            table.name: TableState(name=table.name, folder=table.folder if table.format == "delta" else None)
            for table in tables
        }
        self._retry_at: dict[str, float] = {}
        self._written = 0.0
        self._expire_at = 0.0

    def run(self) -> None:
        """Load, and follow, until the process is ended. PostgreSQL may be made again meanwhile."""
        import psycopg

        threading.Thread(target=self._guard, daemon=True).start()
        while not self.stop.is_set():
            if not self.place.answers():
                self.stop.wait(0.05)
                continue
            try:
                copies = self._begin()
                opened = False
                while self.place.answers() and not self.stop.is_set():
                    for copy in copies:
                        self._follow(copy)
                    if not opened:
                        with connect(self.place) as session:
                            session.execute(open_statement(self.place))
                        opened = True
                    self.expire()
                    self.stop.wait(LOOK_SECONDS)
            except psycopg.OperationalError as error:
                sys.stderr.write(f"PostgreSQL: {error}\n")
                self.stop.wait(LOOK_SECONDS)

    def keep_roles(self) -> None:
        """Make PostgreSQL's roles those of the consumers with access."""
        with locked(self.gateway):
            entries = [entry for entry in read_entries(self.gateway) if entry.has_access(now())]
            keep_roles(self.place, [entry.user for entry in entries], secrets_of(entries))

    def copy_of(self, table: CopiedTable) -> Copy:
        """The copy of a table."""
        return Copy(self.place, table, self.limits.bytes_max, stopped=self.stop.is_set)

    def _begin(self) -> list[Copy]:
        self.keep_roles()
        forget_others(self.place, [table.name for table in self.tables])
        copies = []
        for table in self.tables:
            copy = self.copy_of(table)
            resume(copy)
            copies.append(copy)
            loaded = copy.loaded
            # The server waits for this state: what was loaded before counts as loaded.
            self._note(
                copy,
                loaded_at=datetime.now(UTC) if loaded else None,
                committed_at=loaded.committed_at if loaded else None,
            )
        return copies

    def _follow(self, copy: Copy) -> None:
        name = copy.table.name
        if time.monotonic() < self._retry_at.get(name, 0.0):
            return
        copy.progress = lambda rows: self._progress(copy, rows)
        try:
            if not copy.moved():
                if self.states[name].problem is not None:  # the source could not be asked before
                    self._note(copy, problem=None)
                return
            if self.states[name].behind_since is None:
                self._note(copy, behind_since=datetime.now(UTC))
            snapshot = copy.snapshot()
            copy.load(snapshot)
        except Exception as error:
            if not self.place.answers():
                raise
            self._retry_at[name] = time.monotonic() + RETRY_SECONDS
            reason = error.message if isinstance(error, Failure) else f"table {name} cannot be loaded: {_line(error)}"
            sys.stderr.write(f"error: {reason}\n")
            self._note(copy, problem=reason, rows_loading=None)
            return
        with connect(self.place) as session:
            size = session.execute("SELECT pg_total_relation_size(%s::regclass)", (f'{SCHEMA}."{name}"',)).fetchone()[0]
        self._note(
            copy,
            loaded_at=datetime.now(UTC),
            committed_at=snapshot.committed_at,
            behind_since=None,
            rows_loading=None,
            problem=None,
            bytes=size,
            shows_nul=copy.shows_nul,
        )

    def expire(self) -> None:
        """Remove the files of former versions that are older than the retention of their table, at intervals."""
        if time.monotonic() < self._expire_at:
            return
        self._expire_at = time.monotonic() + EXPIRE_SECONDS
        for table in self.tables:
            try:
                expire(table)
            except Failure as failure:
                sys.stderr.write(f"error: expired files stay: {failure.message}\n")

    def _progress(self, copy: Copy, rows: int) -> None:
        if time.monotonic() - self._written > _PROGRESS_SECONDS:
            self._note(copy, rows_loading=rows)

    def _note(self, copy: Copy, **changes: Any) -> None:
        name = copy.table.name
        self.states[name] = self.states[name].model_copy(update=changes)
        self._written = time.monotonic()
        state = CopyState(
            tables=tuple(self.states.values()),
            max_lag_seconds=self.limits.max_lag_seconds,
            max_gigabytes=self.limits.max_gigabytes,
        )
        write_state(self.place.state_file, state)

    def _guard(self) -> None:
        import psycopg

        while not self.stop.wait(GUARD_SECONDS):
            if not self.place.answers():
                continue
            try:
                with connect(self.place) as session:
                    while not self.stop.wait(GUARD_SECONDS):
                        end_excess(session, self.limits, self.place.names.prefix)
            except (psycopg.Error, OSError):
                continue


def expire(table: CopiedTable) -> None:
    """Remove the files of former versions that are older than the retention of a table."""
    if table.format == "delta":
        remove_expired(table.folder)
    elif table.place is not None:
        from alchemesh_platform.systems.local.iceberg.former import remove_expired as remove_versions

        remove_versions(table.place)


def end_excess(session: Any, limits: Limits, prefix: str = "") -> None:
    """End the connections whose statement takes too long, and those whose transaction waits too long."""
    session.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        " AND usename <> current_user AND starts_with(usename::text, %s) AND ("
        "(state = 'active' AND clock_timestamp() - query_start > make_interval(secs => %s)) OR "
        "(state LIKE 'idle in transaction%%' AND clock_timestamp() - state_change > make_interval(secs => %s)))",
        (
            prefix,
            limits.statement_seconds + GRACE_SECONDS,
            limits.idle_transaction_seconds + GRACE_SECONDS,
        ),
    )


def _line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


def loader_of(settings: Path) -> Loader:
    """The loader that a settings file describes."""
    found = json.loads(settings.read_text(encoding="utf-8"))
    tables = [
        CopiedTable(
            one["name"],
            Path(one["folder"]),
            one["format"],
            tuple(one["key"]),
            tuple(one["catalog"]) if "catalog" in one else None,
        )
        for one in found["tables"]
    ]
    return Loader(Cluster.at(settings), tables, Path(found["gateway"]))


def main() -> int:
    """Run it until a signal."""
    loader = loader_of(Path(sys.argv[1]))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, frame: loader.stop.set())
    loader.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
