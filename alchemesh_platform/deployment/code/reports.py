"""Move reports from the spool of a product into the registry."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from alchemesh_platform.access.operating import Operating, Target
from alchemesh_platform.access.rights import NotAllowed
from alchemesh_platform.base.failure import Failure
from alchemesh_platform.identity.identity import Identity, Mapped
from alchemesh_platform.incidents.evaluate import add_measurements
from alchemesh_platform.measures.spool import Refused, ReportNotKept, Spool, Waiting
from alchemesh_platform.registry.observations.roll_up import Keeping, roll_up
from alchemesh_platform.registry.observations.series import Added

if TYPE_CHECKING:
    from alchemesh_platform.registry.store import Registry

OPERATION = "report"


def spool_of(home: str | Path, environment: str, product: str) -> Spool:
    """The reports of a product that wait on this machine.

    Args:
        home: The platform's home.
        product: ``domain/product``.
    """
    return Spool(Path(home, environment, "reports", f"{product.replace('/', '.')}.db"))


def sender_of(identity: Identity) -> str:
    """A person or pipeline as the spool keeps it."""
    return json.dumps(asdict(identity), sort_keys=True)


def drain(registry: Registry, environment: str, product: str, spool: Spool, now: datetime) -> Added:
    """Add all reports of a spool to the registry. A kill loses none, and the next call adds none twice.

    Args:
        product: ``domain/product``. Reports about another product are refused: its code has no right to them.
        now: The time of the registry.

    Returns:
        The accepted, repeated and refused reports. The spool keeps refused ones with their reasons.
    """
    whole = Added()
    for batch in spool.batches():
        added = _add(registry, environment, product, batch, now)
        spool.done([*added.accepted, *added.repeated], added.refused, now)
        whole = _sum(whole, added)
    return whole


def _add(registry: Registry, environment: str, product: str, batch: list[Waiting], now: datetime) -> Added:
    foreign = tuple(
        Refused(each.report, f"code of {product} may not report about {each.report.product}")
        for each in batch
        if each.report.product != product
    )
    whole = Added(refused=foreign)
    own = [each for each in batch if each.report.product == product]
    for sender in dict.fromkeys(each.sender for each in own):
        reports = [each.report for each in own if each.sender == sender]
        try:
            by = f"code of {product}" if not sender else _allowed(registry, environment, product, sender)
        except NotAllowed as error:
            whole = _sum(whole, Added(refused=tuple(Refused(report, error.message) for report in reports)))
            continue
        whole = _sum(whole, add_measurements(registry, environment, reports, by, now))
    return whole


def _allowed(registry: Registry, environment: str, product: str, sender: str) -> str:
    """The subject of a sender that may report about a product. Raises NotAllowed."""
    try:
        document = json.loads(sender)
        mapped = tuple(Mapped(**{**each, **_tuples(each)}) for each in document.pop("mapped"))
        identity = Identity(**document, mapped=mapped)
    except (ValueError, KeyError, TypeError, AttributeError):  # of another version, or changed by a program
        raise NotAllowed("its sender cannot be read") from None
    Operating.of(registry, environment, identity).check(OPERATION, Target.product(product))
    return identity.subject


def _tuples(mapped: dict[str, object]) -> dict[str, tuple[object, ...]]:
    return {name: tuple(value) for name, value in mapped.items() if isinstance(value, list)}


def _sum(one: Added, other: Added) -> Added:
    return Added((*one.accepted, *other.accepted), (*one.repeated, *other.repeated), (*one.refused, *other.refused))


def drain_after(
    registry: Registry,
    environment: str,
    product: str,
    spool: Spool,
    note: Callable[[str], None] = lambda _line: None,
    keeping: Keeping | None = None,
) -> None:
    """Drain a spool beside a run: a failure leaves the reports in the spool, and does not fail the run.

    Args:
        note: Receives a line for each refused report, and for reports that wait.
        keeping: How long observations stay as they are.
    """
    try:
        added = drain(registry, environment, product, spool, registry.now())
        roll_up(registry, environment, registry.now(), keeping or Keeping())
    except ReportNotKept as error:
        note(f"reports of {product} wait: {error.message}; {error.hint}")
        return
    except Failure as error:
        number = spool.waiting()
        waiting = f"1 report of {product} waits" if number == 1 else f"{number} reports of {product} wait"
        note(f"{waiting}: {error.message}")
        return
    for reason in (*(each.reason for each in added.refused), *spool.unreadable()):
        note(f"a report is refused: {reason}")
