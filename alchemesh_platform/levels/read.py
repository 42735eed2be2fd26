"""The commitments of a product: every promise of its contracts beside its measured value.

Everything that shows, warns about or opens incidents for commitments reads them here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from alchemesh_platform.levels.commitment import (
    FRESHNESS,
    RESPONSE_TIME,
    TEST,
    UPDATE_FREQUENCY,
    UPTIME,
    Commitment,
    key_of,
)
from alchemesh_platform.levels.newest import newest_at
from alchemesh_platform.levels.promised import Promised, promised_at
from alchemesh_platform.levels.verdicts.answers import response_time, uptime
from alchemesh_platform.levels.verdicts.reading import Reading
from alchemesh_platform.levels.verdicts.tests import business_test
from alchemesh_platform.levels.verdicts.updates import freshness, update_frequency
from alchemesh_platform.levels.verdicts.usage import usage_limits
from alchemesh_platform.registry.records import AssetRecord, MaintenanceRecord

if TYPE_CHECKING:
    from alchemesh_platform.registry.store import Registry


def read_commitments(
    registry: Registry, environment: str, product: str, now: datetime, only: Collection[str] | None = None
) -> tuple[Commitment, ...]:
    """The commitments of a product's contracts with their verdicts, in the order of ports and promises.

    Args:
        registry: The registry of the environment.
        environment: The environment.
        product: ``domain/product``.
        now: The time for which the verdicts are computed. Measurements of later times do not count.
        only: Keys of the commitments to compute; all by default.
    """
    promises = promised_at(registry, environment, product, now)
    if not promises:
        return ()
    assets = registry.all(AssetRecord, environment, product)
    maintenance = registry.all(MaintenanceRecord, environment, product)
    newest = newest_at(registry, environment, product, now)
    reading = Reading(registry, environment, newest, tuple(maintenance), now)
    return tuple(
        commitment
        for promised in promises
        for commitment in _of_port(
            reading, promised, [asset.address for asset in assets if asset.port == promised.port], only
        )
    )


def _of_port(
    reading: Reading, promised: Promised, assets: Iterable[str], only: Collection[str] | None
) -> Iterator[Commitment]:
    def wanted(subject: str, name: str) -> bool:
        return only is None or key_of(subject, name) in only

    levels, assets, port = promised.levels, list(assets), promised.port
    if levels.freshness is not None:
        yield from (freshness(reading, promised, asset) for asset in assets if wanted(asset, FRESHNESS))
    if levels.update_frequency is not None:
        yield from (update_frequency(reading, promised, asset) for asset in assets if wanted(asset, UPDATE_FREQUENCY))
    if levels.uptime is not None and wanted(port, UPTIME):
        yield uptime(reading, promised)
    if levels.response_time is not None and wanted(port, RESPONSE_TIME):
        yield response_time(reading, promised)
    yield from usage_limits(reading, promised)
    yield from (business_test(reading, promised, rule) for rule in promised.rules if wanted(port, TEST + rule.name))
