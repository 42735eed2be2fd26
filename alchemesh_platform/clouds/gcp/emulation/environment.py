"""Google Cloud in an emulated environment: emulators of its services, and an emulated version of Pulumi's provider."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alchemesh_platform.sdk.system.emulation import Emulation

if TYPE_CHECKING:
    from alchemesh_platform.clouds.gcp.emulation.servers.servers import Emulators
    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.sdk.code.run import RunCode

CLOUD = "cloud"  # in an environment's folder
CLOUD_VARIABLE = "ALCHEMESH_EMULATED_CLOUD"  # names the folder of the emulated cloud, for services without an emulator


class GoogleCloud(Emulation):
    """Google Cloud on this machine."""

    title = "Google Cloud"
    packages = frozenset({"gcp"})

    def settings(self, platform: Platform, folder: Path) -> Mapping[str, Mapping[str, str]]:
        """Settings that make NiFi write into the emulated Cloud Storage."""
        if "nifi" not in platform.settings:
            return {}
        from alchemesh_platform.clouds.gcp.emulation.world import STORAGE

        return {"nifi": {"storage_url": _emulators(folder).addresses()[STORAGE]}}

    def variables(self, folder: Path) -> Mapping[str, str]:
        """Variables that point Google's clients to the emulators, and ours to the emulated cloud."""
        return {**_emulators(folder).variables(), CLOUD_VARIABLE: str(folder / CLOUD)}

    def resume(self, folder: Path) -> None:
        """Restart the emulators that an earlier run started."""
        _emulators(folder).resume()

    @contextmanager
    def serve(self, platform: Platform, folder: Path, report: Callable[[str], None]) -> Iterator[Mapping[str, int]]:
        """Serve the emulated version of Pulumi's provider for Google Cloud."""
        from alchemesh_platform.clouds.gcp.emulation.provider import serve_emulated
        from alchemesh_platform.clouds.gcp.emulation.store import Store
        from alchemesh_platform.clouds.gcp.emulation.world import World

        emulators = _emulators(folder, report)
        emulators.resume()
        settings: dict[str, Any] = platform.settings.get("gcp", {})
        world = World(Store(emulators.folder), emulators.address_of)
        world.configure(project=settings.get("project"), region=settings.get("region"))
        with serve_emulated(world) as served:
            yield {served.package: served.port}

    def run_code(self, folder: Path, product: Path) -> RunCode | None:
        """The function that runs jobs of Cloud Run with the settings of their templates, without their containers."""
        from alchemesh_platform.clouds.gcp.emulation.job import JobRunner
        from alchemesh_platform.clouds.gcp.emulation.store import Store

        return JobRunner(Store(folder / CLOUD), product)


EMULATION = GoogleCloud()


def emulators_of(platform: Platform, report: Callable[[str], None] = lambda _line: None) -> Emulators:
    """The emulators of an emulated environment."""
    return _emulators(Path(platform.home, platform.environment), report)


def _emulators(folder: Path, report: Callable[[str], None] = lambda _line: None) -> Emulators:
    from alchemesh_platform.clouds.gcp.emulation.servers.servers import Emulators

    return Emulators(folder / CLOUD, report)
