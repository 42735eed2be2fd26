"""Plan and check a product without the engine: offline, or against the recorded mesh."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from alchemesh_platform.app.where import Composed, Where
    from alchemesh_platform.base.problems import Problem
    from alchemesh_platform.manifest.load import LoadedManifest
    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.policies.results import PolicyResult


class Planned(NamedTuple):
    """A planned product.

    Args:
        product: The product, composed for an environment.
        results: The results of the policies that this machine last cached.
    """

    product: Composed
    results: tuple[PolicyResult, ...]


def plan(where: Where, *, require_extras: bool = True) -> Planned:
    """Compose the product of a folder, and evaluate the policies that this machine last cached. This needs no network.

    Args:
        where: The product and the environment.
        require_extras: Whether the optional packages of the components must be installed.

    Raises:
        ProblemsFound: with every problem of manifest and platform file.
        ComponentFault: when a component of another package cannot be deployed as it is.
    """
    from alchemesh_platform.app.programs import try_program
    from alchemesh_platform.app.where import read_product
    from alchemesh_platform.mesh_repo.last_seen import policies_as_last_seen

    product = read_product(where, look=True, require_extras=require_extras)
    try_program(product.plan)
    return Planned(product, tuple(policies_as_last_seen(product.manifest, product.platform, product.plan)))


def check_policies(
    manifest: LoadedManifest, platform: Platform | None = None, environment: str | None = None
) -> list[PolicyResult]:
    """The results of policies for a manifest, offline.

    Args:
        manifest: The product.
        platform: The environment whose cached policies to evaluate; None for the platform's own policies.
        environment: Without ``platform``, the environment for the policies; None if undecided.
    """
    if platform is not None:
        from alchemesh_platform.mesh_repo.last_seen import policies_as_last_seen

        return policies_as_last_seen(manifest, platform)
    from alchemesh_platform.policies.evaluate import policies_for
    from alchemesh_platform.policies.load import shipped_policies

    return policies_for(manifest, shipped_policies(), environment=environment)


def check_mesh(manifest: LoadedManifest, platform: Platform) -> tuple[list[Problem], list[PolicyResult]]:
    """The names in a manifest that the recorded mesh lacks, and the results of the mesh's policies.

    Raises:
        RegistryMissing, RegistryUnavailable: when the registry of the environment cannot be read.
    """
    from alchemesh_platform.deployment.checks.governance import checked_against_mesh
    from alchemesh_platform.mesh_repo.last_seen import remember_mesh
    from alchemesh_platform.registry.store import Registry

    with Registry.open(platform.registry, create=False) as registry:
        problems, results = checked_against_mesh(registry, manifest, platform.environment)
        remember_mesh(platform, registry)
    return problems, results
