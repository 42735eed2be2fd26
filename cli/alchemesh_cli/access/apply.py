"""`alchemesh access apply`: deploying the decisions on access, and nothing else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from alchemesh_cli.access.output import acting
from alchemesh_cli.context import json_option, where_options

if TYPE_CHECKING:
    from alchemesh_platform.app.access import Applied
    from alchemesh_platform.app.where import Where


@click.command(name="apply", short_help="Let in who was approved, and take out whose access is over.")
@where_options
@json_option
@click.argument("product", required=False, metavar="[PRODUCT]")
def apply_command(where: Where, as_json: bool, product: str | None) -> int:
    """Let in who was approved, and take out whose access was revoked or has ended.

    At the ports of PRODUCT (domain/product), or of every product where something was decided. Nothing else of a
    product is touched, and its repo is not needed: it is composed as it was deployed last. Made for a timer: where
    nothing is to do, nothing is done, and a product that cannot be deployed now is told and holds up no other.

    \b
    Examples:
      alchemesh access apply aviation/flights
      alchemesh access apply -e prod --json        # every hour, so that access ends when it should
    """
    from alchemesh_cli.interrupts import interruptible
    from alchemesh_cli.render.events import showing
    from alchemesh_platform.app.access import apply

    platform, actor = acting(where)
    with interruptible() as cancel, showing(where, "apply", as_json=as_json) as shown:
        applied = apply(platform, actor, product, listen=shown, cancel=cancel)
    if as_json:
        click.echo(json.dumps(_document(where, applied), indent=2, ensure_ascii=False))
    return applied.exit_code


def _document(where: Where, applied: Applied) -> dict[str, Any]:
    return {
        **where.as_json(),
        "products": [*applied.outcomes, *applied.failures],
        "applied": [outcome.as_json() for outcome in applied.outcomes.values() if outcome is not None],
        "failed": [
            {"product": product, "message": failure.message, "hint": failure.hint}
            for product, failure in applied.failures.items()
        ],
    }
