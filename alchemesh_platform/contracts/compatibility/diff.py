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
usage terms            every change: no rule can interpret      none
                       the text
billing                price raised, or another model, unit or  price lowered, or free
                       currency
notice period          shortened                                lengthened
quality test           removed or loosened                      added or tightened
=====================  =======================================  ====================================================

Changes of documentation are: descriptions, entities, names, dimensions and units of tests, terms that differ in spaces,
another notation of a price of zero, and a `required` or `unique` that the key implies. A different order is not a
change. Version and lifecycle identify a contract and are not compared here:
:mod:`alchemesh_platform.contracts.compatibility.rules` checks them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import TypeVar

from alchemesh_platform.base.units import format_duration, format_percent
from alchemesh_platform.contracts.compatibility.changes import (
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
from alchemesh_platform.manifest.models import AccessType, Billing, ServiceLevels, Terms

# The most open first.
_ACCESS = (AccessType.PUBLIC, AccessType.INTERNAL, AccessType.RESTRICTED)

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
    yield from _billing((*path, "billing"), before.billing, after.billing)
    yield from _notice_period((*path, "notice_period"), before.notice_period, after.notice_period)


def _usage(path: Path, before: str, after: str) -> Iterator[ContractChange]:
    if before == after:
        return
    if before.split() == after.split():
        yield changed(path, "documentation", "only spaces and line ends changed")
    else:
        yield changed(path, "breaking", f"{quoted(after)}, was {quoted(before)}")


def _billing(path: Path, before: Billing | None, after: Billing | None) -> Iterator[ContractChange]:
    if before == after:
        return
    was, now = cost(before), cost(after)
    summary = f"{now}, was {was}"
    if _price(before) == _price(after) == 0:
        yield changed(path, "documentation", f"{summary}: consumption is free before and after")
    elif _price(after) == 0:
        yield changed(path, "compatible", summary)
    elif _price(before) == 0 or _unit(before) != _unit(after):
        yield changed(path, "breaking", summary)
    else:
        dearer = _price(after) > _price(before)
        yield changed((*path, "price"), "breaking" if dearer else "compatible", summary)


def _price(billing: Billing | None) -> float:
    return 0.0 if billing is None or billing.model == "free" else billing.price


def _unit(billing: Billing | None) -> tuple[str | None, ...]:
    """The unit for comparing prices."""
    return () if billing is None else (billing.model, billing.currency, billing.per)


def cost(billing: Billing | None) -> str:
    """The price of consumption in words: ``0.4 EUR per 1000 requests (per_use)``."""
    if billing is None:
        return "no billing"
    if billing.model == "free":
        return "free"
    amount = " ".join([f"{billing.price:.15g}", *([billing.currency] if billing.currency else [])])
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
