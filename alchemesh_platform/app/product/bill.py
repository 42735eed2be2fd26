"""The bills of a product's output ports: all of them for the provider, and for a consumer their own part."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.remedy import command, remedy

if TYPE_CHECKING:
    from datetime import datetime

    from alchemesh_platform.billing.bill import Bill
    from alchemesh_platform.billing.period import Period
    from alchemesh_platform.identity.identity import Identity
    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.registry.records import ContractVersionRecord
    from alchemesh_platform.registry.store import Registry


class NothingToBill(Failure):
    """Raised when an environment has no contract of a product or port."""

    exit_code = ExitCode.USAGE


@dataclass(frozen=True, slots=True)
class Bills:
    """The bills of a product's output ports.

    Args:
        environment: The environment.
        product: ``domain/product``.
        provider: Whether they show all consumers; otherwise those that the user speaks for.
        bills: The bill of each port.
        unmetered: Port: the reason why its usage is not known now.
    """

    environment: str
    product: str
    provider: bool
    bills: tuple[Bill, ...]
    unmetered: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The bills as one JSON object."""
        return {
            "environment": self.environment,
            "product": self.product,
            "provider": self.provider,
            "unmetered": dict(self.unmetered),
            "bills": [bill.as_json() for bill in self.bills],
        }


def bill(
    platform: Platform,
    product: str,
    actor: Identity,
    port: str | None = None,
    *,
    period: Period | None = None,
    consumer: str | None = None,
) -> Bills:
    """The bills of a product's output ports for a month.

    Args:
        platform: The environment.
        product: ``domain/product``.
        actor: The identity that reads. Those who may operate the product see all consumers; others see the consumers
            that they speak for.
        port: Name of one output port; by default all.
        period: The month; by default the current one.
        consumer: Show this consumer only: ``KIND:ADDRESS``.

    Raises:
        NotAllowed: when the actor neither operates the product nor speaks for a consumer.
        NothingToBill: when no contract of the product or port is recorded.
        NoPeriod: when the month has not begun.
        RegistryUnavailable: when the registry cannot be used.
    """
    from alchemesh_platform.access.requester import Requester
    from alchemesh_platform.access.rights import NotAllowed
    from alchemesh_platform.app.usage.meter import meter_product
    from alchemesh_platform.app.usage.show import own_consumers, sees_all
    from alchemesh_platform.billing.read import read_bill
    from alchemesh_platform.contracts.versions import kept_versions
    from alchemesh_platform.registry.store import Registry

    environment = platform.environment
    wanted = None if consumer is None else str(Requester.parse(consumer))
    with Registry.open(platform.registry, create=False) as registry:
        everything = sees_all(registry, environment, actor, product)
        own = frozenset() if everything else own_consumers(registry, environment, actor, product)
        if not everything and (wanted not in own if wanted is not None else not own):
            seen = f"the bills of {product}" if wanted is None else f"the bill of {wanted}"
            raise NotAllowed(
                f"{actor.subject} may not see {seen}: those who operate {product} see all consumers, and other users "
                "see the consumers that they speak for"
            )
        kept = _named(kept_versions(registry, environment, product), environment, product, port)
        metered = meter_product(registry, environment, product, platform=platform)
        now, broken = registry.now(), _broken(registry, environment, product)
        found = [
            read_bill(registry, environment, address, versions, period, now, broken)
            for address, versions in kept.items()
        ]
        own |= frozenset() if everything else _represented(registry, environment, actor, found)
    shown = frozenset({wanted}) if wanted is not None else own
    bills = found if everything and wanted is None else [each.of(shown) for each in found]
    unmetered = {each.port: metered.unmetered[each.port] for each in bills if each.port in metered.unmetered}
    return Bills(environment, product, everything, tuple(bills), unmetered)


def _represented(registry: Registry, environment: str, actor: Identity, bills: Sequence[Bill]) -> frozenset[str]:
    """The consumers of bills that a user speaks for: a product may have access by the request of its team."""
    from alchemesh_platform.access.requester import Requester
    from alchemesh_platform.access.rights import representatives

    consumers = {line.consumer for bill in bills for line in bill.lines}
    return frozenset(
        each for each in consumers if actor.subject in representatives(registry, environment, Requester.parse(each))
    )


def keep_bills(registry: Registry, environment: str, product: str, note: Callable[[str], None]) -> None:
    """Keep the final bills of the last month of a product, so that they do not wait for their first reader.

    Args:
        note: Receives a line for each bill that cannot be calculated here.

    Raises:
        RegistryUnavailable: when the registry cannot be used.
    """
    from alchemesh_platform.billing.read import keep_last_bill
    from alchemesh_platform.contracts.versions import kept_versions
    from alchemesh_platform.registry.unavailable import RegistryUnavailable

    now, broken = registry.now(), _broken(registry, environment, product)
    for address, versions in kept_versions(registry, environment, product).items():
        try:
            keep_last_bill(registry, environment, address, versions, now, broken)
        except RegistryUnavailable:
            raise
        except Failure as failure:
            note(f"the last bill of {address} is not kept: {failure.message}")


def _broken(registry: Registry, environment: str, product: str) -> Callable[[str, datetime], frozenset[str]]:
    """A function that gives the broken service levels of a port at a time."""

    def broken(port: str, moment: datetime) -> frozenset[str]:
        from alchemesh_platform.levels.read import read_commitments

        found = read_commitments(registry, environment, product, moment)
        return frozenset(each.name for each in found if each.port == port and each.verdict == "broken")

    return broken


def _named(
    kept: dict[str, list[ContractVersionRecord]], environment: str, product: str, port: str | None
) -> dict[str, Sequence[ContractVersionRecord]]:
    from alchemesh_platform.base.problems import did_you_mean

    if not kept:
        raise NothingToBill(
            f"no contract of {product} is recorded in {environment}",
            hint=remedy("{} records contracts", command("up")),
        )
    if port is None:
        return dict(sorted(kept.items()))
    names = {address.rpartition("/")[2]: address for address in kept}
    if port not in names:
        raise NothingToBill(
            f"{product} has no output port {port!r} with a contract", hint=did_you_mean(port, sorted(names))
        )
    return {names[port]: kept[names[port]]}
