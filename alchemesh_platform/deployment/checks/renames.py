"""Warnings about a product or a port that has a new name: the deployment of the old name does not follow it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from alchemesh_platform.base.problems import Location, Problem
from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.documents.document import quoted
from alchemesh_platform.registry.records import ManifestRecord, PortRecord, ProductRecord

if TYPE_CHECKING:
    from alchemesh_platform.compose.plan import Plan
    from alchemesh_platform.manifest.load import LoadedManifest
    from alchemesh_platform.registry.store import Registry


def rename_problems(registry: Registry, manifest: LoadedManifest, plan: Plan) -> list[Problem]:
    """A warning for each new name of something that is deployed under another name.

    Args:
        registry: The registry.
        manifest: The manifest.
        plan: The plan of the manifest for an environment.
    """
    product = plan.product.address
    if registry.get(ProductRecord, plan.environment, product) is None:
        return list(_renamed_products(registry, manifest, plan))
    return list(_renamed_ports(registry, plan))


def _renamed_products(registry: Registry, manifest: LoadedManifest, plan: Plan) -> Iterator[Problem]:
    """The products that were deployed from this folder, if this one was not deployed yet."""
    for record in registry.all(ManifestRecord, plan.environment):
        if record.root != plan.root or record.address == plan.product.address:
            continue
        if registry.get(ProductRecord, plan.environment, record.address) is None:
            continue
        yield Problem(
            manifest.locate(("name",)),
            "name",
            f"{record.address} was deployed from this folder and is still deployed; `up` adds "
            f"{plan.product.address}, which starts without its data, consumers and history",
            remedy(
                "go back to the former name, or remove the former product with {}",
                command("destroy", record.address, environment=plan.environment),
            ),
            severity="warning",
        )


def _renamed_ports(registry: Registry, plan: Plan) -> Iterator[Problem]:
    """New ports that are like a port that is no longer declared: an input of one origin, an output of one model."""
    recorded = {
        record.address.rpartition("/")[2]: record
        for record in registry.all(PortRecord, plan.environment, plan.product.address)
    }
    declared = {*(one.name for one in plan.inputs), *(one.name for one in plan.outputs)}
    removed = {name: record for name, record in recorded.items() if name not in declared}
    for port in plan.inputs:
        before = _like(removed, "input", origin=port.origin) if port.name not in recorded else None
        if before is not None:
            yield _renamed_port(before, port.name, port.component.location, port.component.path)
    for at, output in enumerate(plan.outputs):
        before = _like(removed, "output", models=tuple(output.models)) if output.name not in recorded else None
        if before is not None:
            yield _renamed_port(before, output.name, output.location, f"output_ports[{at}]")


def _like(removed: dict[str, PortRecord], direction: str, **fields: object) -> str | None:
    """The name of the removed port with these fields, if there is exactly one."""
    found = [
        name
        for name, record in removed.items()
        if record.direction == direction and all(getattr(record, field) == value for field, value in fields.items())
    ]
    return found[0] if len(found) == 1 else None


def _renamed_port(before: str, name: str, location: Location, path: str) -> Problem:
    return Problem(
        location,
        path,
        f"port {quoted(name)} is new, and port {quoted(before)} is no longer declared: `up` removes the former port, "
        f"and {name} starts without its data",
        remedy(
            "go back to the former name to keep the data; {} shows data that removed ports have retained",
            command("data", "list", about_product=True),
        ),
        severity="warning",
    )
