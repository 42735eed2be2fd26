"""`alchemesh run`: run the product's code with its connections."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from alchemesh_cli import waited
from alchemesh_cli.context import json_option, where_options
from alchemesh_cli.documents import echo_json
from alchemesh_cli.options import take_over_option

if TYPE_CHECKING:
    from alchemesh_platform.app.where import Where


@click.command(short_help="Run the product's code with its connections.")
@where_options
@json_option
@take_over_option
@click.option("--skip-landing", is_flag=True, help="Run the code without landing new data of the input ports first.")
@click.option("--if-due", is_flag=True, help="Run only if a contract's update frequency needs it now; for a schedule.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(
    where: Where, as_json: bool, take_over: str | None, skip_landing: bool, if_due: bool, arguments: tuple[str, ...]
) -> int:
    """Run the product's code with its connections.

    First lands new and changed files of the input ports, so that a new file needs no deployment. A file that does not
    fit fails the run before the code starts. The output of the code is shown and kept in the history, with secrets
    masked. The exit status is that of the code. A second run of the product on this machine waits for the first. With
    --emulate, a Cloud Run job runs as a process on this machine, with the settings of its template.

    \b
    Examples:
      alchemesh run                    # the code of the product in this folder
      alchemesh run --if-due           # from a schedule: as often as the contracts promise
      alchemesh run -- --since 2013-06 # arguments after -- are passed to the code
    """
    from alchemesh_platform.app.run import NotDue, run
    from alchemesh_platform.app.where import product_address, read_platform
    from alchemesh_platform.identity.identify import identify

    platform = read_platform(where)
    product = product_address(where)
    done = run(
        platform,
        product,
        identify(platform),
        arguments,
        folder=where.directory,
        take_over=take_over,
        land=not skip_landing,
        if_due=if_due,
        on_output=lambda line: click.echo(line, err=as_json),
        report=lambda line: click.echo(line, err=True),
    )
    if isinstance(done, NotDue):
        if as_json:
            echo_json("run", done.as_json())
        return 0
    if as_json:
        echo_json("run", done.model_dump(mode="json", exclude={"output"}))
    elif done.outcome == "succeeded":
        click.echo(f"\n✓ {product} ran in {waited.seconds():.1f} s", err=True)
    else:
        click.echo(f"\n✗ {product}: {done.problem}", err=True)
    if done.exit_status is None or done.exit_status < 0:
        return 1
    return done.exit_status
