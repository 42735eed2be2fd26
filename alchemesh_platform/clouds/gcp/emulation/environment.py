"""An environment of the platform file, emulated: the same components and settings, with everything on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from alchemesh_platform.base.document import merge, node_of
from alchemesh_platform.base.failure import ExitCode, Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from alchemesh_platform.clouds.gcp.emulation.servers.servers import Emulators
    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.sdk.code_run import RunCode

FOLDER = "emulated"  # beside the real environments' folders, so that no state, lock or key is shared
CLOUD = "cloud"  # in an environment's folder
LOOPBACK = ("localhost", "127.0.0.1", "::1")
# Settings that name servers which have no emulator: group, setting.
REAL_SERVERS = (("kafka", "bootstrap_servers"), ("nifi", "url"))


class WouldReachOut(Failure):
    """Raised when an emulated run would work on servers that are not of this machine."""

    exit_code = ExitCode.USAGE


def emulate(platform: Platform) -> Platform:
    """The environment with its state, registry and data in a folder of their own on this machine."""
    home = Path(platform.home, FOLDER)
    here = home / platform.environment
    moved = _settings_of_here(platform, here)
    return platform.model_copy(
        update={
            "home": str(home),
            "state": f"file://{here / 'state'}",
            "registry": f"sqlite:///{here / 'registry.db'}",
            "secrets": "passphrase",
            "settings": {**platform.settings, **{name: {**platform.settings[name], **moved[name]} for name in moved}},
            "emulated": True,
        }
    ).located_by(merge(platform.tree, node_of({"settings": moved}, platform.tree.file)))


def check_servers(platform: Platform, groups: Iterable[str]) -> None:
    """Refuse an emulated run on servers elsewhere.

    Args:
        groups: Settings groups that the run's components use.

    Raises:
        WouldReachOut: when one of them names a server that is not of this machine.
    """
    used = set(groups)
    for group, setting in REAL_SERVERS:
        for address in _listed(platform.settings.get(group, {}).get(setting) if group in used else None):
            host = urlsplit(address if "//" in address else f"//{address}").hostname
            if host not in LOOPBACK:
                raise WouldReachOut(
                    f"settings.{group}.{setting} names {host}, which has no emulator, and is not this machine",
                    hint=f"only Google Cloud is emulated: give the environment a {group} of this machine, in one that "
                    f"extends {platform.environment}",
                )


def emulators_of(platform: Platform, report: Callable[[str], None] = lambda _line: None) -> Emulators:
    """The emulators of an emulated environment."""
    return _emulators(Path(platform.home, platform.environment), report)


def emulator_variables(platform: Platform) -> dict[str, str]:
    """Variables by which Google's clients find the emulators; none for an environment that is not emulated."""
    return emulators_of(platform).variables() if platform.emulated else {}


def cloud_folder(platform: Platform) -> Path:
    """Where the emulated cloud of an environment is kept."""
    return Path(platform.home, platform.environment, CLOUD)


def resume(platform: Platform) -> None:
    """Start again what was started once of an emulated environment; nothing for any other."""
    if platform.emulated:
        emulators_of(platform).resume()


@contextmanager
def emulated_providers(platform: Platform, report: Callable[[str], None]) -> Iterator[dict[str, int]]:
    """Serve the stand-ins for the engines that run inside the block.

    Returns:
        Package: port; nothing for an environment that is not emulated.
    """
    with ExitStack() as stack:
        providers = {}
        if platform.emulated:
            from alchemesh_platform.clouds.gcp.emulation.provider import serve_emulated
            from alchemesh_platform.clouds.gcp.emulation.store import Store
            from alchemesh_platform.clouds.gcp.emulation.world import World

            emulators = emulators_of(platform, report)
            emulators.resume()
            settings: dict[str, Any] = platform.settings.get("gcp", {})
            world = World(Store(emulators.folder), emulators.address_of)
            world.configure(project=settings.get("project"), region=settings.get("region"))
            served = stack.enter_context(serve_emulated(world))
            providers[served.package] = served.port
        yield providers


def job_runner(platform: Platform, product: Path) -> RunCode | None:
    """What runs a product's jobs here, where its cloud is emulated; None where it is not.

    Args:
        product: Folder of its repo, or its manifest.
    """
    if not platform.emulated:
        return None
    from alchemesh_platform.clouds.gcp.emulation.job import JobRunner
    from alchemesh_platform.clouds.gcp.emulation.store import Store

    return JobRunner(Store(cloud_folder(platform)), product.parent if product.is_file() else product)


def _settings_of_here(platform: Platform, here: Path) -> dict[str, dict[str, str]]:
    """Group: settings that differ because everything is on this machine, of the groups that the environment has."""
    from alchemesh_platform.clouds.gcp.emulation.world import STORAGE

    moved = {}
    if "local" in platform.settings:
        moved["local"] = {"root": str(here / "data"), "run": str(here / "run")}
    if "nifi" in platform.settings:  # it writes where everything else reads
        moved["nifi"] = {"storage_url": _emulators(here).addresses()[STORAGE]}
    return moved


def _emulators(here: Path, report: Callable[[str], None] = lambda _line: None) -> Emulators:
    from alchemesh_platform.clouds.gcp.emulation.servers.servers import Emulators

    return Emulators(here / CLOUD, report)


def _listed(found: Any) -> list[str]:
    return [found] if isinstance(found, str) else [str(item) for item in found or ()]
