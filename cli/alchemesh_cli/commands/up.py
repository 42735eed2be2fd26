"""`alchemesh up`: deploy the data product and record its assets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from alchemesh_cli.context import json_option, where_options
from alchemesh_cli.documents import echo_json
from alchemesh_cli.options import override_option, parallel_option, take_over_option, target_option, yes_option

if TYPE_CHECKING:
    from alchemesh_platform.app.where import Where
    from alchemesh_platform.deployment.report.outcome import Outcome


@click.command(short_help="Deploy the data product and record its assets.")
@where_options
@json_option
@yes_option
@target_option
@parallel_option
@take_over_option
@override_option
@click.option(
    "--allow-data-loss",
    "allow_data_loss",
    metavar="PORT",
    multiple=True,
    help="Deploy a change that deletes the data of this port; repeatable.",
)
def command(
    where: Where,
    as_json: bool,
    confirmed: bool,
    targets: tuple[str, ...],
    parallel: int | None,
    take_over: str | None,
    override_notice: str | None,
    allow_data_loss: tuple[str, ...],
) -> int:
    """Deploy the data product and record its assets.

    Shows the changes and asks for confirmation. After an interrupted run, `up` resumes where it stopped. Exit code 4
    means that a policy or a contract forbids the deployment, or that a change needs notice to consumers first: the
    message names the consumers, the date from which the change is allowed, and the command that gives notice.

    `up` records the component of each component type in alchemesh.lock. It refuses a component that differs from the
    recorded one, with exit code 4, until `alchemesh components upgrade` has recorded it.

    A change that deletes data comes first, marked ± or -, with the number of rows or files. `up` asks a question of its
    own for each such port; with --yes it needs --allow-data-loss for each, also for a port that the manifest no longer
    has.

    \b
    Examples:
      alchemesh up                     # preview, confirm, deploy
      alchemesh up --yes --json        # in a pipeline
      alchemesh up --target flights-table
      alchemesh up --override-notice "a leak of personal data"
      alchemesh up --yes --allow-data-loss flights-table
    """
    from alchemesh_cli.render.run.events import showing
    from alchemesh_cli.terminal.asking import confirm_possible
    from alchemesh_cli.terminal.interrupts import interruptible
    from alchemesh_platform.app.product.deploy import up
    from alchemesh_platform.app.where import read_product
    from alchemesh_platform.identity.identify import identify

    product = read_product(where, look=True)
    if not confirmed:
        confirm_possible()
    actor = identify(product.platform)
    with interruptible() as cancel, showing(where, "up", as_json=as_json) as shown:
        done = up(
            product,
            actor,
            confirm=None if confirmed else lambda preview: _confirm(preview, allow_data_loss),
            targets=targets,
            parallel=parallel,
            take_over=take_over,
            override_notice=override_notice,
            allow_data_loss=allow_data_loss,
            listen=shown,
            cancel=cancel,
        )
    if as_json and done.operation == "preview":  # nothing to deploy, or the preview failed
        echo_json("deployment", done.as_json())
    return done.exit_code()


def _confirm(preview: Outcome, allowed: tuple[str, ...]) -> bool:
    """Ask whether to deploy, and for each port whether to delete its data."""
    from alchemesh_cli.render.text.quantities import losses_in_words
    from alchemesh_cli.terminal.asking import confirm

    confirm("Deploy this?", confirmed=False)
    for port, changes in preview.losing.items():
        if port not in allowed:
            confirm(f"Delete {losses_in_words([change.loss for change in changes])} of {port}?", confirmed=False)
    return True
