"""`alchemesh runs`: the history of runs of products' code, whatever engine started them."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import click

from alchemesh_cli.access.output import acting
from alchemesh_cli.context import json_option, where_options
from alchemesh_cli.documents import echo_json
from alchemesh_cli.options import take_over_option

if TYPE_CHECKING:
    from alchemesh_platform.app.runs.history import Outcome
    from alchemesh_platform.app.where import Where
    from alchemesh_platform.registry.records import Deployment

OUTCOMES = ("running", "succeeded", "failed", "cancelled")
run_argument = click.argument("run", metavar="RUN")


@click.group(short_help="Show the runs of products' code, and cancel them.")
def command() -> None:
    """Show the runs of products' code, and cancel them.

    One history has all runs: those of `alchemesh run`, of the schedule of this machine, and of engines such as Airflow.
    RUN is the id of a run, or its first characters.

    \b
    Examples:
      alchemesh runs list
      alchemesh runs show 3f9c2a71
      alchemesh runs logs 3f9c2a71 --follow
      alchemesh runs cancel 3f9c2a71
    """


@command.command(name="list", short_help="List runs, newest first.")
@where_options
@json_option
@click.option("--outcome", type=click.Choice(OUTCOMES), help="Only runs with this outcome.")
@click.option("--since", help="Only runs since then: 2027-12-31, 2027-12-31T18:00:00+01:00, or 4h.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="Largest number of runs.")
@click.argument("product", required=False, metavar="[ADDRESS]")
def list_(where: Where, as_json: bool, outcome: str | None, since: str | None, limit: int, product: str | None) -> None:
    """List the runs of the environment, or of the product at ADDRESS (domain/product), newest first.

    \b
    Examples:
      alchemesh runs list
      alchemesh runs list aviation/flights --outcome failed --since 7d
      alchemesh runs list -e prod --json
    """
    from datetime import UTC, datetime

    from alchemesh_platform.app.manifest.declared import ADDRESS
    from alchemesh_platform.app.runs.history import list_runs
    from alchemesh_platform.app.runs.since import read_since
    from alchemesh_platform.app.where import read_platform

    if product is not None and not ADDRESS.fullmatch(product):
        raise click.UsageError(f"{product!r} is not an address, domain/product")
    now = datetime.now(UTC)
    found = list_runs(
        read_platform(where),
        product,
        outcome=cast("Outcome | None", outcome),
        since=None if since is None else read_since(since, now),
        limit=limit,
        note=lambda line: click.echo(line, err=True),
    )
    if as_json:
        echo_json("runs", {**where.as_json(), **found.as_json()})
        return
    from alchemesh_cli.render.runs import runs_lines

    click.echo("\n".join(runs_lines(found, now, product or where.environment)))


@command.command(short_help="Show a run: its reason, its rows and its end.")
@where_options
@json_option
@run_argument
def show(where: Where, as_json: bool, run: str) -> None:
    """Show a run: its engine, its reason, its rows and its end.

    \b
    Examples:
      alchemesh runs show 3f9c2a71
    """
    from alchemesh_platform.app.runs.history import event_log_of, find_run
    from alchemesh_platform.app.where import read_platform

    platform = read_platform(where)
    found = find_run(platform, run)
    _print(where, found, as_json=as_json, event_log=event_log_of(platform, found))


@command.command(short_help="Print the output of a run.")
@where_options
@click.option("--follow", is_flag=True, help="Continue until the run ends.")
@click.option("--engine", is_flag=True, help="Print the engine's own log instead.")
@run_argument
def logs(where: Where, follow: bool, engine: bool, run: str) -> None:
    """Print the output of a run, with secrets masked.

    A running run has its output on its machine; the history keeps the end of it afterwards.

    \b
    Examples:
      alchemesh runs logs 3f9c2a71
      alchemesh runs logs 3f9c2a71 --follow
      alchemesh runs logs 3f9c2a71 --engine   # the log of the Airflow task
    """
    from alchemesh_platform.app.runs.history import engine_log, output_of
    from alchemesh_platform.app.where import read_platform

    platform = read_platform(where)
    lines = engine_log(platform, run).splitlines() if engine else output_of(platform, run, follow=follow)
    for line in lines:
        click.echo(line)


@command.command(short_help="Cancel a running run.")
@where_options
@json_option
@take_over_option
@run_argument
def cancel(where: Where, as_json: bool, take_over: str | None, run: str) -> None:
    """Cancel a running run, also one on another machine or in an engine, and wait until it ends.

    The code receives an interrupt, and is ended after 10 seconds.

    \b
    Examples:
      alchemesh runs cancel 3f9c2a71
    """
    from alchemesh_platform.app.runs import history

    platform, actor = acting(where)
    _print(where, history.cancel(platform, run, actor, take_over=take_over), as_json=as_json)


def _print(where: Where, run: Deployment, *, as_json: bool, event_log: str | None = None) -> None:
    if as_json:
        from alchemesh_platform.app.runs.history import run_as_json

        echo_json("run-record", {**run_as_json(run, output=True), "emulated": where.emulated})
        return
    from datetime import UTC, datetime

    from alchemesh_cli.render.runs import run_lines

    click.echo("\n".join(run_lines(run, datetime.now(UTC), event_log)))
