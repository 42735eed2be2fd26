"""Calculates a bill. No side effects: the same versions, grants and usage lines always give the same bill.

An amount is ``price × quantity / per``, calculated exactly and rounded once for each line, to the smallest unit of the
currency, a half away from zero. A flat price is prorated: the seconds in which a consumer had a grant under the
version, divided by the seconds of the month or of the period of the price.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, get_args

from alchemesh_platform.base.money.currency import plain, rounded
from alchemesh_platform.billing.bill import Bill, BillLine, LeftOut, LineKind
from alchemesh_platform.billing.period import Period, period_billed
from alchemesh_platform.billing.terms import Access, Span, Version, merged
from alchemesh_platform.manifest.models import Credits
from alchemesh_platform.registry.records import RequesterKind

if TYPE_CHECKING:
    from alchemesh_platform.base.money.quantity import Quantity
    from alchemesh_platform.registry.usage.lines import UsageLine

HOUR = timedelta(hours=1)
OWN = "own use and probes of the platform"
UNKNOWN = "no known consumer"
FAILED = "failed"
NO_CONTRACT = "no contract in force"
DRAFT = "under a draft"
FREE = "free"
UNCOUNTED = "the platform cannot count the quantity of the price"
FLAT = "included in the flat price"
_KINDS: tuple[LineKind, ...] = get_args(LineKind)
KINDS = get_args(RequesterKind)  # of consumers; a user of a system whom nobody knows has none of them
_PERCENT = 100
_SHOWN = Decimal("0.000001")  # decimals of a number of periods; the amount is calculated from the exact one


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """Everything that the bill of a port is calculated from.

    Args:
        environment: The environment.
        port: Address of the port.
        versions: The versions of its contract, the newest first.
        access: The spans in which consumers had grants.
        usage: Usage lines, at least those of the month, and those of each earlier month of which lines were late.
        broken: Service levels that are broken at the end of the month.
        gaps: Sentences about usage of the month that was lost before it was read.
    """

    environment: str
    port: str
    versions: Sequence[Version] = ()
    access: Sequence[Access] = ()
    usage: Sequence[UsageLine] = ()
    broken: frozenset[str] = frozenset()
    gaps: tuple[str, ...] = ()


@dataclass(slots=True)
class _Use:
    """The use of one consumer under one version in one month."""

    before: int = 0  # billed on earlier bills
    now: int = 0  # billed on this one
    found: bool = False
    uncounted: int = 0  # requests with an unknown number of rows


@dataclass(slots=True)
class _Sorted:
    uses: dict[tuple[str, str, Period], _Use] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)


def bill_of(basis: Basis, period: Period, now: datetime) -> Bill:
    """The bill of a port for a month.

    Args:
        basis: The records that it is calculated from.
        period: The month.
        now: The time of the registry. The bill is a draft until 48 hours after the end of the month.
    """
    zones = [version.zone for version in basis.versions if version.quantity is not None]
    zone = (basis.versions[0] if basis.versions else Version("", None)).zone
    closes_at = max((period.closes(each) for each in zones), default=period.closes(zone))
    by_version = {version.version: version for version in basis.versions}
    found = _sorted(basis, by_version, period)
    lines = [*_usage_lines(basis, by_version, found, period), *_flat_lines(basis, period, now)]
    lines += list(_credit_lines(basis, lines, period, now))
    lines.sort(key=_order)
    return Bill(
        environment=basis.environment,
        port=basis.port,
        period=period,
        state="final" if now >= closes_at else "draft",
        since=period.start(zone),
        until=period.end(zone),
        closes_at=closes_at,
        lines=tuple(lines),
        left_out=tuple(LeftOut(reason, count) for reason, count in sorted(found.left_out.items()) if count),
        gaps=basis.gaps,
    )


def _order(line: BillLine) -> tuple[object, ...]:
    return (line.consumer, line.contract_version, _KINDS.index(line.kind), line.usage_period, line.meter)


def _sorted(basis: Basis, by_version: dict[str, Version], period: Period) -> _Sorted:
    """The use that the bill has lines for, and the number of requests without one."""
    found = _Sorted()
    for line in basis.usage:
        version = by_version.get(line.contract_version) or _in_force(basis.versions, line.hour)
        zone = version.zone if version is not None else Version("", None).zone
        month = Period.of(line.hour, zone)
        billed = period_billed(month, line.received_at, zone)
        if billed > period or month > period:
            continue
        reason = _reason(line, version)
        if billed == period:
            failed = line.requests - line.billable_requests
            if reason:
                found.left_out[reason] = found.left_out.get(reason, 0) + line.requests
            elif failed:
                found.left_out[FAILED] = found.left_out.get(FAILED, 0) + failed
        if reason or version is None or version.quantity is None or not line.billable_requests:
            continue
        use = found.uses.setdefault((line.consumer, version.version, month), _Use())
        count = _count(line, version.quantity)
        if billed < period:
            use.before += count or 0
        else:
            use.found = True
            use.now += count or 0
            use.uncounted += line.billable_requests if count is None else 0
    return found


def _reason(line: UsageLine, version: Version | None) -> str:
    """The reason why no line bills this usage; empty if one does."""
    if line.own:
        return OWN
    if line.consumer.partition(":")[0] not in KINDS:
        return UNKNOWN
    if version is None:
        return NO_CONTRACT
    if version.active_since is None or line.hour + HOUR <= version.active_since:
        return DRAFT
    quantity, billing = version.quantity, version.billing
    if quantity is None:
        return FREE if billing is None or billing.model == "free" else UNCOUNTED
    return FLAT if quantity.is_period else ""


def _count(line: UsageLine, quantity: Quantity) -> int | None:
    """The billed quantity of a line; None if its number of rows is unknown."""
    if quantity.unit == "requests":
        return line.billable_requests
    return line.bytes_out if quantity.unit == "bytes" else line.rows


def _usage_lines(basis: Basis, by_version: dict[str, Version], found: _Sorted, period: Period) -> Iterator[BillLine]:
    for (consumer, name, month), use in found.uses.items():
        version = by_version[name]
        quantity, billing = version.quantity, version.billing
        if not use.found or quantity is None or billing is None or billing.currency is None:
            continue
        before, after = (
            rounded(Fraction(billing.price) * count / Fraction(quantity.amount), billing.currency)
            for count in (use.before, use.before + use.now)
        )
        original = _id(basis, name, consumer, quantity.unit, month)
        late = month < period
        notes = [
            f"use of {month}, received after its bill was final" if late else "",
            f"{use.uncounted} requests have an unknown number of rows and are not billed" if use.uncounted else "",
        ]
        yield BillLine(
            id=_id(basis, name, consumer, quantity.unit, month, str(period)) if late else original,
            kind="adjustment" if late else "usage",
            consumer=consumer,
            port=basis.port,
            contract_version=name,
            meter=quantity.unit,
            quantity=Decimal(use.now),
            unit=quantity.unit,
            price=billing.price,
            currency=billing.currency,
            per=billing.per or "",
            amount=rounded(Fraction(after) - Fraction(before), billing.currency),
            usage_period=month,
            since=month.start(version.zone),
            until=month.end(version.zone),
            adjusts=original if late else "",
            note="; ".join(filter(None, notes)),
        )


def _flat_lines(basis: Basis, period: Period, now: datetime) -> Iterator[BillLine]:
    for version in basis.versions:
        quantity, billing = version.quantity, version.billing
        if quantity is None or not quantity.is_period or billing is None or billing.currency is None:
            continue
        start, end = period.start(version.zone), period.end(version.zone)
        month = Fraction((end - start).total_seconds())
        for access in basis.access:
            parts = list(_parts(version.spans, access.spans, start, min(end, now)))
            if not parts:
                continue
            seconds = sum((_seconds(until - since) for since, until in parts), Fraction(0))
            periods = (seconds / month if quantity.unit == "months" else seconds) / Fraction(quantity.amount)
            yield BillLine(
                id=_id(basis, version.version, access.consumer, "period", period),
                kind="flat",
                consumer=access.consumer,
                port=basis.port,
                contract_version=version.version,
                meter="period",
                quantity=plain((Decimal(periods.numerator) / periods.denominator).quantize(_SHOWN)),
                unit="periods",
                price=billing.price,
                currency=billing.currency,
                per=billing.per or "month",
                amount=rounded(Fraction(billing.price) * periods, billing.currency),
                usage_period=period,
                since=parts[0][0],
                until=parts[-1][1],
                note="" if periods * Fraction(quantity.amount) == 1 else "for the time with a grant",
            )


def _parts(
    version: Iterable[Span], access: Iterable[Span], since: datetime, until: datetime
) -> Iterator[tuple[datetime, datetime]]:
    """The parts of a month in which a consumer had a grant while a version was in force."""
    granted = [part for span in merged(access) if (part := span.within(since, until)) is not None]
    for span in merged(version):
        for begin, end in granted:
            part = span.within(begin, end)
            if part is not None:
                yield part


def _seconds(span: timedelta) -> Fraction:
    return Fraction(span // timedelta(microseconds=1), 1_000_000)


def _credit_lines(basis: Basis, lines: Sequence[BillLine], period: Period, now: datetime) -> Iterator[BillLine]:
    """A credit for each broken service level: a share of the month's charges under the version in force at its end."""
    for version in basis.versions:
        shares = version.billing.credits if version.billing is not None else None
        start, end = period.start(version.zone), period.end(version.zone)
        if shares is None or not _covers(version.spans, min(end, now)):
            continue
        charges: dict[str, list[BillLine]] = {}
        for line in lines:
            if line.contract_version == version.version and line.kind != "adjustment":
                charges.setdefault(line.consumer, []).append(line)
        for consumer, charged in charges.items():
            currency = charged[0].currency
            total = rounded(sum((Fraction(line.amount) for line in charged), Fraction(0)), currency)
            for level, before, share in _shares(shares, basis.broken):
                # The difference of two sums: the credits of a consumer never add up to more than the charges.
                given = [rounded(Fraction(total) * part / _PERCENT, currency) for part in (before, before + share)]
                yield BillLine(
                    id=_id(basis, version.version, consumer, f"credit:{level}", period),
                    kind="credit",
                    consumer=consumer,
                    port=basis.port,
                    contract_version=version.version,
                    meter=level,
                    quantity=plain(Decimal(share.numerator) / share.denominator),
                    unit="percent",
                    price=total,
                    currency=currency,
                    per="",
                    amount=rounded(Fraction(given[0]) - Fraction(given[1]), currency),
                    usage_period=period,
                    since=start,
                    until=end,
                    note=f"the service level {level} is broken",
                )


def _shares(shares: Credits, broken: frozenset[str]) -> Iterator[tuple[str, Fraction, Fraction]]:
    """The broken service levels with the shares of the credits before them, and their own; at most 100 percent."""
    before = Fraction(0)
    for level in Credits.model_fields:
        promised = getattr(shares, level)
        share = min(Fraction(str(promised or 0)), _PERCENT - before)
        if level in broken and share:
            yield level, before, share
            before += share


def _covers(spans: Iterable[Span], moment: datetime) -> bool:
    return any(span.since < moment and (span.until is None or moment <= span.until) for span in spans)


def _in_force(versions: Iterable[Version], hour: datetime) -> Version | None:
    """The version in force in an hour, for usage whose version was not recorded."""
    for version in versions:
        if any(span.within(hour, hour + HOUR) is not None for span in version.spans):
            return version
    return None


def _id(basis: Basis, *names: object) -> str:
    return hashlib.sha256("\x00".join([basis.environment, basis.port, *map(str, names)]).encode()).hexdigest()[:16]
