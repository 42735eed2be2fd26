"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

DEBUG_VARIABLE = "ALCHEMESH_DEBUG"  # set: an unexpected error shows its traceback


def _reason(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    if value is not None and not value.strip():
        raise click.BadParameter("give a reason: it is recorded")
    return value


def _in_a_folder(_context: click.Context, _option: click.Parameter, file: Path | None) -> Path | None:
    """A mistake in the folder of a file to write is found before the work, not after it."""
    if file is not None and not file.absolute().parent.is_dir():
        raise click.BadParameter(f"no such folder {file.absolute().parent}")
    return file


def written_file_option(name: str, about: str) -> Callable[[Any], Any]:
    """An option of a file that the command also writes."""
    path = click.Path(path_type=Path, dir_okay=False)
    return click.option(name, type=path, callback=_in_a_folder, help=about)


def review_format_option(about: str) -> Callable[[Any], Any]:
    """The option `--format` of commands that compare products with their deployments, for people and merge requests."""
    forms = click.Choice(("tree", "diff", "markdown", "json", "github", "gitlab"))
    return click.option("--format", "form", type=forms, default="tree", show_default=True, help=about)


yes_option = click.option("--yes", "confirmed", is_flag=True, help="Do not ask for confirmation.")
delete_protected_option = click.option(
    "--delete-protected", is_flag=True, help="Also remove protected resources: the bucket of the state, the registry."
)
target_option = click.option(
    "--target", "targets", metavar="PORT", multiple=True, help="Only this port or need; repeatable."
)

override_option = click.option(
    "--override-notice",
    metavar="REASON",
    callback=_reason,
    help="Skip the notice period of a change, with a recorded reason; platform owners only.",
)
take_over_option = click.option(
    "--take-over",
    metavar="REASON",
    callback=_reason,
    help="Operate a product of another team of your domain, with a recorded reason.",
)
parallel_option = click.option(
    "--parallel", type=click.IntRange(1, 256), help="Maximum number of resources that are changed at once."
)
