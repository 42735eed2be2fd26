"""`alchemesh access apply`: deploy the decisions on access requests, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from alchemesh_cli.access.output import acting
from alchemesh_cli.context import json_option, where_options
from alchemesh_cli.documents import echo_json
from alchemesh_cli.options import take_over_option
from alchemesh_platform.base.remedy import hint_as_json

if TYPE_CHECKING:
    from alchemesh_platform.app.mesh.access import Applied
    from alchemesh_platform.app.where import Where


@click.command(name="apply", short_help="Deploy approved grants and remove those that ended.")
@where_options
@json_option
@take_over_option
@click.argument("product", required=False, metavar="[PRODUCT]")
def apply_command(where: Where, as_json: bool, take_over: str | None, product: str | None) -> int:
    """Deploy approved grants and remove those that were revoked or have ended.

    Deploys the grants of PRODUCT (domain/product), or of every product with undeployed decisions. Changes nothing else
    of a product and does not need its repo: the product is composed as it was last deployed. You can run it by a timer:
    without changes it does nothing, and if one product fails, the others are still deployed.

    \b
    Examples:
      alchemesh access apply aviation/flights
      alchemesh access apply -e prod --json        # run it every hour to end access on time
    """
    from alchemesh_cli.render.run.events import showing
    from alchemesh_cli.terminal.interrupts import interruptible
    from alchemesh_platform.app.mesh.access import apply

    platform, actor = acting(where)
    with interruptible() as cancel, showing(where, "apply", as_json=as_json) as shown:
        applied = apply(platform, actor, product, take_over=take_over, listen=shown, cancel=cancel)
    if as_json:
        echo_json("applied-grants", _document(where, applied))
    return applied.exit_code


def _document(where: Where, applied: Applied) -> dict[str, Any]:
    return {
        **where.as_json(),
        "products": [*applied.outcomes, *applied.failures],
        "applied": [outcome.as_json() for outcome in applied.outcomes.values() if outcome is not None],
        "failed": [
            {"product": product, "message": failure.message, **hint_as_json(failure.hint)}
            for product, failure in applied.failures.items()
        ],
    }
