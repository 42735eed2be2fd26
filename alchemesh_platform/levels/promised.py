"""The promises of a product's contracts at a time, and since when each service level is promised without a break."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from alchemesh_platform.manifest.models import QualityRule, ServiceLevels, UsageLimits
from alchemesh_platform.registry.records import ContractRecord
from alchemesh_platform.registry.tables import changes

if TYPE_CHECKING:
    from alchemesh_platform.registry.store import Registry

_Recorded = tuple[datetime, Mapping[str, Any] | None]  # time of a change, and the contract; None if it was removed


@dataclass(frozen=True, slots=True)
class Promised:
    """The promises of one port.

    Args:
        port: Address of the port.
        version: Version of the contract.
        protocols: Protocols that consumers may use.
        since: Service level: the time from which the contracts of the port promise it, if that is known.
        limits: The most that one consumer may use.
    """

    port: str
    version: str
    levels: ServiceLevels
    rules: tuple[QualityRule, ...]
    protocols: tuple[str, ...]
    since: Mapping[str, datetime]
    limits: UsageLimits | None = None

    def began(self, level: str, window_start: datetime) -> datetime:
        """The start of the measured span: of the window, or of the promise if that is later."""
        return max(self.since.get(level, window_start), window_start)


def promised_at(
    registry: Registry, environment: str, product: str, now: datetime, *, younger: bool = True
) -> list[Promised]:
    """The promises of a product's contracts at a time, by address of the port.

    Args:
        now: The time. Contracts of earlier times come from the history of their records.
        younger: Whether a contract that was recorded later is read as it is: a measurement may be older than it.
    """
    current: dict[str, Mapping[str, Any]] = {
        record.address: record.model_dump() for record in registry.all(ContractRecord, environment, product)
    }
    recorded = _recorded(registry, environment, product)
    found = []
    for port in sorted({*current, *recorded}):
        past = [each for each in recorded.get(port, ()) if each[0] <= now]
        contract = past[-1][1] if past else current.get(port) if younger else None
        if contract is not None:
            found.append(_promised(port, contract, past))
    return found


def _recorded(registry: Registry, environment: str, product: str) -> dict[str, list[_Recorded]]:
    """Every recorded state of the product's contracts, by port, oldest first."""
    query = (
        select(changes.c.at, changes.c.address, changes.c.change, changes.c.document)
        .where(
            changes.c.environment == environment,
            changes.c.product == product,
            changes.c.kind == ContractRecord.kind,
        )
        .order_by(changes.c.id)
    )
    found: dict[str, list[_Recorded]] = {}
    with registry.reading() as connection:
        for row in connection.execute(query):
            document = None if row.change == "removed" else json.loads(row.document)
            found.setdefault(row.address, []).append((row.at, document))
    return found


def _promised(port: str, contract: Mapping[str, Any], past: Sequence[_Recorded]) -> Promised:
    document = contract.get("document") or {}
    levels = ServiceLevels.model_validate(document.get("service_levels") or {})
    rules = tuple(QualityRule.model_validate(each) for each in document.get("quality") or ())
    since = {}
    for level in (document.get("service_levels") or {}) if past else ():
        start = past[-1][0]
        for at, earlier in reversed(past):
            if ((((earlier or {}).get("document") or {}).get("service_levels")) or {}).get(level) is None:
                break
            start = at
        since[level] = start
    limits = (document.get("terms") or {}).get("limits")
    return Promised(
        port,
        str(contract.get("version", "")),
        levels,
        rules,
        tuple(contract.get("protocols") or ()),
        since,
        UsageLimits.model_validate(limits) if limits is not None else None,
    )
