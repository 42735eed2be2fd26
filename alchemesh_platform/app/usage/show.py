"""Show the usage of output ports: by consumer, protocol and version of the contract."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from alchemesh_platform.base.failure import ExitCode, Failure

if TYPE_CHECKING:
    from alchemesh_platform.identity.identity import Identity
    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.registry.store import Registry
    from alchemesh_platform.registry.usage.lines import UsageTotal
    from alchemesh_platform.registry.usage.positions import Gap, Read


class NoUsage(Failure):
    """Raised when there is no such product or output port."""

    exit_code = ExitCode.USAGE


@dataclass(frozen=True, slots=True)
class Usage:
    """The usage of a product or port in a span of time.

    Args:
        address: Address of the product or port.
        since: Start of the first hour.
        until: The end.
        totals: The usage by port, consumer, protocol and version.
        unmetered: Port: the reason why its usage is not known now.
        gaps: Parts of the usage that were lost before they were read.
        readings: The last reading of each source.
        partial: Whether only the usage of the actor's own consumers is shown.
    """

    environment: str
    address: str
    since: datetime
    until: datetime
    totals: tuple[UsageTotal, ...]
    unmetered: dict[str, str]
    gaps: tuple[Gap, ...]
    readings: tuple[Read, ...]
    partial: bool = False

    def as_json(self) -> dict[str, Any]:
        """The usage as one JSON object."""
        return {
            "environment": self.environment,
            "address": self.address,
            "since": self.since.isoformat(),
            "until": self.until.isoformat(),
            "only_own": self.partial,
            "usage": [asdict(each) for each in self.totals],
            "unmetered": self.unmetered,
            "gaps": [
                {
                    "port": gap.port,
                    "since": gap.since.isoformat() if gap.since is not None else None,
                    "until": gap.until.isoformat(),
                    "reason": gap.reason,
                }
                for gap in self.gaps
            ],
            "readings": [
                {"port": read.port, "source": read.source, "read_at": read.read_at.isoformat()}
                for read in self.readings
            ],
        }


def usage(platform: Platform, actor: Identity, address: str, since: datetime, until: datetime | None = None) -> Usage:
    """Meter a product, and show the usage of it or of one of its ports.

    Only actors that see the usage of all consumers meter: those that may report about the product. Others see the usage
    of the consumers that they belong to.

    Args:
        platform: The environment.
        actor: The identity that asks.
        address: ``domain/product`` or ``domain/product/port``.
        since: The first hour.
        until: The end; now by default.

    Raises:
        NoUsage: when there is no such product or output port.
        RegistryUnavailable: when the registry cannot be used.
    """
    from alchemesh_platform.app.usage.meter import meter_product
    from alchemesh_platform.registry.store import Registry
    from alchemesh_platform.registry.usage.lines import hour_of, totals_of
    from alchemesh_platform.registry.usage.positions import gaps_of, readings_of

    environment = platform.environment
    product = "/".join(address.split("/")[:2])
    with Registry.open(platform.registry) as registry:
        _check_known(registry, environment, product, address)
        partial = not sees_all(registry, environment, actor, product)
        unmetered = {} if partial else meter_product(registry, environment, product, platform=platform).unmetered
        end = until or registry.now()
        totals: Iterable[UsageTotal] = totals_of(registry, environment, address, since, end)
        if partial:
            own = own_consumers(registry, environment, actor, product)
            totals = [each for each in totals if each.consumer in own]
        return Usage(
            environment,
            address,
            hour_of(since),
            end,
            tuple(totals),
            {port: reason for port, reason in unmetered.items() if address in (port, product)},
            tuple(gaps_of(registry, environment, address, since, end)),
            tuple(readings_of(registry, environment, address)),
            partial,
        )


def sees_all(registry: Registry, environment: str, actor: Identity, product: str) -> bool:
    """Whether an actor may see the usage of all consumers of a product: one that may report about it."""
    from alchemesh_platform.access.operating import Operating, Target
    from alchemesh_platform.access.rights import is_platform_owner
    from alchemesh_platform.deployment.code.reports import OPERATION

    if is_platform_owner(registry, environment, actor):
        return True
    return Operating.of(registry, environment, actor).right(OPERATION, Target.product(product)).allowed


def own_consumers(registry: Registry, environment: str, actor: Identity, product: str) -> frozenset[str]:
    """The consumers of a product that an actor belongs to, as usage lines name them."""
    from alchemesh_platform.access.rights import speaks_for
    from alchemesh_platform.registry.records import AccessRequestRecord

    return frozenset(
        f"{request.requester_kind}:{request.requester}"
        for request in registry.all(AccessRequestRecord, environment, product)
        if speaks_for(registry, actor, request)
    )


def _check_known(registry: Registry, environment: str, product: str, address: str) -> None:
    from alchemesh_platform.base.problems import did_you_mean
    from alchemesh_platform.registry.records import PortRecord
    from alchemesh_platform.registry.usage.positions import readings_of

    ports = [port.address for port in registry.all(PortRecord, environment, product) if port.direction == "output"]
    known = {product, *ports, *(read.port for read in readings_of(registry, environment, product))}
    if address not in known or (address == product and len(known) == 1):
        what = "output port" if address.count("/") > 1 else "product with output ports"
        raise NoUsage(
            f"there is no {what} {address} in {environment}",
            hint=did_you_mean(address, sorted(known - {product})) or None,
        )
