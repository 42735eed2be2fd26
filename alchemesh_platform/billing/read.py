"""Reads the bill of a port from the registry, and keeps it once it is final."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.time_zone import moment_in_utc, zone_of
from alchemesh_platform.billing.bill import Bill
from alchemesh_platform.billing.charges import Basis, bill_of
from alchemesh_platform.billing.period import FINAL_AFTER, NoPeriod, Period
from alchemesh_platform.billing.terms import Version, access_of, versions_of
from alchemesh_platform.manifest.models import Billing
from alchemesh_platform.registry.records import ContractRecord, ContractVersionRecord, GrantRecord
from alchemesh_platform.registry.usage.bills import keep_bill, kept_bill, late_hours
from alchemesh_platform.registry.usage.lines import UsageLine, usage_of
from alchemesh_platform.registry.usage.positions import gaps_of

if TYPE_CHECKING:
    from alchemesh_platform.registry.store import Registry

SETTLED = timedelta(hours=1)  # from final to kept: a reader may still write what it received before

Broken = Callable[[str, datetime], frozenset[str]]


class UnreadablePrice(Failure):
    """Raised when this version of alchemesh cannot read the recorded price of a contract."""


def read_bill(
    registry: Registry,
    environment: str,
    port: str,
    kept: Sequence[ContractVersionRecord],
    period: Period | None,
    now: datetime,
    broken: Broken,
) -> Bill:
    """The bill of a port for a month.

    Args:
        registry: The registry of the environment.
        environment: The environment.
        port: Address of the port.
        kept: Every recorded version of its contract, the newest first.
        period: The month; by default the current one.
        now: The time of the registry.
        broken: Gives the service levels of a port that are broken at a time; called if a version gives credits.

    Raises:
        NoPeriod: when the month has not begun.
    """
    history = registry.history(environment, address=port, kind=ContractRecord)
    versions = versions_of([(each.version, billing_of(each)) for each in kept], history)
    zone = (versions[0] if versions else Version("", None)).zone
    period = period or Period.of(now, zone)
    if now < period.start(zone):
        raise NoPeriod(f"the month {period} has not begun", hint="a bill is of the current month, or of an earlier one")
    document = kept_bill(registry, environment, port, str(period))
    if document is not None:
        return Bill.from_json(json.loads(document))
    basis = _basis(registry, environment, port, versions, period, now, broken)
    bill = bill_of(basis, period, now)
    begun = any(each.active_since is not None and each.active_since < bill.closes_at for each in versions)
    if now < bill.closes_at + SETTLED or not begun:
        return bill
    text = json.dumps(bill.as_json(), ensure_ascii=False)
    return Bill.from_json(json.loads(keep_bill(registry, environment, port, str(period), text, now)))


def billing_of(version: ContractVersionRecord) -> Billing | None:
    """The price of a recorded version.

    Raises:
        UnreadablePrice: when another version of alchemesh wrote a price that this one cannot read.
    """
    from pydantic import ValidationError

    terms = version.document.get("terms") or {}
    billing = terms.get("billing")
    try:
        return None if billing is None else Billing.model_validate(billing)
    except ValidationError as error:
        raise UnreadablePrice(
            f"the recorded price of {version.address} in {version.environment} cannot be read",
            hint="it was written by another version: use the newest, pip install --upgrade alchemesh-platform",
        ) from error


def _basis(
    registry: Registry,
    environment: str,
    port: str,
    versions: Sequence[Version],
    period: Period,
    now: datetime,
    broken: Broken,
) -> Basis:
    product = port.rpartition("/")[0]
    grants = registry.history(environment, product=product, kind=GrantRecord)
    zone = (versions[0] if versions else Version("", None)).zone
    gives_credit = any(version.billing is not None and version.billing.credits is not None for version in versions)
    return Basis(
        environment=environment,
        port=port,
        versions=versions,
        access=access_of([change for change in grants if change.document.get("port") == port]),
        usage=tuple({line.id: line for line in _usage(registry, environment, port, versions, period)}.values()),
        broken=broken(port, min(now, period.end(zone))) if gives_credit else frozenset(),
        gaps=tuple(_gaps(registry, environment, port, period.start(zone), period.end(zone))),
    )


def _gaps(registry: Registry, environment: str, port: str, since: datetime, until: datetime) -> Iterator[str]:
    for gap in gaps_of(registry, environment, port, since, until):
        begin = f"from {moment_in_utc(gap.since)} " if gap.since is not None else ""
        yield f"usage {begin}to {moment_in_utc(gap.until)} is incomplete: {gap.reason}"


def keep_last_bill(
    registry: Registry,
    environment: str,
    port: str,
    kept: Sequence[ContractVersionRecord],
    now: datetime,
    broken: Broken,
) -> bool:
    """Keep the bill of the last month of a port that has a price, once it is final; returns whether it is new.

    Credits depend on measurements that are summarized later, so that a bill must not wait for its first reader.
    """
    priced = [billing for each in kept if (billing := billing_of(each)) is not None and billing.model != "free"]
    if not priced:
        return False
    last = Period.of(now - FINAL_AFTER - SETTLED, zone_of(priced[0].time_zone)).before
    if kept_bill(registry, environment, port, str(last)) is not None:
        return False
    read_bill(registry, environment, port, kept, last, now, broken)
    return kept_bill(registry, environment, port, str(last)) is not None


def _usage(
    registry: Registry, environment: str, port: str, versions: Sequence[Version], period: Period
) -> Iterator[UsageLine]:
    """The usage of a month, and of each earlier month whose usage was received too late for its own bill."""
    zones = [version.zone for version in versions] or [Version("", None).zone]
    starts = [period.start(zone) for zone in zones]
    yield from usage_of(registry, environment, port, min(starts), max(period.end(zone) for zone in zones))
    since = min(period.before.closes(zone) for zone in zones)
    until = max(period.closes(zone) for zone in zones)
    months = {
        Period.of(hour, zone)
        for hour in late_hours(registry, environment, port, max(starts), since, until)
        for zone in zones
    }
    for month in sorted(months):
        yield from usage_of(
            registry,
            environment,
            port,
            min(month.start(zone) for zone in zones),
            max(month.end(zone) for zone in zones),
        )
