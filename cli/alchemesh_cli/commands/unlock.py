"""`alchemesh unlock`: remove the lock that a killed run left on a stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from alchemesh_cli.context import where_options
from alchemesh_cli.options import take_over_option, yes_option

if TYPE_CHECKING:
    from alchemesh_platform.app.where import Where


@click.command(short_help="Remove the lock that a killed run left on a stack.")
@where_options
@yes_option
@take_over_option
def command(where: Where, confirmed: bool, take_over: str | None) -> None:
    """Remove the lock that a killed run left on a stack.

    After a run was killed on this machine, the next `up` removes its lock itself. Use this command for a lock of
    another machine that is lost.

    \b
    Examples:
      alchemesh unlock -e prod
    """
    from alchemesh_cli.terminal.asking import confirm
    from alchemesh_platform.app.manifest.declared import declared_product
    from alchemesh_platform.app.product.unlock import unlock
    from alchemesh_platform.app.where import read_platform
    from alchemesh_platform.identity.identify import identify

    platform = read_platform(where)
    # Other problems of the manifest must not prevent unlocking.
    product = declared_product(where)
    confirm(f"Unlock {product.address} in {where.environment}? Make sure that no other run is deploying it.", confirmed)
    for note in unlock(platform, product, identify(platform), take_over=take_over):
        click.echo(note, err=True)
