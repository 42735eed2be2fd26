"""`alchemesh engine`: where the Pulumi engine comes from."""

from __future__ import annotations

import json

import click

from alchemesh_cli.context import json_option


@click.command(short_help="Find, get and show the Pulumi engine.")
@click.option("--install", is_flag=True, help="Download or build it where it is not there yet.")
@json_option
def command(install: bool, as_json: bool) -> None:
    """Find, get and show the Pulumi engine.

    It is looked for on PATH and in the cache; then it is downloaded from Pulumi, and where that is not possible built
    from its Go module, which takes some minutes, once.

    \b
    Examples:
      alchemesh engine                 # which one is used, and where it comes from
      alchemesh engine --install       # get it now rather than at the first `up`
    """
    from alchemesh_platform.engine.discover import find_engine

    found = find_engine(progress=lambda line: click.echo(line, err=True), allow_install=install)
    if as_json:
        click.echo(json.dumps({"path": str(found.path), "version": found.version, "source": found.source}, indent=2))
    else:
        click.echo(f"Pulumi {found.version}  {found.path}  ({found.source})")
