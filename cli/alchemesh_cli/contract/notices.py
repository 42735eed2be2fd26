"""`alchemesh contract notice` and `notices`: what consumers are told before a promise changes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from alchemesh_cli.context import json_option, where_options
from alchemesh_cli.render.environment import environment_in_words

if TYPE_CHECKING:
    from alchemesh_platform.app.contracts import NoticeResult
    from alchemesh_platform.app.where import Where
    from alchemesh_platform.contracts.notices.period import NoticeOf
    from alchemesh_platform.contracts.notices.recorded import GivenNotice

# As in contracts/notice.py, which is not imported to show help; a test compares them.
WHATS = ("breaking-change", "deprecation", "retirement", "removal")


@click.command(short_help="Tell consumers of a port what is going to happen.")
@where_options
@json_option
@click.argument("port", metavar="PORT|ADDRESS")
@click.argument("what", type=click.Choice(WHATS), metavar="WHAT")
@click.option("--message", default="", help="What else consumers should know.")
@click.option("--withdraw", is_flag=True, help="Take the notice back, as long as it has not happened.")
def notice(
    where: Where,
    as_json: bool,
    port: str,
    what: NoticeOf,
    message: str,
    withdraw: bool,
) -> None:
    """Tell consumers of a port what is going to happen: the notice period runs from now on.

    WHAT is breaking-change, deprecation, retirement or removal. While consumers hold grants, `alchemesh up` lets the
    change pass once the period is over. Consumers see the notice in `status`, and whenever they preview or deploy. It
    is for the owner of the product, or a platform owner, to give and to take back. A notice that was given stands:
    giving it again changes nothing.

    \b
    Examples:
      alchemesh contract notice flights-table breaking-change --message "tail_number goes"
      alchemesh contract notice aviation/flights/flights-table removal -e prod
      alchemesh contract notice flights-table breaking-change --withdraw
    """
    from alchemesh_cli.contract.manifest import named_in_manifest
    from alchemesh_platform.app.contracts import give_notice, withdraw_notice
    from alchemesh_platform.app.where import read_platform
    from alchemesh_platform.identity.identify import identify

    if withdraw and message:
        raise click.UsageError("--message is for a notice that is given, not for one that is taken back")
    platform = read_platform(where)
    manifest = named_in_manifest(where, port)
    actor = identify(platform)
    if withdraw:
        result = withdraw_notice(platform, actor, what, port, manifest)
    else:
        result = give_notice(platform, actor, what, port, manifest, message=message)
    if as_json:
        notice = result.notice.as_json()
        document = {**notice, "new": result.new, "withdrawn": withdraw, "consumers": list(result.consumers)}
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        click.echo(_confirmation(result, datetime.now(UTC)))


@click.command(short_help="Show what consumers of output ports were told.")
@where_options
@json_option
@click.argument("port", required=False, metavar="[PORT|ADDRESS]")
def notices(where: Where, as_json: bool, port: str | None) -> None:
    """Show what consumers of output ports were told, and from when on it may happen.

    Of all ports of the product in this folder, or of one. A notice stands until what it tells has happened, or until it
    is taken back; `alchemesh contract show` has it too.

    \b
    Examples:
      alchemesh contract notices
      alchemesh contract notices aviation/flights/flights-table -e prod --json
    """
    from alchemesh_cli.contract.manifest import named_in_manifest
    from alchemesh_platform.app.contracts import notices as notices_of
    from alchemesh_platform.app.where import read_platform

    manifest = named_in_manifest(where, port)
    reported = notices_of(read_platform(where), manifest, port)
    if as_json:
        document = {**where.as_json(), "notices": [given.as_json() for given in reported]}
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
        return
    now = datetime.now(UTC)
    for given in reported:
        click.echo(f"{click.style(given.port, bold=True)}  {given.reported(now)}")
        click.echo(f"  {_given(given)}")
    if not reported:
        click.echo(f"no notice stands in {environment_in_words(where)}")


def _confirmation(result: NoticeResult, now: datetime) -> str:
    """The notice that was given or withdrawn, in sentences for the person who did it."""
    given = result.notice
    if result.withdrawn:
        return f"taken back: {given.port} keeps what it promises; the next notice begins anew"
    reported = f"{given.port}: {given.reported(now)}"
    if not result.new:
        return f"{reported}\nthis was told already: {_given(given)}, and stands"
    if not result.consumers:
        return f"{reported}\nnobody holds a grant, so nothing has to wait for it"
    return f"{reported}\ntold to {', '.join(result.consumers)}"


def _given(given: GivenNotice) -> str:
    from alchemesh_platform.contracts.notices.period import moment_in_words

    return f"given {moment_in_words(given.notice.given_at)} by {given.given_by}"
