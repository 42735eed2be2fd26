"""`alchemesh contract notice` and `notices`: notice to consumers before a contract changes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from alchemesh_cli.context import json_option, where_options
from alchemesh_cli.documents import echo_json
from alchemesh_cli.render.text.environment import environment_in_words
from alchemesh_cli.terminal.printing import styled

if TYPE_CHECKING:
    from alchemesh_platform.app.mesh.contracts import NoticeResult
    from alchemesh_platform.app.where import Where
    from alchemesh_platform.contracts.notices.period import NoticeOf
    from alchemesh_platform.contracts.notices.recorded import GivenNotice

# As in contracts/notices, which is not imported to show help; a test compares them.
WHATS = ("breaking-change", "deprecation", "retirement", "removal")


@click.command(short_help="Give consumers of a port notice of a change.")
@where_options
@json_option
@click.argument("port", metavar="PORT|ADDRESS")
@click.argument("what", type=click.Choice(WHATS), metavar="WHAT")
@click.option("--message", default="", help="More information for consumers.")
@click.option("--withdraw", is_flag=True, help="Withdraw the notice, as long as the change has not happened.")
def notice(
    where: Where,
    as_json: bool,
    port: str,
    what: NoticeOf,
    message: str,
    withdraw: bool,
) -> None:
    """Give consumers of a port notice of a change: the notice period starts now.

    WHAT is breaking-change, deprecation, retirement or removal. While consumers hold grants, `alchemesh up` allows the
    change once the period is over. Consumers see the notice in `status`, and whenever they preview or deploy. Only the
    owner of the product or a platform owner can give or withdraw a notice. Giving the same notice again changes
    nothing.

    \b
    Examples:
      alchemesh contract notice flights-table breaking-change --message "tail_number goes"
      alchemesh contract notice aviation/flights/flights-table removal -e prod
      alchemesh contract notice flights-table breaking-change --withdraw
    """
    from alchemesh_cli.contract.manifest import named_in_manifest
    from alchemesh_cli.render.run.events import showing
    from alchemesh_platform.app.mesh.contracts import give_notice, withdraw_notice
    from alchemesh_platform.app.where import read_platform
    from alchemesh_platform.identity.identify import identify

    if withdraw and message:
        raise click.UsageError("--message cannot be used with --withdraw")
    platform = read_platform(where)
    manifest = named_in_manifest(where, port)
    actor = identify(platform)
    if withdraw:
        result = withdraw_notice(platform, actor, what, port, manifest)
    else:
        with showing(where, "notice", as_json=as_json) as shown:
            result = give_notice(platform, actor, what, port, manifest, message=message, listen=shown)
    if as_json:
        notice = result.notice.as_json()
        document = {**notice, "new": result.new, "withdrawn": withdraw, "consumers": list(result.consumers)}
        echo_json("notice", document)
    else:
        click.echo(_confirmation(result, datetime.now(UTC)))


@click.command(short_help="Show the notices of output ports.")
@where_options
@json_option
@click.argument("port", required=False, metavar="[PORT|ADDRESS]")
def notices(where: Where, as_json: bool, port: str | None) -> None:
    """Show the notices of output ports, and the dates from which their changes are allowed.

    Shows all ports of the product in this folder, or one. A notice is in force until its change has happened, or until
    it is withdrawn; `alchemesh contract show` lists it too.

    \b
    Examples:
      alchemesh contract notices
      alchemesh contract notices aviation/flights/flights-table -e prod --json
    """
    from alchemesh_cli.contract.manifest import named_in_manifest
    from alchemesh_platform.app.mesh.contracts import notices as notices_of
    from alchemesh_platform.app.where import read_platform

    manifest = named_in_manifest(where, port)
    in_force = notices_of(read_platform(where), manifest, port)
    if as_json:
        document = {**where.as_json(), "notices": [given.as_json() for given in in_force]}
        echo_json("notices", document)
        return
    now = datetime.now(UTC)
    for given in in_force:
        click.echo(f"{styled(given.port, bold=True)}  {given.in_words(now)}")
        click.echo(f"  {_given(given)}")
    if not in_force:
        click.echo(f"no notice is in force in {environment_in_words(where)}")


def _confirmation(result: NoticeResult, now: datetime) -> str:
    """The result of giving or withdrawing a notice, in sentences."""
    given = result.notice
    if result.withdrawn:
        return f"withdrawn: the contract of {given.port} stays in force; a later notice starts a new period"
    sentence = f"{given.port}: {given.in_words(now)}"
    if not result.new:
        return f"{sentence}\nthis notice is in force already: {_given(given)}"
    if not result.consumers:
        return f"{sentence}\nno consumer holds a grant, so the change does not have to wait"
    return f"{sentence}\nnotice given to {', '.join(result.consumers)}"


def _given(given: GivenNotice) -> str:
    from alchemesh_platform.base.time_zone import moment_in_utc

    return f"given {moment_in_utc(given.notice.given_at)} by {given.given_by}"
