"""`alchemesh up`: deploy the data product and record its assets."""

from __future__ import annotations

from pathlib import Path

import click

from alchemesh_cli.context import json_option, where_options
from alchemesh_cli.options import parallel_option, target_option, yes_option


@click.command(short_help="Deploy the data product and record its assets.")
@where_options
@json_option
@yes_option
@target_option
@parallel_option
def command(
    directory: Path,
    environment: str,
    platform_file: Path | None,
    as_json: bool,
    confirmed: bool,
    targets: tuple[str, ...],
    parallel: int | None,
) -> int:
    """Deploy the data product and record its assets.

    Shows what will change and asks. A run that was interrupted goes on from where it stopped.

    \b
    Examples:
      alchemesh up                     # preview, question, deployment
      alchemesh up --yes --json        # in a pipeline
      alchemesh up --target flights-table
    """
    from alchemesh_cli.context import load_composed
    from alchemesh_cli.operation import operate
    from alchemesh_platform.failure import ExitCode

    composed = load_composed(directory, environment, platform_file)
    done = operate(
        composed,
        "up",
        as_json=as_json,
        targets=targets,
        parallel=parallel,
        confirmed=confirmed,
        question="Deploy this?",
    )
    return ExitCode.DONE if done.succeeded else ExitCode.FAILED
