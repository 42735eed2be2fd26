"""`alchemesh access`: request access to output ports, and decide on requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast, get_args

import click

from alchemesh_cli.access.apply import apply_command
from alchemesh_cli.access.credential import credential
from alchemesh_cli.access.decide import approve, extend, reject, renew, revoke
from alchemesh_cli.access.output import acting, default_requester, print_request
from alchemesh_cli.context import json_option, where_options
from alchemesh_cli.documents import echo_json
from alchemesh_platform.registry.records import RequestState

if TYPE_CHECKING:
    from alchemesh_platform.app.where import Where

STATES: tuple[RequestState, ...] = get_args(RequestState)


@click.group(short_help="Request access to output ports, and decide on requests.")
def command() -> None:
    """Request access to output ports, and decide on requests.

    \b
    Examples:
      alchemesh access request aviation/flights/flights-table --purpose "punctuality of carriers"
      alchemesh access list --state requested
      alchemesh access approve req-0a1b2c3d
      alchemesh access show req-0a1b2c3d
    """


@command.command(short_help="Request access to an output port.")
@where_options
@json_option
@click.argument("port")
@click.option("--purpose", required=True, help="Intended use of the data.")
@click.option("--until", help="When access ends: 2027-12-31, or 90d from now.  [default: no end]")
@click.option(
    "--as",
    "acting_as",
    metavar="KIND:ADDRESS",
    help="The requester: data_product:domain/product, technical_team:domain/team, user:email or data_domain:domain.  "
    "[default: the product of this folder, otherwise you]",
)
def request(
    where: Where,
    as_json: bool,
    port: str,
    purpose: str,
    until: str | None,
    acting_as: str | None,
) -> None:
    """Request access to an output port.

    PORT is its address, domain/product/port. Requests for a public port, and requests from the same domain for an
    internal port, are approved immediately. The owner of the product decides on all other requests.

    \b
    Examples:
      alchemesh access request aviation/flights/flights-table --purpose "punctuality of carriers"
      alchemesh access request aviation/flights/flights-table --as technical_team:operations/punctuality-desk \\
          --purpose "a study" --until 90d
    """
    from datetime import UTC, datetime

    from alchemesh_cli.render.run.events import showing
    from alchemesh_platform.access.requester import Requester
    from alchemesh_platform.access.requests.until import parse_until
    from alchemesh_platform.app.mesh.access import request as ask

    platform, actor = acting(where)
    requester = Requester.parse(acting_as) if acting_as else default_requester(where, actor.subject)
    ends_at = parse_until(until, datetime.now(UTC)) if until else None
    with showing(where, "request", as_json=as_json) as shown:
        asked = ask(platform, actor, port, requester, purpose, ends_at=ends_at, listen=shown)
    print_request(asked, where, as_json=as_json)


@command.command(name="list", short_help="List access requests and their states.")
@where_options
@json_option
@click.option("--port", help="Only requests for this output port: domain/product/port.")
@click.option("--product", help="Only requests for ports of this product: domain/product.")
@click.option("--requester", help="Only requests of this requester: an address, or KIND:ADDRESS.")
@click.option("--state", "states", type=click.Choice(STATES), multiple=True, help="Only in this state; repeatable.")
@click.option("--mine", is_flag=True, help="Only requests by you, or for you, your teams or your products.")
def list_(
    where: Where,
    as_json: bool,
    port: str | None,
    product: str | None,
    requester: str | None,
    states: tuple[str, ...],
    mine: bool,
) -> None:
    """List access requests and their states, the latest first, with the holders of their credentials.

    \b
    Examples:
      alchemesh access list --state requested
      alchemesh access list --port aviation/flights/flights-table --state granted --json
      alchemesh access list --mine
    """
    from alchemesh_cli.render.mesh.access import request_document, request_table
    from alchemesh_cli.render.text.environment import environment_in_words
    from alchemesh_platform.app.mesh.access import find
    from alchemesh_platform.app.mesh.credentials import held

    platform, actor = acting(where)
    found = find(
        platform,
        port=port,
        product=product,
        requester=requester,
        states=cast("tuple[RequestState, ...]", states),
        speaker=actor if mine else None,
    )
    credentials = held(platform) if found else []
    if as_json:
        documents = [request_document(each, held=credentials) for each in found]
        document = {**where.as_json(), "requests": documents}
        echo_json("requests", document)
        return
    narrowed = any((port, product, requester, states, mine))
    environment = environment_in_words(where)
    nothing = f"no such request in {environment}" if narrowed else f"no access was requested in {environment} yet"
    if found and where.emulated:
        click.echo(f"requests  {environment}\n")
    click.echo(request_table(found, credentials) if found else nothing)


@command.command(short_help="Show a request, with every decision on it.")
@where_options
@json_option
@click.argument("request", metavar="REQUEST")
def show(where: Where, as_json: bool, request: str) -> None:
    """Show a request, with every decision on it.

    \b
    Examples:
      alchemesh access show req-0a1b2c3d
      alchemesh access show req-0a1b2c3d --json | jq -r '.steps[] | [.state, .at, .by] | @tsv'
    """
    from alchemesh_cli.render.mesh.access import request_document, request_page
    from alchemesh_cli.render.text.environment import environment_in_words
    from alchemesh_platform.app.mesh.access import show as show_request
    from alchemesh_platform.app.mesh.credentials import held

    platform, _actor = acting(where)
    found = show_request(platform, request)
    credentials = held(platform, request=request)
    if as_json:
        document = request_document(found.request, found.grant, credentials) | where.as_json()
        echo_json("request", document)
    else:
        click.echo(request_page(found.request, found.grant, environment_in_words(where), credentials))


for each in (approve, reject, revoke, renew, extend, apply_command, credential):
    command.add_command(each)
