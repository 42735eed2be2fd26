"""`alchemesh ports`: the input ports of a product."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from alchemesh_cli.context import json_option, where_options
from alchemesh_cli.documents import echo_json

if TYPE_CHECKING:
    from alchemesh_platform.app.where import Where


@click.group(short_help="Propose the schema of an input port.")
def command() -> None:
    """Propose the schema of an input port.

    \b
    Examples:
      alchemesh ports infer sales
      alchemesh ports infer sales --write
    """


@command.command(short_help="Propose a schema from all files of an input port.")
@click.argument("port")
@where_options
@json_option
@click.option("--write", is_flag=True, help="Write the schema into the manifest, which keeps its comments.")
def infer(port: str, where: Where, as_json: bool, write: bool) -> None:
    """Propose a schema that every row of an input port fits.

    Reads all source files at once and changes none of them. For each column, the proposal names what another type would
    lose, with an example. `up` then checks every row against the schema.

    \b
    Examples:
      alchemesh ports infer sales
      alchemesh ports infer sales --write
      alchemesh ports infer sales --json | jq .losses
    """
    from alchemesh_platform.app.manifest.ports import infer_schema, write_schema

    proposal = infer_schema(where, port)
    written = write_schema(proposal) if write else None
    if as_json:
        document = {**proposal.as_json(), "written": None if written is None else str(written)}
        echo_json("proposed-schema", document)
        return
    click.echo("schema:")
    for line in proposal.lines():
        click.echo(f"  {line}")
    for each in proposal.properties:
        for loss in each.losses:
            click.echo(f"{each.name}: {loss}", err=True)
    if written is not None:
        click.echo(f"written to {written}", err=True)
