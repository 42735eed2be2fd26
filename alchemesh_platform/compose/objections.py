"""Asks the components of a plan whether they can do what the manifest wants of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, cast

from alchemesh_platform.base.document import Path, written
from alchemesh_platform.base.problems import Problem
from alchemesh_platform.base.reference import load_reference
from alchemesh_platform.compose.foundation import foundations_of
from alchemesh_platform.compose.plan import PlannedComponent
from alchemesh_platform.compose.uses import Use
from alchemesh_platform.manifest.models import OutputPortOrigin
from alchemesh_platform.sdk.spec import Role
from alchemesh_platform.sdk.wiring import Wiring

if TYPE_CHECKING:
    from collections.abc import Callable

    from alchemesh_platform.manifest.load import LoadedManifest
    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.sdk.objection import Objection

    Check = Callable[[Any, Any, Wiring], Iterable[Objection]]


def objections(
    loaded: LoadedManifest, platform: Platform, planned: Sequence[tuple[Use, PlannedComponent]], *, look: bool
) -> Iterator[Problem]:
    """What components say against their places, as problems of the manifest.

    Args:
        look: Whether they may look into the product's folder, too.
    """
    product = loaded.product
    outputs = {port.name: port for port in product.output_ports}
    inputs = {port.name: port for port in product.input_ports}
    storages = {use.port: component.spec.name for use, component in planned if use.role is Role.STORAGE}
    needs = {need.name: need.component for need in product.infrastructure}
    foundations: dict[str, dict[str, Any]] = {each.role.value: {} for each in foundations_of(platform, product.domain)}
    for use, component in planned:
        references = [component.spec.check, component.spec.look if look else None]
        if not any(references):
            continue
        output = outputs.get(use.port) if use.role in {Role.STORAGE, Role.PROXY} else None
        origin = inputs[use.port].origin if use.role is Role.INPUT_PORT else None
        wiring = Wiring(
            environment=platform.environment,
            domain=product.domain,
            product=product.name,
            team=product.team,
            port=use.port,
            role=use.role.value,
            models={name: product.models[name] for name in output.models} if output is not None else {},
            protocols=output.proxy.protocols if output is not None and output.proxy is not None else (),
            storage_component=storages.get(use.port, "") if output is not None else "",
            origin=f"{origin.data_product}/{origin.output_port}" if isinstance(origin, OutputPortOrigin) else None,
            needs=needs,
            foundations=foundations,
            product_version=product.version,
            product_root=str(loaded.root),
        )
        for check in (cast("Check", load_reference(reference)) for reference in references if reference):
            for objection in check(component.args, component.settings, wiring):
                yield _problem(use, objection, loaded)


def _problem(use: Use, objection: Objection, loaded: LoadedManifest) -> Problem:
    if objection.at == "name":
        path: Path = (*use.path[:2], "name")
        location = use.owner.locate(("name",))
    elif objection.at == "args":
        path = (*use.path, "args", *objection.path)
        location = use.node.locate(("args", *objection.path))
    elif objection.at == "models":
        path = ("models", *objection.path)
        location = loaded.locate(path)
    else:
        path = (*use.path, "component")
        location = use.location
    return Problem(location, written(path), objection.message, objection.hint)
