"""`alchemesh destroy`: remove what was deployed."""

from __future__ import annotations

from pathlib import Path

import click

from alchemesh_cli.context import json_option, where_options
from alchemesh_cli.options import override_option, parallel_option, yes_option


@click.command(short_help="Remove what was deployed; data stays unless told otherwise.")
@where_options
@json_option
@yes_option
@parallel_option
@override_option
@click.option("--delete-data", is_flag=True, help="Remove the data on this machine and in Kafka too. It is gone then.")
def command(
    directory: Path,
    environment: str,
    platform_file: Path | None,
    as_json: bool,
    confirmed: bool,
    parallel: int | None,
    override_notice: str | None,
    delete_data: bool,
) -> int:
    """Remove what was deployed; data stays unless told otherwise.

    Servers are stopped and records are taken out of the registry, whose history stays. Tables and files stay where they
    are, and a later `up` finds them again. Data in a cloud goes only where `keep_on_destroy: false` was deployed. Exit
    code 4 says that consumers hold grants and have to be told first.

    \b
    Examples:
      alchemesh destroy
      alchemesh destroy --delete-data --yes
    """
    from alchemesh_cli.asking import confirm
    from alchemesh_cli.context import load_composed
    from alchemesh_cli.operation import operate
    from alchemesh_platform.base.failure import ExitCode

    composed = load_composed(directory, environment, platform_file)
    what = "and all its data " if delete_data else ""
    confirm(f"Remove {composed.plan.product.address} {what}from {environment}?", confirmed)
    done = operate(
        composed,
        "destroy",
        as_json=as_json,
        parallel=parallel,
        confirmed=True,
        delete_data=delete_data,
        override_notice=override_notice,
    )
    return ExitCode.DONE if done.succeeded else ExitCode.FAILED
