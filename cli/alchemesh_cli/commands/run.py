"""`alchemesh run`: run the product's code with its connections."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from alchemesh_cli.context import json_option, where_options
from alchemesh_cli.documents import echo_json
from alchemesh_cli.options import take_over_option
from alchemesh_cli.terminal import waited

if TYPE_CHECKING:
    from alchemesh_platform.app.runs.backfill import Backfilled
    from alchemesh_platform.app.where import Where
    from alchemesh_platform.registry.records import Deployment


@click.command(short_help="Run the product's code with its connections.")
@where_options
@json_option
@take_over_option
@click.option("--skip-landing", is_flag=True, help="Run the code without landing new data of the input ports first.")
@click.option("--if-due", is_flag=True, help="Run only if a contract's update frequency needs it now; for a schedule.")
@click.option("--wait/--no-wait", default=True, help="Wait for the end of a run by an engine. Default: --wait.")
@click.option(
    "--backfill",
    metavar="FROM..TO",
    help="Run once for each interval of the schedule that ends in this time: 2027-01-01..2027-02-01.",
)
@click.option("--again", is_flag=True, help="With --backfill: also run intervals whose run has succeeded.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(
    where: Where,
    as_json: bool,
    take_over: str | None,
    skip_landing: bool,
    if_due: bool,
    wait: bool,
    backfill: str | None,
    again: bool,
    arguments: tuple[str, ...],
) -> int:
    """Run the product's code with its connections.

    First lands new and changed files of the input ports, so that a new file needs no deployment. A file that does not
    fit fails the run before the code starts. The output of the code is shown and kept in the history, with secrets
    masked. The exit status is that of the code. A second run of the product on this machine waits for the first. With
    --emulate, a Cloud Run job runs as a process on this machine, with the settings of its template. If an engine such
    as Airflow runs the code, the command asks the engine to start a run and follows it; Ctrl-C cancels the run.

    \b
    Examples:
      alchemesh run                    # the code of the product in this folder
      alchemesh run --backfill 2027-01-01..2027-02-01   # each interval of the schedule that has not succeeded
      alchemesh run --no-wait          # ask the engine to run it, and return at once
      alchemesh run --if-due           # from a schedule: as often as the contracts promise
      alchemesh run -- --since 2013-06 # arguments after -- are passed to the code
    """
    from alchemesh_platform.app.product.run import NotDue, Requested, run
    from alchemesh_platform.app.where import product_address, read_platform
    from alchemesh_platform.identity.identify import identify

    platform = read_platform(where)
    product = product_address(where)
    if again and backfill is None:
        raise click.UsageError("--again needs --backfill")
    if backfill is not None:
        if if_due or not wait:
            raise click.UsageError(f"--backfill and {'--if-due' if if_due else '--no-wait'} exclude each other")
        from alchemesh_platform.app.runs import backfill as backfills

        filled = backfills.backfill(
            platform,
            product,
            identify(platform),
            backfill,
            arguments,
            again=again,
            folder=where.directory,
            take_over=take_over,
            land=not skip_landing,
            on_output=lambda line: click.echo(line, err=as_json),
            report=lambda line: click.echo(line, err=True),
        )
        return _backfilled(filled, as_json=as_json)
    done = run(
        platform,
        product,
        identify(platform),
        arguments,
        folder=where.directory,
        take_over=take_over,
        land=not skip_landing,
        if_due=if_due,
        wait=wait,
        on_output=lambda line: click.echo(line, err=as_json),
        report=lambda line: click.echo(line, err=True),
    )
    if isinstance(done, NotDue | Requested):
        if as_json:
            echo_json("run", done.as_json())
        return 0
    if as_json:
        echo_json("run", done.model_dump(mode="json", exclude={"output"}))
    elif done.outcome == "succeeded":
        click.echo(f"\n✓ {product} ran in {waited.seconds():.1f} s", err=True)
    else:
        click.echo(f"\n✗ {product}: {done.problem}", err=True)
    return _exit_status(done)


def _backfilled(filled: Backfilled, *, as_json: bool) -> int:
    failed = next((run for run in filled.runs if run.outcome != "succeeded"), None)
    if as_json:
        echo_json("run", filled.as_json())
    else:
        succeeded = len(filled.runs) - (failed is not None)
        click.echo(f"\n{succeeded} succeeded, {filled.skipped} skipped, {filled.left} left", err=True)
        if failed is not None:
            click.echo(f"✗ {failed.product}: {failed.problem}", err=True)
    return 0 if failed is None else _exit_status(failed) or 1


def _exit_status(done: Deployment) -> int:
    if done.exit_status is None or done.exit_status < 0:
        return 1
    return done.exit_status
