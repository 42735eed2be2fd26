"""`alchemesh access credential`: issue the credential of a granted consumer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from alchemesh_cli.access.output import acting, request_argument
from alchemesh_cli.context import json_option, where_options
from alchemesh_cli.documents import echo_json
from alchemesh_cli.options import yes_option
from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.remedy import command, remedy

if TYPE_CHECKING:
    from alchemesh_platform.app.where import Where


class NotShown(Failure):
    """Raised when a credential was issued and stdout could not be written, so nobody has read it."""

    def __init__(self, request: str) -> None:
        super().__init__(
            f"the credential of {request} was issued, and stdout could not be written: nobody has read its password",
            hint=remedy("{} issues another one", command("access", "credential", request, "--rotate")),
        )


@click.command(short_help="Issue the credential of a granted request; shown once.")
@where_options
@json_option
@request_argument
@yes_option
@click.option("--rotate", is_flag=True, help="Keep the earlier credential valid for the overlap of the platform file.")
@click.option(
    "--code", is_flag=True, help="Issue the credential of the code that reads a topic through the request instead."
)
def credential(where: Where, as_json: bool, request: str, rotate: bool, code: bool, confirmed: bool) -> None:
    """Issue your credential of a granted request; shown once.

    Only the requester and its people can issue one: for data APIs of this machine, and for Kafka topics whose users the
    platform creates. Only a hash is stored. Each member has a credential of their own. It expires as the platform file
    says, and ends when the member leaves the team or the mesh. If you lose it, issue another one: the command names the
    credentials that it replaces and asks. With --rotate, the earlier one stays valid for the overlap. A data product
    needs no credential for a data API: its own `up` issues one. For a topic, the request of a data product has a
    credential for its code; --code issues it for the request of a team or a domain that a product reads through. To
    rotate it, put USER:PASSWORD into the variable of the code. For a topic, set the platform's password of the cluster
    in the variable that the platform file names.

    \b
    Examples:
      alchemesh access credential req-0a1b2c3d
      alchemesh access credential req-0a1b2c3d --rotate
      alchemesh access credential req-0a1b2c3d --code --rotate
      alchemesh access credential req-0a1b2c3d --yes --json | jq -r .password | pass insert -e mesh/flights
    """
    from alchemesh_cli.render.run.events import showing
    from alchemesh_cli.terminal.asking import confirm
    from alchemesh_platform.access.requests.states import moment
    from alchemesh_platform.app.mesh.access import credential as issue
    from alchemesh_platform.app.mesh.access import replaced_credentials

    platform, actor = acting(where)
    replaced = replaced_credentials(platform, actor, request, rotate=rotate, code=code)
    if replaced:
        for sentence in replaced:
            click.echo(sentence, err=True)
        confirm(f"Replace {'it' if len(replaced) == 1 else 'them'}?", confirmed)
    with showing(where, "credential", as_json=as_json) as shown:
        handed = issue(platform, actor, request, rotate=rotate, code=code, listen=shown)
    issued, expires_at = handed.issued, handed.record.expires_at
    if as_json:
        document = {"user": issued.user, "password": issued.password, **issued.valid_for}
        document["expires_at"] = expires_at.isoformat() if expires_at is not None else None
        echo_json("credential", document)
        _check_shown(request)
        return
    click.echo(f"user      {issued.user}\npassword  {issued.password}")
    _check_shown(request)
    expires = [f"expires   {moment(expires_at)}"] if expires_at is not None else []
    click.echo("\n".join(("", *issued.lines, *expires, "")), err=True)
    if rotate and handed.replaced is not None and handed.replaced.expires_at is not None:
        click.echo(f"The earlier credential is valid until {moment(handed.replaced.expires_at)}.", err=True)
    click.echo("It is not shown again: store it in a secret manager.", err=True)


def _check_shown(request: str) -> None:
    from alchemesh_cli.terminal.printing import is_lost

    if is_lost():
        raise NotShown(request)
