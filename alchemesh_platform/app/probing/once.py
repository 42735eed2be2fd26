"""Probe the ports of deployed products that have a contract, and make reports of the results."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from alchemesh_platform.app.probing.recording import Recorded, folder_of, record

if TYPE_CHECKING:
    from alchemesh_platform.app.product.measure import Measurement
    from alchemesh_platform.identity.identity import Identity
    from alchemesh_platform.measures.report import Report
    from alchemesh_platform.observed.probing import Prober, ProbeResult, Target
    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.quality.tables import Limits
    from alchemesh_platform.registry.store import Registry

SLICE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Probing:
    """The results of probing the ports of one product.

    Args:
        probed_at: Time at which the probes began.
        results: The result of each port and protocol.
        recorded: Whether the registry has the results, or they wait.
    """

    environment: str
    product: str
    probed_at: datetime
    results: tuple[ProbeResult, ...]
    recorded: Recorded = field(default_factory=Recorded)

    def as_json(self) -> list[dict[str, Any]]:
        """The results as JSON objects."""
        return [each.as_json() for each in self.results]


def probe(platform: Platform, product: str, actor: Identity | None, prober: Prober | None = None) -> Probing:
    """Probe the ports of a deployed product once, over each protocol, and record uptime and response time.

    Args:
        platform: The environment.
        product: ``domain/product``.
        actor: The identity that observes. It needs the right to report about the product. None for the platform's own
            process.
        prober: By default, one with the deadline of the platform file.

    Raises:
        NotAllowed: when the actor may not report about the product.
        NotDeployed: when the product is not deployed.
        RegistryUnavailable: when the registry cannot be used.
    """
    from alchemesh_platform.app.rights import check_right_to_report
    from alchemesh_platform.deployment.code.connections import product_record
    from alchemesh_platform.deployment.emulation import emulator_variables, resume
    from alchemesh_platform.observed.probing import Prober
    from alchemesh_platform.registry.store import Registry

    environment = platform.environment
    with Registry.open(platform.registry) as registry:
        product_record(registry, environment, product)
        check_right_to_report(registry, environment, actor, product)
        targets = targets_of(registry, platform, product, {**os.environ, **emulator_variables(platform)})
        moment = registry.now()
    resume(platform)
    results = tuple((prober or Prober(platform.observations.deadline)).probe(targets))
    recorded = record(platform, list(reports_of(results, moment)))
    return Probing(environment, product, moment, results, recorded)


def observe(
    platform: Platform,
    product: str,
    actor: Identity | None,
    *,
    limits: Limits | None = None,
    note: Callable[[str], None] = lambda _line: None,
) -> Measurement:
    """Probe the ports of a deployed product, and measure its assets.

    Args:
        platform: The environment.
        product: ``domain/product``.
        actor: The identity that observes. It needs the right to report about the product.
        limits: The most that each asset may cost; by default ten minutes and 10 GiB.
        note: Receives a line before each step.

    Raises:
        NotAllowed, NotDeployed, RegistryUnavailable: as for :func:`probe`.
    """
    from alchemesh_platform.app.product.measure import measure

    note(f"probing {product}")
    probing = probe(platform, product, actor)
    return replace(measure(platform, product, actor, limits=limits, note=note), probing=probing)


def targets_of(
    registry: Registry, platform: Platform, product: str | None = None, environ: Mapping[str, str] = os.environ
) -> list[Target]:
    """The output ports with a contract, each with the connection that its consumers use.

    Args:
        platform: The environment.
        product: Only the ports of this product.
        environ: Environment variables for the probes.
    """
    from alchemesh_platform.observed.probing import Target
    from alchemesh_platform.registry.records import ContractRecord, PortRecord
    from alchemesh_platform.sdk.probes.probe import ProbedPort

    environment, kept = platform.environment, folder_of(platform) / "credentials"
    contracts = {each.address: each for each in registry.all(ContractRecord, environment, product)}
    found = []
    for port in registry.all(PortRecord, environment, product):
        contract = contracts.get(port.address)
        if contract is None or port.direction != "output":
            continue
        proxy = port.connections.get("proxy")
        # Without a proxy, a contract names the storage's component type, which is no protocol.
        protocols = contract.protocols if proxy else ()
        connection, problem = _connection(proxy or port.connections.get("storage") or {})
        probed = ProbedPort(address=port.address, connection=connection, models=port.models, environ=environ, kept=kept)
        found.append(Target(probed, protocols, problem))
    return found


def _connection(document: Mapping[str, Any]) -> tuple[Any, str]:
    """A recorded connection, or the reason why it cannot be read."""
    from pydantic import ValidationError

    from alchemesh_platform.base.failure import Failure
    from alchemesh_platform.sdk.connections.kinds import connection_of

    try:
        return connection_of(document), ""
    except Failure as error:
        return None, str(error.message)
    except (LookupError, ValidationError) as error:
        return None, str(error).splitlines()[0]


def reports_of(results: Iterable[ProbeResult], moment: datetime) -> Iterator[Report]:
    """The reports of probes: uptime and response time of each port and protocol.

    Args:
        moment: Time at which the probes began.
    """
    from alchemesh_platform.measures.measure import RESPONSE_TIME, UPTIME, of_protocol
    from alchemesh_platform.measures.report import read_report

    for each in results:
        shared = {
            "product": each.port.rpartition("/")[0],
            "subject": each.port,
            "measured_at": moment,
            "window_seconds": SLICE.total_seconds(),
        }
        for measure, document in ((UPTIME, _uptime(each)), (RESPONSE_TIME, _response_time(each))):
            yield read_report({**shared, "measure": of_protocol(measure, each.protocol, each.protocols), **document})


def _uptime(each: ProbeResult) -> dict[str, Any]:
    if each.outcome == "unknown":
        return {"outcome": "unknown", "note": each.reason}
    return {"good": int(each.outcome == "up"), "total": 1, "note": each.reason}


def _response_time(each: ProbeResult) -> dict[str, Any]:
    if each.seconds is not None:
        return {"value": each.seconds}
    return {"outcome": "unknown" if each.outcome == "unknown" else "error", "note": each.reason}
