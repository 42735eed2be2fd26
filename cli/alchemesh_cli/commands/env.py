"""`alchemesh env`: the product's connections, for a shell."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from alchemesh_cli.context import json_option, product_address_of, where_options


@click.command(short_help="Print the product's connections for a shell.")
@where_options
@json_option
def command(directory: Path, environment: str, platform_file: Path | None, as_json: bool) -> None:
    """Print the product's connections for a shell.

    \b
    Examples:
      eval "$(alchemesh env)"          # this shell gets ALCHEMESH_CONNECTIONS and one variable for each value
      alchemesh env --json             # the document that code reads
    """
    from alchemesh_cli.context import load_platform_for
    from alchemesh_platform.connections import CONNECTIONS_VARIABLE
    from alchemesh_platform.deployment.connected import read_connections
    from alchemesh_platform.registry.store import Registry
    from alchemesh_platform.writing import write_private

    platform = load_platform_for(directory, environment, platform_file)
    with Registry.open(platform.registry) as registry:
        connections = read_connections(registry, environment, product_address_of(directory, environment))
    document = connections.model_dump_json(indent=2)
    if as_json:
        click.echo(document)
        return
    path = Path(platform.home, environment, "connections", f"{connections.product.replace('/', '.')}.json")
    write_private(path, document)
    for name, value in {CONNECTIONS_VARIABLE: str(path), **connections.environ()}.items():
        click.echo(f"export {name}={shlex.quote(value)}")
