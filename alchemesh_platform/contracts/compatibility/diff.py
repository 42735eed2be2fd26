"""The differences between two contracts of an output port, classified by their effect on consumers.

Data that fulfils the new contract must fulfil the old one too. Otherwise code that relies on the old one breaks. A
change is *breaking* if the contract promises less or asks for more. It is *compatible* if the contract promises at
least as much and asks for no more. *documentation* changes descriptions only. Each row of the table is an order ("at
least as good for a consumer"), so that two compatible steps are compatible together.

=====================  =======================================  ====================================================
What                   Breaking                                 Compatible
=====================  =======================================  ====================================================
port                   removed                                  added
model, property        removed                                  added, required or not: no reader uses it yet
type                   every change, also from integer to       none
                       number: reading and storage of a value
                       depend on its type
required               lost: readers find empty values          gained
key                    lost or changed: it defines one row      gained if there was none
unique                 lost                                     gained
enum                   values added, or enum removed: readers   values removed, or enum added
                       find new values
pattern                changed or lost: whether one pattern is  gained
                       stricter than another is undecidable
classification         raised, or not on the scale              lowered
relationship           removed: joins may lose rows             added
protocol               removed                                  added
contract               removed                                  added
access                 tightened                                opened
service level          lowered or removed                       raised or added
percentile             lowered                                  raised
window                 longer                                   shorter
maintenance            longer                                   shorter
time zone              changed, with updates promised in days   none
usage terms            every change: no rule can interpret      none
                       the text
usage limit            lowered, added or of another period      raised or removed
billing                price raised, or another model, unit,    price lowered, or free
                       currency or time zone
credit                 lowered or removed                       raised or added
notice period          shortened                                lengthened
quality test           removed or loosened                      added or tightened
=====================  =======================================  ====================================================

Changes of documentation are: descriptions, entities, times of a model, names, dimensions and units of tests, terms that
differ in spaces, another notation of a price, and a `required` or `unique` that the key implies. A different order is
not a change.
Version and lifecycle identify a contract and are not compared here:
:mod:`alchemesh_platform.contracts.compatibility.rules` checks them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import TypeVar

from alchemesh_platform.base.money.currency import format_price
from alchemesh_platform.base.money.quantity import Quantity, parse_quantity
from alchemesh_platform.base.units import format_duration, format_percent, share_of_percentile
from alchemesh_platform.base.usage_limit import UsageLimit
from alchemesh_platform.contracts.compatibility.changes import (
    ChangeKind,
    ContractChange,
    PortDiff,
    added,
    changed,
    ordered,
    removed,
)
from alchemesh_platform.contracts.compatibility.models import CLASSIFICATIONS, diff_models
from alchemesh_platform.contracts.compatibility.quality import diff_quality
from alchemesh_platform.contracts.port import CONTRACT, PROTOCOLS, PromisedPort
from alchemesh_platform.documents.document import Path, quoted
from alchemesh_platform.manifest.models import AccessType, Billing, Credits, ServiceLevels, Terms, UsageLimits

# The most open first.
_ACCESS = (AccessType.PUBLIC, AccessType.INTERNAL, AccessType.RESTRICTED)

UTC = "UTC"
A_MONTH = "month"  # the period of a flat price without one

ValueT = TypeVar("ValueT", float, timedelta)


def diff_port(
    before: PromisedPort | None, after: PromisedPort | None, *, classifications: Sequence[str] = CLASSIFICATIONS
) -> PortDiff:
    """Every change from one contract of a port to another.

    Args:
        before: The recorded contract; None if the port did not exist.
        after: The declared contract; None if the port is removed.
        classifications: The company's classifications of data, the least sensitive first.
    """
    if before is None and after is None:
        return PortDiff()
    if before is None:
        return PortDiff((added((), "compatible", "a new port"),))
    if after is None:
        return PortDiff((removed((), "breaking", "the port is removed, with its contract"),))
    return ordered(
        [
            *diff_models(before.models, after.models, classifications),
            *_protocols(before.protocols, after.protocols),
            *_contract(before, after),
        ]
    )


def _protocols(before: Sequence[str], after: Sequence[str]) -> Iterator[ContractChange]:
    for protocol in set(before) - set(after):
        yield removed((PROTOCOLS, protocol), "breaking", "consumers can no longer use this protocol")
    for protocol in set(after) - set(before):
        yield added((PROTOCOLS, protocol), "compatible", "consumers can also use this protocol")


def _contract(before: PromisedPort, after: PromisedPort) -> Iterator[ContractChange]:
    was, now = before.contract, after.contract
    if was is None and now is None:
        return
    if was is None:
        yield added((CONTRACT,), "compatible", "the port has a contract, had none")
        return
    if now is None:
        yield removed((CONTRACT,), "breaking", "the port has no contract any more")
        return
    yield from _access((CONTRACT, "access"), was.access, now.access)
    yield from _service_levels((CONTRACT, "service_levels"), was.service_levels, now.service_levels)
    yield from _terms((CONTRACT, "terms"), was.terms, now.terms)
    yield from diff_quality(before, after)


def _access(path: Path, before: AccessType, after: AccessType) -> Iterator[ContractChange]:
    if before != after:
        opened = _ACCESS.index(after) < _ACCESS.index(before)
        yield changed(path, "compatible" if opened else "breaking", f"{after}, was {before}")


def _service_levels(path: Path, before: ServiceLevels, after: ServiceLevels) -> Iterator[ContractChange]:
    yield from _level((*path, "uptime"), before.uptime, after.uptime, larger_is_better=True)
    for name in ("update_frequency", "response_time", "freshness"):
        was: timedelta | None = getattr(before, name)
        yield from _level((*path, name), was, getattr(after, name), larger_is_better=False)
    yield from _measuring(path, before, after)


def _measuring(path: Path, before: ServiceLevels, after: ServiceLevels) -> Iterator[ContractChange]:
    """Changes of how levels are measured. They have an effect on levels that were promised before and still are."""
    was, now = before.percentile_in_force, after.percentile_in_force
    if share_of_percentile(was) != share_of_percentile(now):
        better = share_of_percentile(now) > share_of_percentile(was)
        effect = _effect(before, after, ("response_time",), better=better)
        yield changed((*path, "percentile"), effect, f"{now}, was {was}")
    length, new_length = before.window_in_force, after.window_in_force
    if length != new_length:
        effect = _effect(before, after, ("uptime", "response_time"), better=new_length < length)
        yield changed((*path, "window"), effect, f"{_in_words(new_length)}, was {_in_words(length)}")
    spared, newly_spared = before.maintenance or timedelta(0), after.maintenance or timedelta(0)
    if spared != newly_spared:
        effect = _effect(before, after, ("uptime",), better=newly_spared < spared)
        yield changed((*path, "maintenance"), effect, f"{_in_words(newly_spared)}, was {_in_words(spared)}")
    zone, new_zone = before.time_zone_in_force, after.time_zone_in_force
    if zone != new_zone:
        # A clock change makes a day an hour longer. That matters for the same number of days only.
        frequency = before.update_frequency
        same_days = frequency is not None and frequency == after.update_frequency and not frequency % timedelta(days=1)
        yield changed((*path, "time_zone"), "breaking" if same_days else "documentation", f"{new_zone}, was {zone}")


def _effect(before: ServiceLevels, after: ServiceLevels, levels: Sequence[str], *, better: bool) -> ChangeKind:
    if not any(getattr(before, level) is not None and getattr(after, level) is not None for level in levels):
        return "documentation"
    return "compatible" if better else "breaking"


def _level(
    path: Path, before: ValueT | None, after: ValueT | None, *, larger_is_better: bool
) -> Iterator[ContractChange]:
    if before == after:
        return
    if before is None:
        yield added(path, "compatible", f"{_in_words(after)} is promised, nothing was")
    elif after is None:
        yield removed(path, "breaking", f"nothing is promised, was {_in_words(before)}")
    else:
        better = (after > before) == larger_is_better
        yield changed(path, "compatible" if better else "breaking", f"{_in_words(after)}, was {_in_words(before)}")


def _terms(path: Path, before: Terms, after: Terms) -> Iterator[ContractChange]:
    yield from _usage((*path, "usage"), before.usage, after.usage)
    for meter in UsageLimits.model_fields:
        was, now = (getattr(terms.limits, meter, None) for terms in (before, after))
        yield from _limit((*path, "limits", meter), was, now)
    yield from _billing((*path, "billing"), before.billing, after.billing)
    yield from _notice_period((*path, "notice_period"), before.notice_period, after.notice_period)


def _usage(path: Path, before: str, after: str) -> Iterator[ContractChange]:
    if before == after:
        return
    if before.split() == after.split():
        yield changed(path, "documentation", "only spaces and line ends changed")
    else:
        yield changed(path, "breaking", f"{quoted(after)}, was {quoted(before)}")


def _limit(path: Path, before: UsageLimit | None, after: UsageLimit | None) -> Iterator[ContractChange]:
    if before == after:
        return
    if before is None or after is None:
        found = changed(path, "breaking", f"{after.in_words()}, was unlimited") if after is not None else None
        yield found or changed(path, "compatible", "unlimited")
    else:
        raised = after.period == before.period and after.amount > before.amount
        yield changed(path, "compatible" if raised else "breaking", f"{after.in_words()}, was {before.in_words()}")


def _billing(path: Path, before: Billing | None, after: Billing | None) -> Iterator[ContractChange]:
    if before == after:
        return
    if _written(before) != _written(after):
        yield from _changed_price(path, before, after)
    if _price(after) == 0:
        return  # nothing is billed, so neither months nor credits matter
    yield from _months((*path, "time_zone"), before, after)
    yield from _credits((*path, "credits"), before, after)


def _changed_price(path: Path, before: Billing | None, after: Billing | None) -> Iterator[ContractChange]:
    summary = f"{cost(after)}, was {cost(before)}"
    was, now = _price(before), _price(after)
    if was == now == 0:
        yield changed(path, "documentation", f"{summary}: consumption is free before and after")
    elif now == 0:
        yield changed(path, "compatible", summary)
    elif was == 0 or _unit(before) != _unit(after):
        yield changed(path, "breaking", summary)
    elif was * _amount(after) == now * _amount(before):
        yield changed(path, "documentation", f"{summary}: the same price in another notation")
    else:
        dearer = now * _amount(before) > was * _amount(after)
        yield changed((*path, "price"), "breaking" if dearer else "compatible", summary)


def _written(billing: Billing | None) -> tuple[object, ...]:
    return () if billing is None else (billing.model, billing.price, billing.currency, billing.per)


def _price(billing: Billing | None) -> Decimal:
    return Decimal(0) if billing is None or billing.model == "free" else billing.price


def _unit(billing: Billing | None) -> tuple[str | None, ...]:
    """The unit for comparing prices."""
    if billing is None:
        return ()
    quantity = _quantity(billing)
    return (billing.model, billing.currency, billing.per if quantity is None else quantity.unit)


def _amount(billing: Billing | None) -> Decimal:
    quantity = None if billing is None else _quantity(billing)
    return Decimal(1) if quantity is None else quantity.amount


def _quantity(billing: Billing) -> Quantity | None:
    per = billing.per or (A_MONTH if billing.model == "flat" else None)
    return None if per is None else parse_quantity(per)


def _months(path: Path, before: Billing | None, after: Billing | None) -> Iterator[ContractChange]:
    was, now = (None if billing is None else billing.time_zone for billing in (before, after))
    if _price(before) and (was or UTC) != (now or UTC):
        yield changed(path, "breaking", f"months are those of {now or UTC}, were those of {was or UTC}")


def _credits(path: Path, before: Billing | None, after: Billing | None) -> Iterator[ContractChange]:
    if not _price(before):
        return
    was, now = (None if billing is None else billing.credits for billing in (before, after))
    for name in Credits.model_fields:
        shares = (getattr(was, name, None), getattr(now, name, None))
        yield from _level((*path, name), *shares, larger_is_better=True)


def cost(billing: Billing | None) -> str:
    """The price of consumption in words: ``0.40 EUR per 1000 requests (per_use)``."""
    if billing is None:
        return "no billing"
    if billing.model == "free":
        return "free"
    amount = format_price(billing.price, billing.currency)
    return f"{amount}{f' per {billing.per}' if billing.per else ''} ({billing.model})"


def _notice_period(path: Path, before: timedelta | None, after: timedelta | None) -> Iterator[ContractChange]:
    if before == after:
        return
    was, now = before or timedelta(0), after or timedelta(0)
    summary = f"{'none' if after is None else _in_words(after)}, was {'none' if before is None else _in_words(before)}"
    if was == now:
        yield changed(path, "documentation", summary)
    else:
        yield changed(path, "compatible" if now > was else "breaking", summary)


def _in_words(value: float | timedelta | None) -> str:
    if isinstance(value, timedelta):
        return format_duration(value)
    return format_percent(value) if value is not None else "nothing"
