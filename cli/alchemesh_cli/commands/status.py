"""`alchemesh status`: what stands and how it is doing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alchemesh_cli.context import MANIFEST, json_option, manifest_path, where_options
from alchemesh_cli.context_options import with_context_options
from alchemesh_cli.declared import ADDRESS, declared_address
from alchemesh_platform.base.failure import ExitCode, Failure

if TYPE_CHECKING:
    from alchemesh_platform.observed.models import ProductStatus, ProductSummary
    from alchemesh_platform.observed.standing import Standing
    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.registry.lineage import Lineage
    from alchemesh_platform.registry.records import Deployment
    from alchemesh_platform.registry.store import Registry

HISTORY_SHOWN = 20
UP_HINT = "`alchemesh up` in the product's folder deploys it"


class NeverDeployed(Failure):
    """Raised when a product is asked for by an address that nothing was ever deployed at."""

    exit_code = ExitCode.USAGE


@dataclass(frozen=True, slots=True)
class Report:
    """What was asked for: one product (``status``) or all (``summaries``); None for what was not asked for.

    ``emulated`` says whether it is of the environment's stand-in on this machine.
    """

    environment: str
    emulated: bool
    status: ProductStatus | None = None
    summaries: list[ProductSummary] | None = None
    standing: Standing | None = None
    history: list[Deployment] | None = None
    lineage: Lineage | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing is known of the one product that was asked for."""
        return self.status is not None and not self.status.stands and self.status.last_deployment is None

    def as_json(self) -> dict[str, Any]:
        """One document: the product's, or one with all products."""
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
        return document


@click.command(short_help="Show what stands and how it is doing.")
@where_options
@json_option
@click.option("--all", "every", is_flag=True, help="Every product of the environment.")
@click.option("--history", is_flag=True, help=f"What was done, the last {HISTORY_SHOWN} times.")
@click.option("--lineage", is_flag=True, help="Where the data comes from and goes to.")
@click.argument("product", required=False, metavar="[PATH|ADDRESS]")
def command(
    directory: Path,
    environment: str,
    platform_file: Path | None,
    as_json: bool,
    every: bool,
    history: bool,
    lineage: bool,
    product: str | None,
) -> None:
    """Show what stands and how it is doing.

    The product of this folder, of PATH, or of that ADDRESS (domain/product); outside of a product, all of them. Health,
    rows and sizes are measured now. What cannot be told is shown as unknown, which is not failed.

    \b
    Examples:
      alchemesh status
      alchemesh status aviation/flights --history --lineage
      alchemesh status --all --json
    """
    from alchemesh_cli.context import load_platform_for
    from alchemesh_platform.clouds.gcp.emulation.environment import resume

    folder = _folder(product, directory)
    address = None if every else declared_address(folder, environment) if folder else product
    platform = load_platform_for(folder or directory, environment, platform_file)
    resume(platform)
    with _reading(platform.registry) as registry:
        report = _report(registry, platform, address, history=history, lineage=lineage)
        if address is not None and not folder and report.is_empty:
            raise NeverDeployed(
                f"{address} was never deployed in {environment}", hint=_closest(registry, environment, address)
            )
    if as_json:
        click.echo(json.dumps(report.as_json(), indent=2, ensure_ascii=False))
    else:
        _show(report)


def _folder(product: str | None, directory: Path) -> Path | None:
    """Where the manifest is, when a folder is meant; an address that is also a folder with a manifest is one."""
    if product is None:
        return directory if manifest_path(directory).is_file() else None
    if manifest_path(Path(product)).is_file():
        return Path(product)
    if not ADDRESS.fullmatch(product):
        raise click.UsageError(f"{product!r} is neither a folder with {MANIFEST} nor an address, domain/product")
    return None


@contextmanager
def _reading(url: str) -> Iterator[Registry | None]:
    """The registry, or None where nobody has written one yet: looking at nothing makes nothing."""
    from alchemesh_platform.registry.store import Registry
    from alchemesh_platform.registry.unavailable import RegistryMissing

    try:
        registry = Registry.open(url, create=False)
    except RegistryMissing:
        registry = None
    with registry or nullcontext():
        yield registry


def _report(
    registry: Registry | None, platform: Platform, address: str | None, *, history: bool, lineage: bool
) -> Report:
    from datetime import UTC, datetime

    from alchemesh_platform.catalog.discover import discover
    from alchemesh_platform.observed.models import ProductStatus
    from alchemesh_platform.observed.product import product_status
    from alchemesh_platform.observed.standing import standings
    from alchemesh_platform.observed.summaries import product_summaries
    from alchemesh_platform.registry.lineage import Lineage, lineage_of, mesh_lineage

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
    mesh = mesh_lineage(registry, environment) if lineage else None
    done = registry.deployments(address, environment, limit=HISTORY_SHOWN) if history else None
    if address is None:
        return Report(environment, emulated, None, product_summaries(registry, environment), None, done, mesh)
    status = product_status(registry, environment, address, discover())
    standing = standings(registry, environment, datetime.now(UTC), address).get(address)
    return Report(environment, emulated, status, None, standing, done, mesh and lineage_of(mesh, address))


def _closest(registry: Registry | None, environment: str, address: str) -> str:
    from alchemesh_platform.base.problems import did_you_mean
    from alchemesh_platform.registry.records import ProductRecord

    standing = [product.address for product in registry.all(ProductRecord, environment)] if registry else []
    return did_you_mean(address, standing, otherwise=UP_HINT) or UP_HINT


def _show(report: Report) -> None:
    from datetime import UTC, datetime

    from rich.console import Console

    from alchemesh_cli.render.environment import spoken_environment
    from alchemesh_cli.render.status import print_history, print_lineage, print_product, print_standing, print_summaries

    console = Console(highlight=False)
    now, where = datetime.now(UTC), spoken_environment(report)
    if report.status is not None:
        print_product(console, report.status, now, where)
        if report.status.stands:
            print_standing(console, report.standing)
        if not report.status.stands:
            console.print(with_context_options(f"\nnext: {UP_HINT}"), soft_wrap=True)
    elif report.summaries:
        print_summaries(console, where, report.summaries, now)
    else:
        nothing = f"nothing is deployed in {where} yet"
        console.print(
            with_context_options(f"{nothing}\n\nnext: {UP_HINT}; `alchemesh init` writes one"), soft_wrap=True
        )
    if report.history is not None:
        print_history(console, report.history, with_product=report.status is None)
    if report.lineage is not None:
        print_lineage(console, report.lineage, of_one=report.status is not None)
