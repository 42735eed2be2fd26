"""`alchemesh access credential`: issue the credential of a granted consumer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from alchemesh_cli.access.output import acting, request_argument
from alchemesh_cli.context import json_option, where_options

if TYPE_CHECKING:
    from alchemesh_platform.app.where import Where


@click.command(short_help="Issue the credential of a granted request; shown once.")
@where_options
@json_option
@request_argument
def credential(where: Where, as_json: bool, request: str) -> None:
    """Issue the credential of a granted request; shown once.

    Only the requester and its people can issue it: for data APIs of this machine, and for Kafka topics whose users the
    platform creates. Only a hash is stored. If you lose the credential, issue another one, which replaces the old one.
    A data product needs no credential for a data API: its own `up` issues one, and replaces one that was issued here.
    For a topic, set the platform's password of the cluster in the variable that the platform file names.

    \b
    Examples:
      alchemesh access credential req-0a1b2c3d
      alchemesh access credential req-0a1b2c3d --json | jq -r .password | pass insert -e mesh/flights
    """
    from alchemesh_cli.render.events import showing
    from alchemesh_platform.app.access import credential as issue

    platform, actor = acting(where)
    with showing(where, "credential", as_json=as_json) as shown:
        issued = issue(platform, actor, request, listen=shown)
    if as_json:
        click.echo(json.dumps({"user": issued.user, "password": issued.password, **issued.valid_for}, indent=2))
        return
    click.echo(f"user      {issued.user}\npassword  {issued.password}")
    click.echo("\n".join(("", *issued.lines, "", "It is not shown again: store it in a secret manager.")), err=True)
