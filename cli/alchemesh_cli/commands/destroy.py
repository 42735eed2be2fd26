"""`alchemesh destroy`: remove the deployed resources."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from alchemesh_cli.context import json_option, where_options
from alchemesh_cli.options import override_option, parallel_option, take_over_option, yes_option

if TYPE_CHECKING:
    from alchemesh_platform.app.where import Where


@click.command(short_help="Remove the deployed resources; keep their data.")
@where_options
@json_option
@click.argument("address", metavar="[DOMAIN/PRODUCT]", required=False)
@yes_option
@parallel_option
@take_over_option
@override_option
@click.option("--delete-data", is_flag=True, help="Also delete the data on this machine and in Kafka, for good.")
def command(
    where: Where,
    as_json: bool,
    address: str | None,
    confirmed: bool,
    parallel: int | None,
    take_over: str | None,
    override_notice: str | None,
    delete_data: bool,
) -> int:
    """Remove the deployed resources; keep the data unless --delete-data is set.

    Cancels runs of the code, stops servers and removes the product's records from the registry; the history stays.
    Tables and files stay in place, and a later `up` uses them again. Data in a cloud is deleted only if
    `keep_on_destroy: false` was deployed. Exit code 4 means that consumers hold grants: give them notice first.
    DOMAIN/PRODUCT removes a product whose folder is not here, from the manifest of its last deployment.

    \b
    Examples:
      alchemesh destroy
      alchemesh destroy --delete-data --yes
      alchemesh destroy retail/orders -e dev
    """
    from alchemesh_cli.render.run.events import showing
    from alchemesh_cli.terminal.asking import confirm
    from alchemesh_cli.terminal.interrupts import interruptible
    from alchemesh_platform.app.product.deploy import destroy
    from alchemesh_platform.app.where import read_product, recorded_product
    from alchemesh_platform.identity.identify import identify

    product = recorded_product(where, address) if address else read_product(where)
    what = "and all its data " if delete_data else ""
    confirm(f"Remove {product.plan.product.address} {what}from {where.environment}?", confirmed)
    actor = identify(product.platform)
    with interruptible() as cancel, showing(where, "destroy", as_json=as_json) as shown:
        done = destroy(
            product,
            actor,
            delete_data=delete_data,
            parallel=parallel,
            take_over=take_over,
            override_notice=override_notice,
            listen=shown,
            cancel=cancel,
        )
    return done.exit_code()
