"""Usage of an output port, as a system meters it."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from alchemesh_platform.sdk.connections.base import Connection
from alchemesh_platform.sdk.consumer import Consumer

_HOUR = 3_600


class Slots:
    """The spans of time that usage is counted in: hours, cut where the version of the contract changed.

    Args:
        cuts: Times at which a version began, in order.
    """

    def __init__(self, cuts: Sequence[datetime] = ()) -> None:
        self._cuts = [cut.timestamp() for cut in cuts]
        self._whole: dict[int, datetime] = {}

    @property
    def cuts(self) -> Sequence[float]:
        """The times at which a version began, in seconds since 1970."""
        return self._cuts

    def start(self, moment: float) -> datetime:
        """The start of the slot of a time, which is in seconds since 1970."""
        hour = int(moment // _HOUR)
        found = self._whole.get(hour)
        if found is not None:
            return found
        start = float(hour * _HOUR)
        before = bisect_right(self._cuts, moment)
        if before and self._cuts[before - 1] > start:
            return datetime.fromtimestamp(self._cuts[before - 1], UTC)
        whole = datetime.fromtimestamp(start, UTC)
        if before == bisect_right(self._cuts, start + _HOUR):  # no cut in this hour
            self._whole[hour] = whole
        return whole


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageCount:
    """The usage by one user of a system, over one protocol, in one slot.

    Args:
        protocol: ``rest``, ``graphql``, ``sql`` …
        user: The user of the system; empty for requests without a valid credential.
        consumer: Address of the requester that the user belongs to, as the system knows it.
        request: Address of the access request that the user has access by; None if there is none.
        since: Start of the slot.
        requests: All requests.
        billable_requests: Requests with a valid credential that were answered without an error.
        errors: Requests that failed; None if the system does not know.
        bytes_out: Bytes of the answers.
        rows: Rows of the answers; None if the system does not know.
        seconds: Sum of the response times.
        own: Whether the product itself or the platform's probes caused it.
    """

    protocol: str
    user: str
    consumer: str = ""
    request: str | None = None
    since: datetime
    requests: int
    billable_requests: int
    errors: int | None = 0
    bytes_out: int = 0
    rows: int | None = None
    seconds: float = 0.0
    own: bool = False


@dataclass(frozen=True, slots=True)
class UsageGap:
    """A part of a source that disappeared before it was read.

    Args:
        since: Time up to which the source was read before; None if unknown.
        until: Time of the reading that found the gap.
        reason: The reason, in a sentence.
    """

    since: datetime | None
    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class UsageReading:
    """The usage of a source after a position.

    Args:
        position: The new position, as a JSON object.
        counts: The usage between both positions.
        gaps: The gaps that the reading found.
        more: Whether the source has more, which the next reading returns.
    """

    position: Mapping[str, Any]
    counts: tuple[UsageCount, ...] = ()
    gaps: tuple[UsageGap, ...] = ()
    more: bool = False


class UsageSource:
    """A source of usage of one port: a log, counters, a history of jobs. It keeps no state of its own.

    The registry records the position together with the counts, so that a kill loses and doubles nothing.
    """

    name = ""

    def read(self, position: Mapping[str, Any] | None, slots: Slots, now: datetime) -> UsageReading:
        """The usage after a position.

        Args:
            position: The position of the last reading; None for the first.
            slots: The slots to count in.
            now: Time of the reading.

        Raises:
            Failure: when the source cannot be read; the position stays.
        """
        raise NotImplementedError

    def closed(self, position: Mapping[str, Any]) -> Mapping[str, Any]:
        """The position of a source that is removed next, so that its absence is no gap. Reading can resume from it."""
        return position

    def keep(self) -> None:
        """Make the usage outlive the removal of the source, which comes next: it is read once more, then forgotten."""

    def forget(self) -> None:
        """Remove the usage that a removed source has left. A source that still exists keeps its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeteredPort:
    """A deployed output port whose usage is metered.

    Args:
        address: ``domain/product/port``.
        connection: The connection of its proxy; of its storage if it has no proxy.
        storage: The connection of its storage.
        consumers: Consumers that have or had access, by the recorded grants; those with access now come first.
        own: Names of the identities of the product's own code.
        since: Time at which the port was recorded first.
        settings: The settings groups of the platform file.
        environ: Environment variables, with the addresses of emulators.
    """

    address: str
    connection: Connection
    storage: Connection | None = None
    consumers: tuple[Consumer, ...] = ()
    own: tuple[str, ...] = ()
    since: datetime | None = None
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)


class Metering:
    """Meters the usage of ports with one kind of connection. A subclass implements one of both methods."""

    def sources_of(self, port: MeteredPort) -> Sequence[UsageSource]:
        """The sources of usage of a port, by everything that is known of the port.

        Raises:
            NotMetered: when the usage of this port is not known here.
        """
        return self.sources(port.connection)

    def sources(self, connection: Connection) -> Sequence[UsageSource]:
        """The sources of usage of a port, by its connection alone.

        Raises:
            NotMetered: when the usage of this port is not known here.
        """
        raise NotImplementedError


class NotMetered(Exception):
    """Raised when the usage of a port is not known, with the reason in a sentence."""


class NotHere(NotMetered):
    """Raised when another machine meters the port, so that this one knows nothing of its usage."""
