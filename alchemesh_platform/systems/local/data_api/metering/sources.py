"""The sources of usage of a data API of this machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alchemesh_platform.sdk.connections.base import Connection
from alchemesh_platform.sdk.connections.data_api import DataApiConnection
from alchemesh_platform.sdk.system.usage import (
    Metering,
    NotHere,
    NotMetered,
    Slots,
    UsageGap,
    UsageReading,
    UsageSource,
)
from alchemesh_platform.systems.local.data_api.gateway.consumers import OWN, locked, read_departed, read_entries
from alchemesh_platform.systems.local.data_api.gateway.files import ACCESS_LOG
from alchemesh_platform.systems.local.data_api.gateway.gateway import (
    Gateway,
    forget_usage,
    keep_usage,
    listening,
    record_usage,
)
from alchemesh_platform.systems.local.data_api.metering.counters import COUNTERS_LOG, CounterReader
from alchemesh_platform.systems.local.data_api.metering.log import LogPosition, LogReading, read_log
from alchemesh_platform.systems.local.data_api.metering.requests import RequestCounter, User

BATCH_BYTES = 64 * 1024 * 1024  # of a log, in one transaction


class WebLog(UsageSource):
    """The requests over REST and GraphQL, from the log of the web gateway."""

    name = "web-log"

    def __init__(self, gateway: Gateway, batch_bytes: int = BATCH_BYTES) -> None:
        self._gateway, self._batch_bytes = gateway, batch_bytes

    def read(self, position: Mapping[str, Any] | None, slots: Slots, now: datetime) -> UsageReading:
        """The requests that were answered since the position."""
        counter = RequestCounter(slots)
        before = LogPosition.of(position)
        done = read_log(self._gateway.folder / ACCESS_LOG, before, counter.take, self._batch_bytes)
        return UsageReading(
            {**done.position.document(), "at": now.timestamp()},
            tuple(counter.counts(users_of(self._gateway))),
            tuple(_gaps(done, position, now)),
            done.more,
        )

    def closed(self, position: Mapping[str, Any]) -> Mapping[str, Any]:
        """The position without the file that the gateway writes to."""
        return {**position, "current": None}

    def keep(self) -> None:
        """Keep the log when the gateway is removed next."""
        keep_usage(self._gateway)

    def forget(self) -> None:
        """Remove the log of a removed gateway."""
        forget_usage(self._gateway)


class SqlCounters(UsageSource):
    """The queries over SQL, from the counters of the SQL gateway."""

    name = "sql-counters"

    def __init__(self, gateway: Gateway, batch_bytes: int = BATCH_BYTES) -> None:
        self._gateway, self._batch_bytes = gateway, batch_bytes

    def read(self, position: Mapping[str, Any] | None, slots: Slots, now: datetime) -> UsageReading:
        """The queries that PgBouncer counted since the position, after a record of what it counts now."""
        if listening(self._gateway) is not None:  # else it was removed, with a last record
            with locked(self._gateway.folder):
                record_usage(self._gateway)
        before = position or {}
        counter = CounterReader(before.get("counters"), slots)
        log = self._gateway.folder / COUNTERS_LOG
        done = read_log(log, LogPosition.of(before.get("log")), counter.take, self._batch_bytes)
        return UsageReading(
            {"log": done.position.document(), "counters": counter.last, "at": now.timestamp()},
            tuple(counter.counts(users_of(self._gateway))),
            (*counter.gaps, *_gaps(done, position, now)),
            done.more,
        )

    def closed(self, position: Mapping[str, Any]) -> Mapping[str, Any]:
        """The position after the last record of this PgBouncer."""
        counters = {**position["counters"], "last": True} if position.get("counters") else None
        return {**position, "log": {**position["log"], "current": None}, "counters": counters}

    def keep(self) -> None:
        """Keep the log when the gateway is removed next."""
        keep_usage(self._gateway)

    def forget(self) -> None:
        """Remove the log of a removed gateway."""
        forget_usage(self._gateway)


class DataApiMetering(Metering):
    """Metering of data APIs of this machine."""

    def sources(self, connection: Connection) -> Sequence[UsageSource]:
        """The log of the web gateway, and the counters of the SQL gateway."""
        if not isinstance(connection, DataApiConnection) or connection.credential_file is None:
            raise NotMetered("its data API has no gateway that counts requests")
        gateway = Gateway.at(Path(connection.credential_file).parent)
        where = listening(gateway)
        if where is None:
            raise NotHere("its gateway is not on this machine")
        web = (WebLog(gateway),) if where.web else ()
        sql = (SqlCounters(gateway),) if where.postgres_port is not None else ()
        return (*web, *sql)


METERING = DataApiMetering()


def users_of(gateway: Gateway) -> Callable[[str], User]:
    """The users of a gateway by name, also those whose access was revoked."""
    known = {each.user: each for each in (*read_departed(gateway.folder), *read_entries(gateway.folder))}

    def user_of(name: str) -> User:
        entry = known.get(name)
        if entry is None or name in OWN:
            return User(own=name in OWN)
        return User(entry.consumer, entry.request)

    return user_of


def _gaps(done: LogReading, position: Mapping[str, Any] | None, now: datetime) -> list[UsageGap]:
    at = (position or {}).get("at")
    since = datetime.fromtimestamp(at, UTC) if at is not None else None
    reasons = list(done.lost)
    if done.unreadable:
        lines = "1 line" if done.unreadable == 1 else f"{done.unreadable} lines"
        reasons.append(f"{lines} of the log cannot be read")
    return [UsageGap(since, now, reason) for reason in reasons]
