"""`alchemesh env`: the product's connections as shell variables."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import click

from alchemesh_cli.context import json_option, where_options
from alchemesh_cli.documents import echo_json

if TYPE_CHECKING:
    from alchemesh_platform.app.where import Where


@click.command(short_help="Print the product's connections as shell variables.")
@where_options
@json_option
@click.option(
    "--with-credentials", is_flag=True, help="Also print users and passwords, instead of the files that hold them."
)
def command(where: Where, as_json: bool, with_credentials: bool) -> None:
    """Print the product's connections as shell variables.

    By default, passwords are not printed: the variables name the files that code reads them from.

    \b
    Examples:
      eval "$(alchemesh env)"          # sets ALCHEMESH_CONNECTIONS and one variable for each value
      alchemesh env --json             # the document that code reads
      eval "$(alchemesh env --with-credentials)"   # also …_USER and …_PASSWORD of each data API
    """
    from alchemesh_platform.app.observe import connections, shell_variables
    from alchemesh_platform.app.where import product_address, read_platform

    if as_json and with_credentials:
        raise click.UsageError("--json is the document that code reads, which holds no credentials: leave one out")
    platform, product = read_platform(where), product_address(where)
    if as_json:
        echo_json("connections", connections(platform, product).model_dump(mode="json"))
        return
    for name, value in shell_variables(platform, product, credentials=with_credentials).items():
        click.echo(f"export {name}={shlex.quote(value)}")
