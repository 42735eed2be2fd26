"""`alchemesh contract maintenance`: announce, list and cancel maintenance of output ports."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from alchemesh_cli.commands.observe import Span
from alchemesh_cli.commands.report import Moment
from alchemesh_cli.context import json_option, where_options
from alchemesh_cli.documents import echo_json

if TYPE_CHECKING:
    from alchemesh_platform.app.mesh.maintenance import Maintenance
    from alchemesh_platform.app.where import Where

port_argument = click.argument("port", metavar="PORT|ADDRESS")


@click.group(short_help="Announce, list and cancel maintenance of output ports.")
def maintenance() -> None:
    """Announce, list and cancel maintenance of output ports.

    Uptime leaves out maintenance that was announced before it started, up to the length that the contract allows in a
    window (`service_levels: {maintenance: 4h}`).

    \b
    Examples:
      alchemesh contract maintenance announce flights-table --from 2026-12-01T22:00Z --for 2h
      alchemesh contract maintenance list
      alchemesh contract maintenance cancel flights-table 2026-12-01T22:00Z
    """


@maintenance.command(short_help="Announce maintenance of a port.")
@where_options
@json_option
@click.option("--from", "starts_at", type=Moment(), required=True, help="Its start: 2026-12-01T22:00Z.")
@click.option("--for", "length", type=Span(), help="Its length: 30m, 2h.")
@click.option("--until", "ends_at", type=Moment(), help="Its end, in place of --for.")
@click.option("--message", default="", help="More information for consumers.")
@port_argument
def announce(
    where: Where,
    as_json: bool,
    starts_at: datetime,
    length: timedelta | None,
    ends_at: datetime | None,
    message: str,
    port: str,
) -> None:
    """Announce maintenance of PORT of the product in this folder, or of the port at ADDRESS (domain/product/port).

    It must start in the future, at a whole minute. All maintenance of a window may be as long as the contract allows.
    `alchemesh status` shows running maintenance as the state of the product.

    \b
    Examples:
      alchemesh contract maintenance announce flights-table --from 2026-12-01T22:00Z --for 2h --message "new disks"
      alchemesh contract maintenance announce aviation/flights/flights-table --from 2026-12-01T23:00+01:00
          --until 2026-12-02T01:00+01:00 -e prod
    """
    from alchemesh_platform.app.mesh import maintenance as acts
    from alchemesh_platform.app.where import read_platform
    from alchemesh_platform.identity.identify import identify

    if (length is None) == (ends_at is None):
        raise click.UsageError("give the end of the maintenance: either --for or --until")
    end = ends_at if ends_at is not None else starts_at + (length or timedelta(0))
    platform = read_platform(where)
    done = acts.announce(platform, identify(platform), _address(where, port), starts_at, end, message=message)
    _print(done, as_json=as_json)


@maintenance.command(name="list", short_help="List announced and running maintenance.")
@where_options
@json_option
@click.option("--all", "past", is_flag=True, help="List maintenance that is over or cancelled too.")
@click.argument("port", required=False, metavar="[PORT|ADDRESS]")
def list_(where: Where, as_json: bool, past: bool, port: str | None) -> None:
    """List announced and running maintenance of the environment, or of one port.

    \b
    Examples:
      alchemesh contract maintenance list
      alchemesh contract maintenance list aviation/flights/flights-table --all --json
    """
    from alchemesh_cli.render.text.environment import environment_in_words
    from alchemesh_platform.app.mesh.maintenance import find
    from alchemesh_platform.app.where import read_platform

    found = find(read_platform(where), _address(where, port) if port is not None else None, past=past)
    if as_json:
        echo_json("maintenances", {**where.as_json(), "maintenance": [each.as_json() for each in found]})
        return
    for each in found:
        click.echo(_line(each))
    if not found:
        click.echo(f"no maintenance is announced in {environment_in_words(where)}")


@maintenance.command(short_help="Cancel maintenance that has not started.")
@where_options
@json_option
@port_argument
@click.argument("starts_at", type=Moment(), metavar="START")
def cancel(where: Where, as_json: bool, port: str, starts_at: datetime) -> None:
    """Cancel the maintenance of a port that starts at START, before it starts.

    \b
    Examples:
      alchemesh contract maintenance cancel flights-table 2026-12-01T22:00Z
    """
    from alchemesh_platform.app.mesh import maintenance as acts
    from alchemesh_platform.app.where import read_platform
    from alchemesh_platform.identity.identify import identify

    platform = read_platform(where)
    done = acts.cancel(platform, identify(platform), _address(where, port), starts_at)
    _print(done, as_json=as_json)


def _address(where: Where, port: str) -> str:
    """The address of a port of the product in this folder; an address stays as it is."""
    from alchemesh_platform.app.manifest.declared import declared_address

    return port if "/" in port else f"{declared_address(where)}/{port}"


def _print(done: Maintenance, *, as_json: bool) -> None:
    if as_json:
        echo_json("maintenance", done.as_json())
    else:
        click.echo(_line(done))


def _line(each: Maintenance) -> str:
    """``aviation/flights/flights-table  2026-12-01 22:00 – 23:30 UTC  announced by …``."""
    from alchemesh_platform.base.printable import one_line

    record = each.record
    end = (
        f"{record.ends_at:%H:%M}"
        if record.ends_at.date() == record.starts_at.date()
        else f"{record.ends_at:%Y-%m-%d %H:%M}"
    )
    by = (
        f"cancelled by {record.cancelled_by}"
        if each.state == "cancelled"
        else f"{each.state}, by {record.announced_by}"
    )
    message = f"  {one_line(record.message)}" if record.message else ""
    return f"{record.port}  {record.starts_at:%Y-%m-%d %H:%M} – {end} UTC  {one_line(by)}{message}"
