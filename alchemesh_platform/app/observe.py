"""Read an environment: the status of products, the mesh, the connections of a product, the audit log."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alchemesh_platform.app.mesh.inbox import items_of
from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.remedy import command, remedy

if TYPE_CHECKING:
    from alchemesh_platform.app.clock.state import ClockState
    from alchemesh_platform.identity.identity import Identity
    from alchemesh_platform.observed.inbox import Item
    from alchemesh_platform.observed.models import ProductStatus, ProductSummary
    from alchemesh_platform.observed.standing import Standing
    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.registry.audit import Checked, Link
    from alchemesh_platform.registry.lineage import Lineage
    from alchemesh_platform.registry.records import Deployment
    from alchemesh_platform.registry.store import Registry
    from alchemesh_platform.sdk.connections.ports import Connections

HISTORY_LENGTH = 20
UP_HINT = remedy("{} in the product's folder deploys it", command("up"))


class NeverDeployed(Failure):
    """Raised when no product was ever deployed at an address."""

    exit_code = ExitCode.USAGE


@dataclass(frozen=True, slots=True)
class Report:
    """One product (``status``) or all of them (``summaries``); None for each part that the caller did not request.

    Args:
        environment: The environment.
        emulated: Whether its cloud is emulated.
        status: The status of the one product.
        summaries: All products.
        standing: Value and maturity of the product.
        history: The last deployments and runs.
        lineage: The sources and targets of the data.
        inbox: The items that wait for the caller.
        clock: The clock of the jobs of this machine; None if no job of the report needs it.
    """

    environment: str
    emulated: bool
    status: ProductStatus | None = None
    summaries: list[ProductSummary] | None = None
    standing: Standing | None = None
    history: list[Deployment] | None = None
    lineage: Lineage | None = None
    inbox: tuple[Item, ...] = ()
    clock: ClockState | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing is known of the requested product."""
        return self.status is not None and not self.status.is_deployed and self.status.last_deployment is None

    def as_json(self) -> dict[str, Any]:
        """A JSON document about the product, or one about all products."""
        from alchemesh_platform.registry.lineage_text import as_json

        if self.status is not None:
            document = self.status.model_dump(mode="json")
            document["standing"] = self.standing.as_json() if self.standing is not None else None
        else:
            products = [summary.model_dump(mode="json") for summary in self.summaries or ()]
            document = {"environment": self.environment, "products": products}
        document["emulated"] = self.emulated
        if self.history is not None:
            document["history"] = [deployment.model_dump(mode="json") for deployment in self.history]
        if self.lineage is not None:
            document["lineage"] = as_json(self.lineage)
        document["inbox"] = [item.as_json() for item in self.inbox]
        if self.clock is not None:
            document["clock"] = self.clock.as_json()
        return document


def status(
    platform: Platform,
    address: str | None = None,
    *,
    history: bool = False,
    lineage: bool = False,
    known: bool = False,
    actor: Identity | None = None,
) -> Report:
    """The status of a product, or of all products of an environment. Health, rows and sizes are measured now.

    Args:
        platform: The environment.
        address: ``domain/product``; None for all products.
        history: Whether to read the last deployments and runs.
        lineage: Whether to read the sources and targets of the data.
        known: Whether an address without any deployment is an error.
        actor: The identity whose inbox is part of the report; None for no inbox.

    Raises:
        NeverDeployed: when ``known`` is set and no product was ever deployed there; suggests the closest address.
    """
    from alchemesh_platform.app.clock.state import clock_state
    from alchemesh_platform.deployment.emulation import resume

    resume(platform)
    with reading(platform) as registry:
        report = _report(registry, platform, address, history=history, lineage=lineage)
        if known and address is not None and report.is_empty:
            raise NeverDeployed(
                f"{address} was never deployed in {platform.environment}",
                hint=_closest(registry, platform.environment, address),
            )
        if registry is not None:
            report = replace(report, clock=clock_state(platform, registry, datetime.now(UTC), address))
        return replace(report, inbox=tuple(items_of(registry, platform.environment, actor))) if actor else report


@dataclass(frozen=True, slots=True)
class MeshView:
    """The recorded mesh of an environment.

    Args:
        lineage: Domains, products, and the sources and targets of data.
        standings: Value and maturity by product.
    """

    lineage: Lineage
    standings: Mapping[str, Standing]


def mesh(platform: Platform) -> MeshView:
    """The recorded mesh of an environment; empty if no registry exists yet."""
    from alchemesh_platform.observed.standing import standings
    from alchemesh_platform.registry.lineage import Lineage, mesh_lineage

    with reading(platform) as registry:
        if registry is None:
            return MeshView(Lineage(platform.environment), {})
        found = standings(registry, platform.environment, datetime.now(UTC))
        lineage = mesh_lineage(registry, platform.environment)
        return MeshView(lineage.noted({name: each.words for name, each in found.items()}), found)


def count_products(platform: Platform) -> int:
    """The number of recorded products of an environment. A registry that does not exist is created, as by `up`.

    Raises:
        RegistryUnavailable: when the registry cannot be opened.
    """
    from alchemesh_platform.registry.records import ProductRecord
    from alchemesh_platform.registry.store import Registry

    with Registry.open(platform.registry) as registry:
        return len(registry.all(ProductRecord, environment=platform.environment))


def connections(platform: Platform, product: str) -> Connections:
    """The connections of a deployed product.

    Raises:
        NotDeployed: when the product is not deployed.
    """
    from alchemesh_platform.deployment.code.connections import read_connections
    from alchemesh_platform.registry.store import Registry

    with Registry.open(platform.registry) as registry:
        return read_connections(registry, platform.environment, product)


def shell_variables(platform: Platform, product: str, *, credentials: bool = False) -> dict[str, str]:
    """The variables with the connections of a product, and with the emulators of an emulated environment.

    This writes the document with the connections to a file that only its user can read.

    Args:
        platform: The environment.
        product: ``domain/product``.
        credentials: Whether to include users and passwords instead of the files that contain them.

    Raises:
        NotDeployed: when the product is not deployed.
    """
    from alchemesh_platform.base.files.writing import write_private
    from alchemesh_platform.deployment.code.reports import spool_of
    from alchemesh_platform.deployment.emulation import emulator_variables
    from alchemesh_platform.measures.sending import SPOOL_VARIABLE
    from alchemesh_platform.sdk.connections.ports import CONNECTIONS_VARIABLE

    found = connections(platform, product)
    path = Path(platform.home, platform.environment, "connections", f"{product.replace('/', '.')}.json")
    write_private(path, found.model_dump_json(indent=2))
    return {
        CONNECTIONS_VARIABLE: str(path),
        SPOOL_VARIABLE: str(spool_of(platform.home, platform.environment, product).file),
        **found.environ(credentials=credentials),
        **emulator_variables(platform),
    }


def audit(platform: Platform, product: str | None = None, *, limit: int | None = None) -> list[Link]:
    """The audit log of an environment, newest entries first.

    Args:
        platform: The environment.
        product: Only entries about this product.
        limit: Maximum number of entries.
    """
    from alchemesh_platform.registry.audit import links
    from alchemesh_platform.registry.store import Registry

    with Registry.open(platform.registry, create=False) as registry:
        return links(registry, platform.environment, product, limit=limit)


def check_audit(platform: Platform, expect: str | None = None) -> Checked:
    """Verify the whole audit log of a registry, across all its environments.

    Args:
        platform: An environment of the registry.
        expect: The digest of an entry that was once the last one.
    """
    from alchemesh_platform.registry.audit import check_chain
    from alchemesh_platform.registry.store import Registry

    with Registry.open(platform.registry, create=False) as registry:
        return check_chain(registry, expect)


@contextmanager
def reading(platform: Platform) -> Iterator[Registry | None]:
    """The registry of an environment; None if it does not exist yet, since reading must not create it."""
    from alchemesh_platform.registry.store import Registry
    from alchemesh_platform.registry.unavailable import RegistryMissing

    try:
        registry = Registry.open(platform.registry, create=False)
    except RegistryMissing:
        registry = None
    with registry or nullcontext():
        yield registry


def _report(
    registry: Registry | None, platform: Platform, address: str | None, *, history: bool, lineage: bool
) -> Report:
    from alchemesh_platform.catalog.discover import discover
    from alchemesh_platform.deployment.emulation import emulator_variables
    from alchemesh_platform.observed.models import ProductStatus
    from alchemesh_platform.observed.product import product_status
    from alchemesh_platform.observed.standing import standings
    from alchemesh_platform.observed.summaries import product_summaries
    from alchemesh_platform.registry.lineage import Lineage, lineage_of, mesh_lineage
    from alchemesh_platform.registry.unavailable import reading_records_of

    environment, emulated = platform.environment, platform.emulated
    if registry is None:
        return Report(
            environment,
            emulated,
            ProductStatus(environment=environment, address=address) if address else None,
            [],
            None,
            [] if history else None,
            Lineage(environment) if lineage else None,
        )
    whole = mesh_lineage(registry, environment) if lineage else None
    done = registry.deployments(address, environment, limit=HISTORY_LENGTH) if history else None
    if address is None:
        return Report(environment, emulated, None, product_summaries(registry, environment), None, done, whole)
    variables = emulator_variables(platform)
    with reading_records_of(address, environment):
        found = product_status(registry, environment, address, discover(), variables=variables)
        standing = standings(registry, environment, datetime.now(UTC), address).get(address)
    return Report(environment, emulated, found, None, standing, done, whole and lineage_of(whole, address))


def _closest(registry: Registry | None, environment: str, address: str) -> str:
    from alchemesh_platform.base.problems import did_you_mean
    from alchemesh_platform.registry.records import ProductRecord

    deployed = [product.address for product in registry.all(ProductRecord, environment)] if registry else []
    return did_you_mean(address, deployed, otherwise=UP_HINT) or UP_HINT
