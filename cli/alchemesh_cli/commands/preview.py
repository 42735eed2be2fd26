"""`alchemesh preview`: what `up` would change."""

from __future__ import annotations

from pathlib import Path

import click

from alchemesh_cli.context import json_option, where_options
from alchemesh_cli.options import parallel_option, target_option


@click.command(short_help="Show what `up` would change.")
@where_options
@json_option
@target_option
@parallel_option
@click.option("--detailed-exitcode", is_flag=True, help="Leave with 10 when there are changes, 0 when there are none.")
def command(
    directory: Path,
    environment: str,
    platform_file: Path | None,
    as_json: bool,
    targets: tuple[str, ...],
    parallel: int | None,
    detailed_exitcode: bool,
) -> int:
    """Show what `up` would change: resources by port, assets and contracts, property by property.

    Each change of a contract is judged for its consumers. Exit code 4 says that `up` will refuse: a version is too low,
    or a contract leaves the way of its life. What has to wait for consumers is a warning, for it passes with time.

    \b
    Examples:
      alchemesh preview
      alchemesh preview -e prod --detailed-exitcode
    """
    from alchemesh_cli.context import load_composed
    from alchemesh_cli.operation import operate
    from alchemesh_platform.base.failure import ExitCode

    composed = load_composed(directory, environment, platform_file, look=True)
    done = operate(composed, "preview", as_json=as_json, targets=targets, parallel=parallel)
    if not done.succeeded:
        return ExitCode.FAILED
    if done.forbidden:
        return ExitCode.FORBIDDEN
    return ExitCode.CHANGES if detailed_exitcode and done.progress.has_changes else ExitCode.DONE
