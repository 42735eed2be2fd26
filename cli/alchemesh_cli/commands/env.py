"""`alchemesh env`: the product's connections as shell variables."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from alchemesh_cli.context import json_option, where_options

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
    from alchemesh_platform.app.observe import connections
    from alchemesh_platform.app.where import product_address, read_platform
    from alchemesh_platform.base.writing import write_private
    from alchemesh_platform.connections import CONNECTIONS_VARIABLE
    from alchemesh_platform.deployment.emulation import emulator_variables

    platform = read_platform(where)
    found = connections(platform, product_address(where))
    if as_json and with_credentials:
        raise click.UsageError("--json prints no credentials: use either --json or --with-credentials")
    document = found.model_dump_json(indent=2)
    if as_json:
        click.echo(document)
        return
    path = Path(platform.home, where.environment, "connections", f"{found.product.replace('/', '.')}.json")
    write_private(path, document)
    variables = {
        CONNECTIONS_VARIABLE: str(path),
        **found.environ(credentials=with_credentials),
        **emulator_variables(platform),
    }
    for name, value in variables.items():
        click.echo(f"export {name}={shlex.quote(value)}")
