"""`alchemesh refresh`: compare what is recorded with what stands."""

from __future__ import annotations

from pathlib import Path

import click

from alchemesh_cli.context import json_option, where_options
from alchemesh_cli.options import parallel_option, yes_option


@click.command(short_help="Compare what is recorded with what stands.")
@where_options
@json_option
@yes_option
@parallel_option
def command(
    directory: Path,
    environment: str,
    platform_file: Path | None,
    as_json: bool,
    confirmed: bool,
    parallel: int | None,
) -> int:
    """Compare what is recorded with what stands, and take over what was changed or removed by hand.

    Nothing that stands is touched; the next `up` mends the difference.

    \b
    Examples:
      alchemesh refresh
    """
    from alchemesh_cli.asking import confirm
    from alchemesh_cli.context import load_composed
    from alchemesh_cli.operation import operate
    from alchemesh_platform.base.failure import ExitCode

    composed = load_composed(directory, environment, platform_file)
    confirm(f"Record {composed.plan.product.address} in {environment} as it stands?", confirmed)
    done = operate(composed, "refresh", as_json=as_json, parallel=parallel, confirmed=True)
    return ExitCode.DONE if done.succeeded else ExitCode.FAILED
