"""The versions of a contract and the grants of its consumers, as bills read them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import cached_property
from typing import TYPE_CHECKING

from alchemesh_platform.base.money.quantity import Quantity, parse_quantity
from alchemesh_platform.base.time_zone import zone_of
from alchemesh_platform.manifest.models import Billing

if TYPE_CHECKING:
    from alchemesh_platform.registry.records import Change

A_MONTH = "month"  # the period of a flat price without one
_IN_FORCE = ("active", "deprecated")


@dataclass(frozen=True, slots=True)
class Span:
    """A span of time; it is open if it has no end."""

    since: datetime
    until: datetime | None = None

    def within(self, since: datetime, until: datetime) -> tuple[datetime, datetime] | None:
        """The part of the span between two moments; None if there is none."""
        begin, end = max(self.since, since), until if self.until is None else min(self.until, until)
        return (begin, end) if begin < end else None


@dataclass(frozen=True)
class Version:
    """One version of a contract, as a bill reads it.

    Args:
        version: The version.
        billing: Its price; None if it has none.
        spans: The spans in which it was the deployed contract, and active or deprecated. A draft promises nothing and
            costs nothing.
    """

    version: str
    billing: Billing | None
    spans: tuple[Span, ...] = ()

    @cached_property
    def zone(self) -> tzinfo:
        """The time zone of its months."""
        return zone_of(self.billing.time_zone if self.billing is not None else None)

    @cached_property
    def quantity(self) -> Quantity | None:
        """The quantity that the price is for; None if nothing is billed, or if the platform cannot count it."""
        billing = self.billing
        if billing is None or billing.model == "free" or billing.currency is None:
            return None
        found = parse_quantity(billing.per or (A_MONTH if billing.model == "flat" else ""))
        return found if found is not None and found.is_period == (billing.model == "flat") else None

    @cached_property
    def active_since(self) -> datetime | None:
        """The moment at which the version was first in force; None if it never was."""
        return min((span.since for span in self.spans), default=None)


@dataclass(frozen=True, slots=True)
class Access:
    """The spans in which a consumer had a grant.

    Args:
        consumer: ``data_product:domain/name``, ``user:email``, ``technical_team:domain/name`` or ``data_domain:name``.
    """

    consumer: str
    spans: tuple[Span, ...]


def versions_of(kept: Iterable[tuple[str, Billing | None]], history: Sequence[Change]) -> tuple[Version, ...]:
    """The versions of a port's contract with the spans in which they were in force.

    Args:
        kept: Every recorded version with its price, the newest first.
        history: The changes of the record of the contract, the newest first.
    """
    spans: dict[str, list[Span]] = {}
    current: tuple[str, datetime] | None = None
    for change in reversed(history):
        version = str(change.document.get("version", ""))
        in_force = change.change != "removed" and change.document.get("lifecycle") in _IN_FORCE
        if current is not None and (current[0] != version or not in_force):
            spans.setdefault(current[0], []).append(Span(current[1], change.at))
            current = None
        if in_force and current is None:
            current = (version, change.at)
    if current is not None:
        spans.setdefault(current[0], []).append(Span(current[1]))
    return tuple(Version(version, billing, tuple(spans.get(version, ()))) for version, billing in kept)


def access_of(history: Sequence[Change]) -> tuple[Access, ...]:
    """The spans in which each consumer of a port had a grant.

    Args:
        history: The changes of the records of the port's grants, the newest first.
    """
    spans: dict[str, list[Span]] = {}
    begun: dict[str, tuple[datetime, Change]] = {}  # grant: its beginning, and its newest record
    for change in reversed(history):
        since, last = begun.pop(change.address, (change.at, None))
        if last is not None and _is_over(last, change.at):  # it is renewed after it ended, or removed
            _add(spans, last, since, None)
            since = change.at
        if change.change != "removed":
            begun[change.address] = (since, change)
        elif since < change.at:
            _add(spans, change, since, change.at)
    for since, last in begun.values():
        _add(spans, last, since, None)
    return tuple(Access(consumer, merged(found)) for consumer, found in sorted(spans.items()))


def _is_over(grant: Change, moment: datetime) -> bool:
    ends_at = _ends_at(grant)
    return ends_at is not None and ends_at <= moment


def _ends_at(grant: Change) -> datetime | None:
    ends = grant.document.get("ends_at")
    return datetime.fromisoformat(ends) if isinstance(ends, str) else None


def _add(spans: dict[str, list[Span]], grant: Change, since: datetime, until: datetime | None) -> None:
    """Add the span of a grant, which ends at its own end at the latest."""
    until = min((each for each in (until, _ends_at(grant)) if each is not None), default=None)
    consumer = f"{grant.document.get('requester_kind')}:{grant.document.get('requester')}"
    if until is None or since < until:
        spans.setdefault(consumer, []).append(Span(since, until))


def merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Spans without overlaps: two grants of one consumer at a time cost one flat price."""
    found: list[Span] = []
    for span in sorted(spans, key=lambda each: each.since):
        last = found[-1] if found else None
        if last is None or (last.until is not None and last.until < span.since):
            found.append(span)
        elif last.until is not None and (span.until is None or span.until > last.until):
            found[-1] = Span(last.since, span.until)
    return tuple(found)
