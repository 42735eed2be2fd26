"""`alchemesh incidents`: show the incidents of broken commitments, and act on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from alchemesh_cli.access.output import acting
from alchemesh_cli.context import json_option, where_options
from alchemesh_cli.documents import echo_json

if TYPE_CHECKING:
    from alchemesh_platform.app.where import Where
    from alchemesh_platform.incidents.incident import Incident

incident_argument = click.argument("incident", metavar="INCIDENT")
note_option = click.option("--note", "text", default="", help="A note, recorded with it.")


@click.group(short_help="Show the incidents of broken commitments, and act on them.")
def command() -> None:
    """Show the incidents of broken commitments, and act on them.

    Two bad measurements of a commitment in a row open an incident, and three good ones close it. If the commitment
    breaks again within 15 minutes, the incident reopens.

    \b
    Examples:
      alchemesh incidents list
      alchemesh incidents acknowledge inc-0a1b2c3d4e
      alchemesh incidents note inc-0a1b2c3d4e "the airline sent the file twice"
      alchemesh incidents snooze inc-0a1b2c3d4e --until 4h
    """


@command.command(name="list", short_help="List the open incidents.")
@where_options
@json_option
@click.option("--all", "closed", is_flag=True, help="List closed incidents too.")
@click.argument("product", required=False, metavar="[ADDRESS]")
def list_(where: Where, as_json: bool, closed: bool, product: str | None) -> None:
    """List the open incidents of the environment, or of the product at ADDRESS (domain/product).

    The list ends with the notifications that a webhook or the mail server did not accept.

    \b
    Examples:
      alchemesh incidents list
      alchemesh incidents list aviation/flights --all
      alchemesh incidents list -e prod --json
    """
    from datetime import UTC, datetime

    from alchemesh_platform.app.mesh.incidents import find
    from alchemesh_platform.app.where import read_platform

    found = find(read_platform(where), product, closed=closed)
    if as_json:
        echo_json("incidents", {**where.as_json(), **found.as_json()})
        return
    from alchemesh_cli.render.mesh.incidents import incidents_lines

    about = product or where.environment
    click.echo("\n".join(incidents_lines(found, datetime.now(UTC), about, closed=closed)))


@command.command(short_help="Show an incident with its history.")
@where_options
@json_option
@incident_argument
def show(where: Where, as_json: bool, incident: str) -> None:
    """Show an incident with its transitions, and with everything that people wrote about it.

    \b
    Examples:
      alchemesh incidents show inc-0a1b2c3d4e
    """
    from alchemesh_platform.app.mesh import incidents
    from alchemesh_platform.app.where import read_platform

    _print(where, incidents.show(read_platform(where), incident), as_json=as_json)


@command.command(short_help="Record that you work on an open incident.")
@where_options
@json_option
@note_option
@incident_argument
def acknowledge(where: Where, as_json: bool, text: str, incident: str) -> None:
    """Record that you work on an open incident. Other people of the product see your name.

    \b
    Examples:
      alchemesh incidents acknowledge inc-0a1b2c3d4e
      alchemesh incidents acknowledge inc-0a1b2c3d4e --note "the source system is down"
    """
    from alchemesh_platform.app.mesh import incidents

    platform, actor = acting(where)
    _print(where, incidents.acknowledge(platform, actor, incident, text), as_json=as_json)


@command.command(short_help="Add a note to an incident.")
@where_options
@json_option
@incident_argument
@click.argument("text")
def note(where: Where, as_json: bool, incident: str, text: str) -> None:
    """Add a note to an incident, also to a closed one.

    \b
    Examples:
      alchemesh incidents note inc-0a1b2c3d4e "the airline sent the file twice"
    """
    from alchemesh_platform.app.mesh import incidents

    platform, actor = acting(where)
    _print(where, incidents.note(platform, actor, incident, text), as_json=as_json)


@command.command(short_help="Send no notifications of an incident until a time.")
@where_options
@json_option
@click.option(
    "--until", required=True, help="A date (2027-12-31), a moment (2027-12-31T18:00:00+01:00) or a span of time (4h)."
)
@note_option
@incident_argument
def snooze(where: Where, as_json: bool, until: str, text: str, incident: str) -> None:
    """Send no notifications of an open incident until a time, at most 30 days ahead.

    Its transitions until then are recorded, and their notification is sent after that time.

    \b
    Examples:
      alchemesh incidents snooze inc-0a1b2c3d4e --until 4h
      alchemesh incidents snooze inc-0a1b2c3d4e --until 2027-03-01T08:00:00+01:00 --note "the fix is deployed tomorrow"
    """
    from datetime import UTC, datetime

    from alchemesh_platform.access.requests.until import read_until
    from alchemesh_platform.app.mesh import incidents

    platform, actor = acting(where)
    moment = read_until(until, datetime.now(UTC))
    _print(where, incidents.snooze(platform, actor, incident, moment, text), as_json=as_json)


def _print(where: Where, incident: Incident, *, as_json: bool) -> None:
    from datetime import UTC, datetime

    if as_json:
        echo_json("incident", {**where.as_json(), **incident.as_json()})
        return
    from alchemesh_cli.render.mesh.incidents import incident_lines

    click.echo("\n".join(incident_lines(incident, datetime.now(UTC))))
