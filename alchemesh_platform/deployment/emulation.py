"""Emulate an environment of the platform file: the same components and settings, with everything on this machine.

Each system provides its part of the emulation (:class:`alchemesh_platform.sdk.system.emulation.Emulation`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.documents.document import listed, merge, node_of
from alchemesh_platform.registration.systems import Parts, installed_systems, part_of
from alchemesh_platform.sdk.system.emulation import Emulation

if TYPE_CHECKING:
    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.sdk.code.run import RunCode

FOLDER = "emulated"  # next to the folders of real environments, so that they share no state, lock or key
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class WouldReachOut(Failure):
    """Raised when an emulated run would change servers of another machine."""

    exit_code = ExitCode.USAGE


def emulate(platform: Platform) -> Platform:
    """The environment, with its state, registry and data in a separate folder on this machine."""
    home = Path(platform.home, FOLDER)
    here = home / platform.environment
    moved: dict[str, dict[str, str]] = {}
    for emulation in _emulations():
        for group, settings in emulation.settings(platform, here).items():
            moved.setdefault(group, {}).update(settings)
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
    """Refuse an emulated run that would change servers of another machine.

    Args:
        groups: Settings groups that the run's components use.

    Raises:
        WouldReachOut: when a setting in one of the groups names a server of another machine.
    """
    used = set(groups)
    for group, setting in (place for system in installed_systems() for place in system.servers):
        for address in _addresses(platform.settings.get(group, {}).get(setting) if group in used else None):
            host = urlsplit(address if "//" in address else f"//{address}").hostname
            if host not in LOOPBACK:
                raise WouldReachOut(
                    f"settings.{group}.{setting} names {host}, which has no emulator, and is not this machine",
                    hint=f"only {_titles()} emulated: give the environment a {group} of this machine, in one that "
                    f"extends {platform.environment}",
                )


def emulator_variables(platform: Platform) -> dict[str, str]:
    """Variables with the addresses of the emulators; none for an environment that is not emulated."""
    if not platform.emulated:
        return {}
    return {
        name: value
        for emulation in _emulations()
        for name, value in emulation.variables(environment_folder(platform)).items()
    }


def environment_folder(platform: Platform) -> Path:
    """The folder of an emulated environment on this machine."""
    return Path(platform.home, platform.environment)


def resume(platform: Platform) -> None:
    """Start the servers of an emulated environment again; does nothing for other environments."""
    if platform.emulated:
        for emulation in _emulations():
            emulation.resume(environment_folder(platform))


@contextmanager
def emulated_providers(platform: Platform, report: Callable[[str], None]) -> Iterator[dict[str, int]]:
    """Serve the emulated providers for engines that run inside the block.

    Yields:
        Port of each emulated package; empty for an environment that is not emulated.
    """
    with ExitStack() as stack:
        providers: dict[str, int] = {}
        if platform.emulated:
            for emulation in _emulations():
                providers |= stack.enter_context(emulation.serve(platform, environment_folder(platform), report))
        yield providers


def emulated_packages(platform: Platform) -> set[str]:
    """Pulumi packages that have an emulated provider; none for an environment that is not emulated."""
    return {package for emulation in _emulations() for package in emulation.packages} if platform.emulated else set()


def job_runner(platform: Platform, product: Path) -> RunCode | None:
    """The runner that runs a product's jobs on this machine if its cloud is emulated; otherwise None.

    Args:
        product: Folder of the product's repo, or its manifest.
    """
    if not platform.emulated:
        return None
    folder = product.parent if product.is_file() else product
    runners = (emulation.run_code(environment_folder(platform), folder) for emulation in _emulations())
    return next((runner for runner in runners if runner is not None), None)


def _emulations() -> tuple[Emulation, ...]:
    """The parts of all systems. A part that fails to load is an error: a run might reach a real cloud."""
    parts = Parts(installed_systems().single("emulation", lambda system: system.emulation), part_of(Emulation))
    return tuple(parts.values())


def _titles() -> str:
    titles = [emulation.title for emulation in _emulations() if emulation.title is not None]
    return f"{listed(titles, 'and') if titles else 'nothing'} {'are' if len(titles) > 1 else 'is'}"


def _addresses(found: Any) -> list[str]:
    return [found] if isinstance(found, str) else [str(item) for item in found or ()]
