"""`alchemesh unlock`: release a stack that a killed run left locked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from alchemesh_cli.context import where_options

if TYPE_CHECKING:
    from alchemesh_platform.app.where import Where


@click.command(short_help="Release a stack that a killed run left locked.")
@where_options
@click.option("--yes", "confirmed", is_flag=True, help="Do not ask.")
def command(where: Where, confirmed: bool) -> None:
    """Release a stack that a killed run left locked.

    A run that was killed on this machine is noticed by the next `up`, which needs no help. This is for a lock of
    another machine that will not come back.

    \b
    Examples:
      alchemesh unlock -e prod
    """
    from alchemesh_cli.asking import confirm
    from alchemesh_platform.app.declared import declared_address
    from alchemesh_platform.app.unlock import unlock
    from alchemesh_platform.app.where import read_platform

    platform = read_platform(where)
    # Other problems of the manifest do not keep the stack locked.
    address = declared_address(where)
    confirm(f"Unlock {address} in {where.environment}? Nobody else may be deploying it.", confirmed)
    for note in unlock(platform, address):
        click.echo(note, err=True)
