"""`alchemesh status`: deployed products and their health."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from alchemesh_cli.commands.observe import Span
from alchemesh_cli.context import json_option, where_options
from alchemesh_cli.context_options import with_context_options
from alchemesh_cli.documents import echo_json
from alchemesh_platform.app.manifest.declared import ADDRESS
from alchemesh_platform.app.observe import HISTORY_LENGTH, UP_HINT
from alchemesh_platform.app.where import manifest_path
from alchemesh_platform.base.names import MANIFEST
from alchemesh_platform.base.remedy import Command, remedy

if TYPE_CHECKING:
    from rich.console import Console

    from alchemesh_platform.app.observe import Report
    from alchemesh_platform.app.where import Where


@click.command(short_help="Show deployed products and their health.")
@where_options
@json_option
@click.option("--all", "every", is_flag=True, help="Show every product of the environment.")
@click.option("--history", is_flag=True, help=f"Show the last {HISTORY_LENGTH} operations.")
@click.option("--lineage", is_flag=True, help="Show the sources and the consumers of the data.")
@click.option("--watch", "watching", is_flag=True, help="Continue until you stop it: draw again, or print changes.")
@click.option("--every", "interval", type=Span(), help="With --watch: time between two readings.  [default: 5s]")
@click.argument("product", required=False, metavar="[PATH|ADDRESS]")
def command(
    where: Where,
    as_json: bool,
    every: bool,
    history: bool,
    lineage: bool,
    watching: bool,
    interval: timedelta | None,
    product: str | None,
) -> None:
    """Show deployed products and their health.

    Shows the product of this folder, of PATH, or at ADDRESS (domain/product); outside of a product, all products.
    Health, rows and sizes are measured now. A value that cannot be measured is shown as unknown, which is no failure.

    Each commitment of a contract has the promise, the measured value, a verdict (kept, at risk, broken, unknown, stale
    or error) and a spark line of the last hour, day or 30 days. In a spark line, a dot is a gap, ? is an unknown value
    and ! is a failed measurement.

    With --watch, it draws the status again every few seconds until Ctrl-C. In a pipe it prints the first state of
    everything, then each change as a line; with --json, each changed status as one document a line.

    \b
    Examples:
      alchemesh status
      alchemesh status --watch
      alchemesh status aviation/flights --history --lineage
      alchemesh status --all --json
    """
    from alchemesh_platform.app.manifest.declared import declared_address
    from alchemesh_platform.app.mesh.inbox import known_identity
    from alchemesh_platform.app.observe import status
    from alchemesh_platform.app.where import read_platform

    folder = _folder(product, where.directory)
    there = replace(where, directory=folder) if folder else where
    address = None if every else declared_address(there) if folder else product
    platform = read_platform(there)
    actor = known_identity(platform)

    def read() -> Report:
        return status(platform, address, history=history, lineage=lineage, known=folder is None, actor=actor)

    if watching:
        _watch(read, interval, as_json=as_json)
        return
    if interval is not None:
        raise click.UsageError("--every needs --watch")
    report = read()
    if as_json:
        echo_json("status", report.as_json())
    else:
        _show(report)


def _folder(product: str | None, directory: Path) -> Path | None:
    """The folder of the manifest, or None for an address; a folder with a manifest takes precedence over an address."""
    if product is None:
        return directory if manifest_path(directory).is_file() else None
    if manifest_path(Path(product)).is_file():
        return Path(product)
    if not ADDRESS.fullmatch(product):
        raise click.UsageError(f"{product!r} is neither a folder with {MANIFEST} nor an address, domain/product")
    return None


def _watch(read: Callable[[], Report], interval: timedelta | None, *, as_json: bool) -> None:
    from alchemesh_cli.status_watch import EVERY, SHORTEST, Documents, Lines, redrawn, watch_status
    from alchemesh_cli.terminal.interrupts import stoppable
    from alchemesh_cli.terminal.printing import console as console_of

    every = interval or EVERY
    if every < SHORTEST:
        raise click.UsageError("--every is at least 1s")
    console = console_of(highlight=False)
    with stoppable() as stop:
        if as_json:
            watch_status(read, every, stop, Documents(lambda line: click.echo(line, err=True)))
        elif not console.is_terminal:
            watch_status(read, every, stop, Lines(click.echo))
        else:
            with redrawn(console, _show_on) as screen:
                watch_status(read, every, stop, screen)


def _show(report: Report) -> None:
    from alchemesh_cli.terminal.printing import console as console_of

    _show_on(console_of(highlight=False), report)


def _show_on(console: Console, report: Report) -> None:
    from datetime import UTC, datetime

    from alchemesh_cli.render.clock import print_clock
    from alchemesh_cli.render.mesh.inbox import inbox_summary
    from alchemesh_cli.render.status import print_history, print_lineage, print_product, print_scores, print_summaries
    from alchemesh_cli.render.text.environment import environment_in_words

    now, where = datetime.now(UTC), environment_in_words(report)
    if report.status is not None:
        print_product(console, report.status, now, where)
        if report.status.is_deployed:
            print_scores(console, report.standing)
        if not report.status.is_deployed:
            console.print(f"\nnext: {with_context_options(UP_HINT)}", soft_wrap=True)
    elif report.summaries:
        print_summaries(console, where, report.summaries, now)
    else:
        nothing = f"nothing is deployed in {where} yet"
        following = with_context_options(remedy("{}; {} writes one", UP_HINT, Command(("init",))))
        console.print(f"{nothing}\n\nnext: {following}", soft_wrap=True)
    if report.clock is not None:
        print_clock(console, report.clock, briefly=report.status is not None)
    if report.inbox:
        console.print(f"\n{inbox_summary(report.inbox)}", soft_wrap=True)
    if report.history is not None:
        print_history(console, report.history, with_product=report.status is None)
    if report.lineage is not None:
        print_lineage(console, report.lineage, of_one=report.status is not None)
