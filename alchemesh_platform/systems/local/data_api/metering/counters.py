"""Records the counters of a data API's SQL gateway in a log of its own, and counts the differences.

PgBouncer counts queries and bytes for each of its databases, which is each user: https://www.pgbouncer.org/usage.html.
The counters begin at zero when PgBouncer starts, and disappear with their user. So the gateway records them before it
removes a user and before it stops, and each metering records them too. The log has absolute values: a record that is
written twice adds nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alchemesh_platform.machine.files import storage_errors
from alchemesh_platform.sdk.system.usage import Slots, UsageCount, UsageGap
from alchemesh_platform.systems.local.data_api.metering.requests import User
from alchemesh_platform.systems.local.data_api.sql_query import PostgresRefused, simple_query

COUNTERS_LOG = "sql-usage.log"
CONSOLE = "pgbouncer"  # the user and the database of PgBouncer's console
ANSWER_SECONDS = 5.0
_BYTES_MAX = 5_000_000
_KEPT = 20
_COUNTERS = ("total_query_count", "total_sent", "total_query_time")
_MICROSECONDS = 1_000_000


def record_counters(folder: Path, console: Path, port: int, server: str, *, last: bool = False) -> bool:
    """Append the counters of PgBouncer to the log of a gateway. Call it with the gateway locked.

    Args:
        folder: Folder of the gateway.
        console: Folder of PgBouncer's console.
        port: Port of PgBouncer.
        server: Name of its process, which differs after a restart.
        last: Whether PgBouncer is stopped next.

    Returns:
        False if PgBouncer does not answer.

    Raises:
        StorageFailed: when the log cannot be written.
    """
    try:
        rows = simple_query(str(console), port, "SHOW STATS", user=CONSOLE, password=None, timeout=ANSWER_SECONDS)
    except (PostgresRefused, OSError):
        return False
    users = {str(row["database"]): [int(row[name]) for name in _COUNTERS] for row in rows if row["database"] != CONSOLE}
    line = {"at": datetime.now(UTC).timestamp(), "server": server, "users": users, **({"last": True} if last else {})}
    _append(folder / COUNTERS_LOG, json.dumps(line, separators=(",", ":")).encode() + b"\n")
    return True


def _append(path: Path, line: bytes) -> None:
    with storage_errors(f"write {path}"):
        if path.exists() and path.stat().st_size > _BYTES_MAX:
            path.rename(path.with_name(f"{path.stem}-{datetime.now(UTC):%Y%m%dT%H%M%S.%f}{path.suffix}"))
            for old in sorted(path.parent.glob(f"{path.stem}-*{path.suffix}"))[:-_KEPT]:
                old.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            size = os.fstat(descriptor).st_size
            if size and os.pread(descriptor, 1, size - 1) != b"\n":
                line = b"\n" + line  # a write before a loss of power was cut off
            os.write(descriptor, line)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@dataclass(slots=True)
class _Sum:
    queries: int = 0
    sent: int = 0
    microseconds: int = 0


class CounterReader:
    """Counts the differences of recorded counters.

    Args:
        before: The last record that was counted; None for the first reading.
        slots: The slots to count in.
    """

    def __init__(self, before: dict[str, Any] | None, slots: Slots) -> None:
        self.last: dict[str, Any] | None = before
        self.gaps: list[UsageGap] = []
        self._slots = slots
        self._sums: dict[tuple[datetime, str], _Sum] = {}

    def take(self, line: bytes) -> bool:
        """Count one record; False if it is none."""
        try:
            found = json.loads(line)
            at, server = float(found["at"]), str(found["server"])
            users = {str(user): [int(number) for number in numbers] for user, numbers in found["users"].items()}
            start = self._slots.start(at)
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError, OSError):
            return False
        if any(len(numbers) != len(_COUNTERS) or min(numbers) < 0 for numbers in users.values()):
            return False
        last = self.last or {"at": at, "server": server, "users": {}}
        same = last["server"] == server
        if not same and not last.get("last"):
            since, until = (datetime.fromtimestamp(moment, UTC) for moment in (last["at"], at))
            reason = "PgBouncer restarted without a last reading: its queries since the one before are not counted"
            self.gaps.append(UsageGap(since, until, reason))
        for user, numbers in users.items():
            base = last["users"].get(user) if same else None
            if base is None or any(now < then for now, then in zip(numbers, base, strict=True)):
                base = [0] * len(_COUNTERS)  # the counters of this user began again
            queries, sent, microseconds = (now - then for now, then in zip(numbers, base, strict=True))
            if queries or sent:
                held = self._sums.setdefault((start, user), _Sum())
                held.queries += queries
                held.sent += sent
                held.microseconds += microseconds
        self.last = {"at": at, "server": server, "users": users, "last": bool(found.get("last"))}
        return True

    def counts(self, user_of: Callable[[str], User]) -> Iterator[UsageCount]:
        """The counts, in a stable order. PgBouncer knows neither errors nor rows."""
        for (since, name), held in sorted(self._sums.items()):
            user = user_of(name)
            yield UsageCount(
                protocol="sql",
                user=name,
                consumer=user.consumer,
                request=user.request,
                since=since,
                requests=held.queries,
                billable_requests=0 if user.own else held.queries,
                errors=None,
                bytes_out=held.sent,
                rows=None,
                seconds=held.microseconds / _MICROSECONDS,
                own=user.own,
            )
