"""The input of a use case: a folder, an environment and its platform."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alchemesh_platform.base.files.home import home
from alchemesh_platform.base.names import MANIFEST

if TYPE_CHECKING:
    from alchemesh_platform.compose.plan import Plan
    from alchemesh_platform.manifest.load import LoadedManifest
    from alchemesh_platform.platform_file.models import Platform


@dataclass(frozen=True, slots=True)
class Where:
    """A folder, an environment and its platform.

    Args:
        directory: The product's folder, or its manifest.
        environment: Name of the environment.
        platform_file: The platform file; by default the one in the folder, or in a parent folder of the git repository.
        emulated: Whether the cloud is emulated on this machine.
    """

    directory: Path
    environment: str = "local"
    platform_file: Path | None = None
    emulated: bool = False

    @property
    def manifest(self) -> Path:
        """The manifest's file."""
        return manifest_path(self.directory)

    def as_json(self) -> dict[str, Any]:
        """The first fields of a JSON document about the environment."""
        return {"environment": self.environment, "emulated": self.emulated}


@dataclass(frozen=True, slots=True)
class Composed:
    """A manifest, read and composed for one environment."""

    manifest: LoadedManifest
    platform: Platform
    plan: Plan


def manifest_path(directory: Path) -> Path:
    """The manifest of a folder, or the file itself."""
    return directory if directory.is_file() else directory / MANIFEST


def read_platform(where: Where) -> Platform:
    """Read the platform of an environment from the given platform file, or from the one that is found.

    Raises:
        ProblemsFound: with every problem of the platform file.
    """
    from alchemesh_platform.platform_file.load import find_platform_file, load_platform

    directory = where.directory
    folder = directory.parent if directory.is_file() else directory
    file = where.platform_file or find_platform_file(folder.resolve())
    platform = load_platform(file, where.environment, home())
    if not where.emulated:
        return platform
    from alchemesh_platform.deployment.emulation import emulate

    return emulate(platform)


def read_product(where: Where, *, look: bool = False, require_extras: bool = True) -> Composed:
    """Read and compose the product of a folder.

    Args:
        look: Whether the files that components need in that folder must exist. `destroy` needs none of them.
        require_extras: Whether the optional packages of the components must be installed.

    Raises:
        ProblemsFound: with every problem of manifest and platform file.
    """
    from alchemesh_platform.base.problems import ProblemsFound
    from alchemesh_platform.catalog.discover import discover
    from alchemesh_platform.compose.compose import read_and_compose

    platform: Platform | ProblemsFound
    try:
        platform = read_platform(where)
    except ProblemsFound as found:
        platform = found
    manifest, plan = read_and_compose(
        where.manifest,
        platform,
        where.environment,
        discover().knowing(_recorded_packages(where)),
        look=look,
        require_extras=require_extras,
    )
    if isinstance(platform, ProblemsFound):
        raise platform
    return Composed(manifest, platform, plan)


def _recorded_packages(where: Where) -> dict[str, str]:
    """The packages of the components that the lock records for the environment."""
    from alchemesh_platform.base.problems import ProblemsFound
    from alchemesh_platform.manifest.lock import lock_path, read_lock

    try:
        recorded = read_lock(lock_path(where.manifest)).of(where.environment)
    except ProblemsFound:
        return {}  # `up` and `validate` report them
    return {each.component: each.package for each in recorded.values() if each.package}


def recorded_product(where: Where, address: str) -> Composed:
    """Compose a product from the manifest of its last deployment, for a product whose folder is not here.

    Args:
        where: The environment. Its folder is used to find the platform file only.
        address: ``domain/product``.

    Raises:
        NotRecorded: when the product is not deployed in the environment.
        ProblemsFound: with every problem of the platform file, or of the manifest in it.
    """
    from alchemesh_platform.catalog.discover import discover
    from alchemesh_platform.compose.compose import compose
    from alchemesh_platform.deployment.recomposed import recorded_manifest
    from alchemesh_platform.registry.store import Registry

    platform = read_platform(where)
    with Registry.open(platform.registry) as registry:
        manifest = recorded_manifest(registry, platform.environment, address)
    return Composed(manifest, platform, compose(manifest, platform, discover()))


def manifest_of(where: Where) -> LoadedManifest:
    """The manifest of a folder, with the overlay of the environment."""
    from alchemesh_platform.manifest.load import load_manifest

    return load_manifest(where.manifest, where.environment)


def product_address(where: Where) -> str:
    """Address of the product of a folder."""
    return manifest_of(where).product.address
