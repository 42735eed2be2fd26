"""`alchemesh up`: deploy the data product and record its assets."""

from __future__ import annotations

from pathlib import Path

import click

from alchemesh_cli.context import json_option, where_options
from alchemesh_cli.options import override_option, parallel_option, target_option, yes_option


@click.command(short_help="Deploy the data product and record its assets.")
@where_options
@json_option
@yes_option
@target_option
@parallel_option
@override_option
def command(
    directory: Path,
    environment: str,
    platform_file: Path | None,
    as_json: bool,
    confirmed: bool,
    targets: tuple[str, ...],
    parallel: int | None,
    override_notice: str | None,
) -> int:
    """Deploy the data product and record its assets.

    Shows what will change and asks. A run that was interrupted goes on from where it stopped. Exit code 4 says that a
    policy forbids it, that a contract leaves its rules, or that consumers have to be told first: who they are, from
    when on it passes and how to give notice is told.

    \b
    Examples:
      alchemesh up                     # preview, question, deployment
      alchemesh up --yes --json        # in a pipeline
      alchemesh up --target flights-table
      alchemesh up --override-notice "a leak of personal data"
    """
    from alchemesh_cli.context import load_composed
    from alchemesh_cli.operation import operate
    from alchemesh_platform.base.failure import ExitCode

    composed = load_composed(directory, environment, platform_file, look=True)
    done = operate(
        composed,
        "up",
        as_json=as_json,
        targets=targets,
        parallel=parallel,
        confirmed=confirmed,
        question="Deploy this?",
        override_notice=override_notice,
    )
    return ExitCode.DONE if done.succeeded else ExitCode.FAILED
