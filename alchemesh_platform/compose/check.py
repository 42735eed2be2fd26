"""Every problem of a manifest and its use of components, without composing it.

The checks of `alchemesh validate`. Plans, platform files and wiring are imported only if an environment is given.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from alchemesh_platform.base.problems import Problem, ProblemsFound
from alchemesh_platform.compose.resolve import Resolution, resolve

if TYPE_CHECKING:
    from alchemesh_platform.compose.resolve import Chosen
    from alchemesh_platform.manifest.load import LoadedManifest, ReadManifest
    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.sdk.spec import ComponentSpec


def all_problems(
    read: ReadManifest,
    platform: Platform | ProblemsFound | None,
    catalog: Mapping[str, ComponentSpec],
    *,
    look: bool = True,
    chosen: Chosen | None = None,
) -> list[Problem]:
    """Every problem of a manifest and its use of components, including warnings.

    Args:
        read: The manifest, with or without errors.
        platform: The environment; or the problems of the platform file; or None, to check only what is the same in
            every environment.
        catalog: The available components.
        look: Whether components may look into the product's folder, too.
        chosen: Without an environment: the components that the platform file chooses for a type.
    """
    problems = [*read.problems]
    if isinstance(platform, ProblemsFound):
        problems += platform.problems
        platform = None
    resolution = resolve(read.tree, catalog, platform, chosen=chosen)
    problems += resolution.problems
    if read.product is not None and platform is not None:
        problems += objections_of(read.loaded(), platform, resolution, look=look)
    return problems


def objections_of(loaded: LoadedManifest, platform: Platform, resolution: Resolution, *, look: bool) -> list[Problem]:
    """The objections of the resolved components."""
    from alchemesh_platform.compose.checks.objections import objections
    from alchemesh_platform.compose.uses import uses

    done = resolution.components
    planned = [(use, done[use.path]) for use in uses(loaded.tree) if use.path in done]
    return list(objections(loaded, platform, planned, look=look))
