"""The context options of a command, as one value for use cases."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import click

from alchemesh_cli.context_options import remember, remember_json
from alchemesh_platform.base.failure import ExitCode, Failure

PLATFORM_VARIABLE = "ALCHEMESH_PLATFORM"
EMULATE_VARIABLE = "ALCHEMESH_EMULATE"

Command = TypeVar("Command", bound=Callable[..., Any])


class NotATerminal(Failure):
    """Raised instead of a question without a terminal."""

    exit_code = ExitCode.USAGE


class NoSuchFolder(Failure):
    """Raised when the folder to work in does not exist."""

    exit_code = ExitCode.USAGE


def _there(context: click.Context, option: click.Parameter, directory: Path) -> Path:
    """Callback of ``-C``: a folder that does not exist is an error, not an empty folder."""
    if directory.exists():
        return Path(remember(context, option, directory))
    from alchemesh_platform.base.problems import did_you_mean

    beside = directory.absolute().parent
    folders = sorted(each.name for each in beside.iterdir() if each.is_dir()) if beside.is_dir() else []
    hint = did_you_mean(directory.name, folders, otherwise="-C takes the folder of a data product")
    raise NoSuchFolder(f"no such folder {directory}", hint=hint)


directory_option = click.option(
    "-C",
    "--directory",
    type=click.Path(path_type=Path),
    default=Path(),
    callback=_there,
    help="Folder to work in.  [default: this folder]",
)
environment_option = click.option(
    "-e", "--environment", default="local", show_default=True, callback=remember, help="Environment."
)
emulate_option = click.option(
    "--emulate",
    "emulated",
    is_flag=True,
    callback=remember,
    envvar=EMULATE_VARIABLE,
    help="Emulate Google Cloud on this machine, with a separate state and registry.",
)
json_option = click.option(
    "--json", "as_json", is_flag=True, callback=remember_json, help="Print one JSON document on stdout."
)


def platform_option(default: str) -> Callable[[Command], Command]:
    """``--platform``.

    Args:
        default: Where the platform file is searched, for the help text.
    """
    return click.option(
        "--platform",
        "platform_file",
        type=click.Path(path_type=Path),
        callback=remember,
        envvar=PLATFORM_VARIABLE,
        help=f"Platform file.  [default: {default}]",
    )


def where_options(command: Command) -> Command:
    """``-C``, ``-e``, ``--platform`` and ``--emulate``, as one argument ``where``."""

    @functools.wraps(command)
    def with_where(
        *args: Any, directory: Path, environment: str, platform_file: Path | None, emulated: bool, **rest: Any
    ) -> Any:
        from alchemesh_platform.app.where import Where

        return command(*args, where=Where(directory, environment, platform_file, emulated), **rest)

    platform = platform_option("platform.yaml here, or above in the git repository")
    wrapped: Any = with_where
    for option in (emulate_option, platform, environment_option, directory_option):
        wrapped = option(wrapped)
    return cast("Command", wrapped)
