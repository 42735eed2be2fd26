"""`alchemesh refresh`: update the recorded state from the deployed resources."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from alchemesh_cli.context import json_option, where_options
from alchemesh_cli.options import parallel_option, take_over_option, yes_option

if TYPE_CHECKING:
    from alchemesh_platform.app.where import Where


@click.command(short_help="Update the recorded state from the deployed resources.")
@where_options
@json_option
@yes_option
@parallel_option
@take_over_option
def command(
    where: Where,
    as_json: bool,
    confirmed: bool,
    parallel: int | None,
    take_over: str | None,
) -> int:
    """Update the recorded state from the deployed resources.

    Records resources that were changed or removed by hand. Changes no resource; the next `up` corrects the drift.

    \b
    Examples:
      alchemesh refresh
    """
    from alchemesh_cli.asking import confirm
    from alchemesh_cli.interrupts import interruptible
    from alchemesh_cli.render.events import showing
    from alchemesh_platform.app.deploy import refresh
    from alchemesh_platform.app.where import read_product
    from alchemesh_platform.identity.identify import identify

    product = read_product(where)
    confirm(f"Record the current state of {product.plan.product.address} in {where.environment}?", confirmed)
    actor = identify(product.platform)
    with interruptible() as cancel, showing(where, "refresh", as_json=as_json) as shown:
        done = refresh(product, actor, parallel=parallel, take_over=take_over, listen=shown, cancel=cancel)
    return done.exit_code()
