"""`alchemesh login`: sign in to the platform's identity provider."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from alchemesh_cli.context import where_options
from alchemesh_cli.terminal.printing import styled

if TYPE_CHECKING:
    from alchemesh_platform.app.where import Where


@click.command(short_help="Sign in to the platform's identity provider.")
@where_options
@click.option("--forget", is_flag=True, help="Sign out: remove the stored token.")
def command(where: Where, forget: bool) -> None:
    """Sign in to the platform's identity provider, with a browser on any machine.

    Prints an address and a code, and waits until you enter the code there. The token is stored in a file that only you
    can read, and identifies you until it expires. A pipeline needs no login: set the variable that the platform file
    names in identity.token.

    \b
    Examples:
      alchemesh login -e prod
      alchemesh login -e prod --forget
    """
    from alchemesh_platform.app.where import read_platform
    from alchemesh_platform.identity.login import ask_for_code, wait_for_token
    from alchemesh_platform.identity.signed_in import keep_token, kept_token_file
    from alchemesh_platform.identity.token import verify

    provider = read_platform(where).identity
    if forget:
        kept_token_file(provider).unlink(missing_ok=True)
        click.echo("signed out", err=True)
        return
    asked = ask_for_code(provider)
    click.echo(f"open {asked.address} and enter the code {styled(asked.code, bold=True)}", err=True)
    token = wait_for_token(provider, asked)
    identity = verify(token, provider)
    keep_token(provider, token)
    click.echo(f"signed in as {identity.subject}", err=True)
