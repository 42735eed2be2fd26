"""Composes a manifest, an environment and a catalogue into a plan.

Composition is pure. The only external input is the product's folder, and only if the caller sets ``look``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from alchemesh_platform.base.problems import ProblemsFound, errors_of
from alchemesh_platform.compose.check import all_problems, objections_of
from alchemesh_platform.compose.foundation import foundations_of
from alchemesh_platform.compose.plan import Plan, PlannedInput, PlannedOutput
from alchemesh_platform.compose.resolve import Resolution, resolve
from alchemesh_platform.manifest.load import LoadedManifest, read_manifest
from alchemesh_platform.manifest.models import InputPort, OutputPort, OutputPortOrigin
from alchemesh_platform.platform_file.builtin import BUILTIN_LOCAL
from alchemesh_platform.sdk.code.place import Place
from alchemesh_platform.sdk.spec import ComponentSpec

if TYPE_CHECKING:
    from alchemesh_platform.platform_file.models import Platform


def compose(
    loaded: LoadedManifest,
    platform: Platform,
    catalog: Mapping[str, ComponentSpec],
    *,
    look: bool = False,
    require_extras: bool = True,
) -> Plan:
    """Compose a product for one environment.

    Args:
        look: Whether components may check the files in the product's folder.
        require_extras: Whether the libraries of each component must be installed. A plan that is only shown needs none.

    Raises:
        ProblemsFound: with every problem that prevents the deployment and can be found offline.
    """
    resolution = resolve(loaded.tree, catalog, platform, require_extras=require_extras)
    problems = [*resolution.problems, *objections_of(loaded, platform, resolution, look=look)]
    if errors_of(problems):
        raise ProblemsFound(problems)
    product, done = loaded.product, resolution.components
    return Plan(
        product=product,
        environment=platform.environment,
        root=str(loaded.root),
        inputs=tuple(_input(loaded, resolution, index, port) for index, port in enumerate(product.input_ports)),
        needs=tuple(done["infrastructure", index] for index in range(len(product.infrastructure))),
        code=done[("code",)] if product.code is not None else None,
        outputs=tuple(_output(loaded, resolution, index, port) for index, port in enumerate(product.output_ports)),
        foundations=foundations_of(platform, product.domain),
        transforms=platform.transforms,
        location=loaded.tree.location,
        emulated=platform.emulated,
        place=place_of(platform),
        document=loaded.tree.plain(),
    )


def read_and_compose(
    path: Path,
    platform: Platform | ProblemsFound,
    environment: str,
    catalog: Mapping[str, ComponentSpec],
    *,
    look: bool = False,
    require_extras: bool = True,
) -> tuple[LoadedManifest, Plan]:
    """Read a manifest and compose it, with the problems of manifest, platform file and composition in one run.

    Args:
        path: The manifest.
        platform: The environment, or the problems of the platform file.
        environment: Name of the environment, for the overlay.
        catalog: The available components.
        look: Whether components may check the files in the product's folder.
        require_extras: Whether the libraries of each component must be installed.

    Raises:
        ProblemsFound: with all of them.
    """
    try:
        read = read_manifest(path, environment)
    except ProblemsFound as found:
        more = platform.problems if isinstance(platform, ProblemsFound) else ()
        raise ProblemsFound([*found.problems, *more]) from found
    if not isinstance(platform, ProblemsFound) and read.product is not None:
        loaded = read.loaded()
        return loaded, compose(loaded, platform, catalog, look=look, require_extras=require_extras)
    raise ProblemsFound(all_problems(read, platform, catalog, look=look))


def place_of(platform: Platform) -> Place:
    """The place of an environment on this machine."""
    home, file = Path(platform.home).absolute(), platform.tree.file
    return Place(
        home=str(home.parent if platform.emulated else home),
        platform_file=None if file == BUILTIN_LOCAL else str(Path(file).absolute()),
        emulated=platform.emulated,
    )


def _input(loaded: LoadedManifest, resolution: Resolution, index: int, port: InputPort) -> PlannedInput:
    product, origin = loaded.product, port.origin
    from_product = isinstance(origin, OutputPortOrigin)
    return PlannedInput(
        name=port.name,
        origin=(
            f"{origin.data_product}/{origin.output_port}"
            if isinstance(origin, OutputPortOrigin)
            else f"{product.domain}/{origin.source_system}"
        ),
        from_product=from_product,
        component=resolution.components["input_ports", index],
        description=port.description,
    )


def _output(loaded: LoadedManifest, resolution: Resolution, index: int, port: OutputPort) -> PlannedOutput:
    path = ("output_ports", index)
    return PlannedOutput(
        name=port.name,
        description=port.description,
        models={name: loaded.product.models[name] for name in port.models},
        storage=resolution.components[(*path, "storage")],
        proxy=resolution.components[(*path, "proxy")] if port.proxy is not None else None,
        protocols=port.proxy.protocols if port.proxy is not None else (),
        contract=port.contract,
        location=loaded.locate(path),
    )
