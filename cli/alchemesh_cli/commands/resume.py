"""`alchemesh resume`: start the servers of an environment again, after a reboot of this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from alchemesh_cli.context import json_option, where_options
from alchemesh_cli.context_options import with_context_options
from alchemesh_cli.documents import echo_json

if TYPE_CHECKING:
    from alchemesh_platform.app.resume import Resumed
    from alchemesh_platform.app.where import Where

MARKS = {"started": "✓", "running": "·", "failed": "✗"}


@click.command(short_help="Start the servers and the clock again after a reboot.")
@where_options
@json_option
def command(where: Where, as_json: bool) -> int:
    """Start the servers and the clock again after a reboot.

    `up` leaves processes running on this machine: data APIs, consumers of topics, emulators, the watch and the clock.
    A reboot ends them. The command starts all processes of the environment that do not run, and changes
    none that runs. It deploys nothing.

    No file has the values of secrets. Set the variables that the processes need, such as passwords, before the command.

    The exit code is 1 if a process does not run.

    \b
    Examples:
      alchemesh resume
      alchemesh resume -e prod --json
      @reboot alchemesh resume      # a line for crontab -e: resumes at each start of the machine
    """
    from alchemesh_platform.app.resume import resume
    from alchemesh_platform.app.where import read_platform

    platform = read_platform(where)
    found = resume(platform, report=(lambda _resumed: None) if as_json else _print)
    if as_json:
        servers = [each.as_json() for each in found]
        echo_json("resumed", {"environment": platform.environment, "servers": servers})
    elif not found:
        click.echo(f"nothing to resume in {platform.environment}")
    return 1 if any(each.state == "failed" for each in found) else 0


def _print(resumed: Resumed) -> None:
    click.echo(f"{MARKS[resumed.state]} {resumed.name}  {resumed.state}")
    if resumed.problem:
        click.echo(f"  {resumed.problem}")
    if resumed.hint:
        click.echo(f"  hint: {with_context_options(resumed.hint)}")
