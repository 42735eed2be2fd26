"""Runs the checks of the components in a plan against the manifest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from alchemesh_platform.base.problems import Problem
from alchemesh_platform.compose.foundation import foundations_of
from alchemesh_platform.compose.planned import PlannedComponent
from alchemesh_platform.compose.uses import Use
from alchemesh_platform.compose.wiring import wiring_of
from alchemesh_platform.documents.document import Path, listed, written
from alchemesh_platform.sdk.fault import ComponentFault
from alchemesh_platform.sdk.objection import Objection, objected
from alchemesh_platform.sdk.spec import Role

if TYPE_CHECKING:
    from alchemesh_platform.manifest.load import LoadedManifest
    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.sdk.spec import ComponentSpec


def objections(
    loaded: LoadedManifest, platform: Platform, planned: Sequence[tuple[Use, PlannedComponent]], *, look: bool
) -> Iterator[Problem]:
    """The objections of components, as problems of the manifest.

    Args:
        look: Whether the components may also check the files in the product's folder.
    """
    product = loaded.product
    specs = {use.port: component.spec for use, component in planned if use.role is Role.STORAGE}
    storages = {port: spec.name for port, spec in specs.items()}
    foundations = foundations_of(platform, product.domain)
    for use, component in planned:
        if use.role is Role.PROXY and (storage := specs.get(use.port)) is not None:
            yield from misfit(use, component.spec, storage)
        references = [component.spec.check, component.spec.look if look else None]
        if not any(references):
            continue
        wiring = wiring_of(product, platform.environment, str(loaded.root), foundations, use.role, use.port, storages)
        for reference in filter(None, references):
            try:
                found = objected(component.spec, reference, component.args, component.settings, wiring)
            except ComponentFault as failure:
                yield Problem(use.location, written((*use.path, "component")), failure.message, failure.hint)
                continue
            for objection in found:
                yield _problem(use, objection, loaded)


def misfit(use: Use, proxy: ComponentSpec, storage: ComponentSpec) -> Iterator[Problem]:
    """Report a proxy that cannot serve the data of its port's storage."""
    if not proxy.serves or storage.provides is None or storage.provides in proxy.serves:
        return
    yield Problem(
        use.location,
        written((*use.path, "component")),
        f"{proxy.name} serves {listed(proxy.serves, 'and')}, and the storage of this port, {storage.name}, provides "
        f"{storage.provides}",
        "name a storage that provides one of them, leave the proxy out, or have the platform file map another proxy",
    )


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
