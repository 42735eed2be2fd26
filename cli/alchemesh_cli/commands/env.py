"""`alchemesh env`: the product's connections, for a shell."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from alchemesh_cli.context import json_option, product_address_of, where_options


@click.command(short_help="Print the product's connections for a shell.")
@where_options
@json_option
@click.option(
    "--with-credentials", is_flag=True, help="Print users and passwords too, where otherwise their files are named."
)
def command(
    directory: Path, environment: str, platform_file: Path | None, as_json: bool, with_credentials: bool
) -> None:
    """Print the product's connections for a shell.

    Passwords are not printed unless asked for: code reads them from the files that are named.

    \b
    Examples:
      eval "$(alchemesh env)"          # this shell gets ALCHEMESH_CONNECTIONS and one variable for each value
      alchemesh env --json             # the document that code reads
      eval "$(alchemesh env --with-credentials)"   # and …_USER and …_PASSWORD of each data API
    """
    from alchemesh_cli.context import load_platform_for
    from alchemesh_platform.base.writing import write_private
    from alchemesh_platform.clouds.gcp.emulation.environment import emulators_of
    from alchemesh_platform.connections import CONNECTIONS_VARIABLE
    from alchemesh_platform.deployment.connections import read_connections
    from alchemesh_platform.registry.store import Registry

    platform = load_platform_for(directory, environment, platform_file)
    with Registry.open(platform.registry) as registry:
        connections = read_connections(registry, environment, product_address_of(directory, environment))
    if as_json and with_credentials:
        raise click.UsageError("--json is the document that code reads, which holds no credentials: leave one out")
    document = connections.model_dump_json(indent=2)
    if as_json:
        click.echo(document)
        return
    path = Path(platform.home, environment, "connections", f"{connections.product.replace('/', '.')}.json")
    write_private(path, document)
    found = emulators_of(platform).variables() if platform.emulated else {}
    variables = {CONNECTIONS_VARIABLE: str(path), **connections.environ(credentials=with_credentials), **found}
    for name, value in variables.items():
        click.echo(f"export {name}={shlex.quote(value)}")
