"""What every command starts from: the product's folder, the environment, the platform, the plan."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from alchemesh_cli.context_options import remember
from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.home import home

if TYPE_CHECKING:
    from alchemesh_platform.compose.plan import Plan
    from alchemesh_platform.manifest.load import LoadedManifest
    from alchemesh_platform.platform_file.models import Platform

MANIFEST = "alchemesh.yaml"
PLATFORM_VARIABLE = "ALCHEMESH_PLATFORM"
EMULATE_VARIABLE = "ALCHEMESH_EMULATE"

Command = TypeVar("Command", bound=Callable[..., Any])


class NotATerminal(Failure):
    """Raised instead of asking where nobody can answer."""

    exit_code = ExitCode.USAGE


class NoSuchFolder(Failure):
    """Raised when the folder to work in is not there."""

    exit_code = ExitCode.USAGE


@dataclass(frozen=True, slots=True)
class Composed:
    """A manifest, read and composed for one environment."""

    manifest: LoadedManifest
    platform: Platform
    plan: Plan


def _there(context: click.Context, option: click.Parameter, directory: Path) -> Path:
    """Callback of ``-C``: no command takes a folder that is not there for one where nothing is."""
    if directory.exists():
        return Path(remember(context, option, directory))
    from alchemesh_platform.base.problems import did_you_mean

    beside = directory.absolute().parent
    folders = sorted(each.name for each in beside.iterdir() if each.is_dir()) if beside.is_dir() else []
    hint = did_you_mean(directory.name, folders, otherwise="-C takes the folder of a data product")
    raise NoSuchFolder(f"no such folder {directory}", hint=hint)


environment_option = click.option(
    "-e", "--environment", default="local", show_default=True, callback=remember, help="Environment."
)


def where_options(command: Command) -> Command:
    """``-C``, ``-e`` and ``--platform``: which product, in which environment, on which platform."""
    options = (
        click.option(
            "-C",
            "--directory",
            type=click.Path(path_type=Path),
            default=Path(),
            callback=_there,
            help="Folder to work in.  [default: this folder]",
        ),
        environment_option,
        click.option(
            "--platform",
            "platform_file",
            type=click.Path(path_type=Path),
            callback=remember,
            envvar=PLATFORM_VARIABLE,
            help="Platform file.  [default: platform.yaml here, or above in the git repository]",
        ),
    )
    for option in reversed((*options, emulate_option)):
        command = option(command)
    return command


def _emulating(context: click.Context, option: click.Parameter, value: bool) -> None:
    """Keep the choice for :func:`load_platform_for`: commands work on the platform that it gives, whichever it is."""
    if remember(context, option, value):
        context.meta[EMULATE] = True


EMULATE = "alchemesh.emulate"
emulate_option = click.option(
    "--emulate",
    is_flag=True,
    expose_value=False,
    callback=_emulating,
    envvar=EMULATE_VARIABLE,
    help="Google Cloud is a stand-in on this machine, with state and records of its own.",
)


json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")


def manifest_path(directory: Path) -> Path:
    """The manifest of a folder, or the file itself."""
    return directory if directory.is_file() else directory / MANIFEST


def load_platform_for(directory: Path, environment: str, platform_file: Path | None) -> Platform:
    """The platform of an environment, from the platform file that is given or found."""
    from alchemesh_platform.platform_file.load import find_platform_file, load_platform

    folder = directory.parent if directory.is_file() else directory
    platform = load_platform(platform_file or find_platform_file(folder.resolve()), environment, home())
    context = click.get_current_context(silent=True)
    return _emulated(platform) if context is not None and context.meta.get(EMULATE) else platform


@dataclass(frozen=True, slots=True)
class Place:
    """An environment by its name, and whether its cloud is a stand-in: what documents and screens say of it."""

    environment: str
    emulated: bool

    def as_json(self) -> dict[str, Any]:
        """What documents begin with."""
        return {"environment": self.environment, "emulated": self.emulated}


def place_of(environment: str) -> Place:
    """The environment that the command which is running works in."""
    context = click.get_current_context(silent=True)
    return Place(environment, context is not None and bool(context.meta.get(EMULATE)))


def _emulated(platform: Platform) -> Platform:
    """The platform with its cloud on this machine, and the emulators where this process and the code look for them."""
    from alchemesh_platform.clouds.gcp.emulation.environment import emulate, emulators_of

    emulated = emulate(platform)
    os.environ.update(emulators_of(emulated).variables())
    return emulated


def load_composed(directory: Path, environment: str, platform_file: Path | None, *, look: bool = False) -> Composed:
    """Read and compose the product of a folder.

    Args:
        look: Whether what components need in that folder has to be there; what is taken down needs none of it.

    Raises:
        ProblemsFound: with everything that is wrong with manifest and platform file.
    """
    from alchemesh_platform.base.problems import ProblemsFound
    from alchemesh_platform.catalog.discover import discover
    from alchemesh_platform.compose.compose import read_and_compose

    platform: Platform | ProblemsFound
    try:
        platform = load_platform_for(directory, environment, platform_file)
    except ProblemsFound as found:
        platform = found
    manifest, plan = read_and_compose(manifest_path(directory), platform, environment, discover(), look=look)
    if isinstance(platform, ProblemsFound):
        raise platform
    return Composed(manifest, platform, plan)


def product_address_of(directory: Path, environment: str) -> str:
    """Address of the product whose manifest is in a folder."""
    from alchemesh_platform.manifest.load import load_manifest

    return load_manifest(manifest_path(directory), environment).product.address
