"""Options that several commands share."""

from __future__ import annotations

import click

DEBUG_VARIABLE = "ALCHEMESH_DEBUG"  # set: an unexpected error shows its traceback


def _reason(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    if value is not None and not value.strip():
        raise click.BadParameter("give a reason: it is recorded")
    return value


yes_option = click.option("--yes", "confirmed", is_flag=True, help="Do not ask for confirmation.")
delete_protected_option = click.option(
    "--delete-protected", is_flag=True, help="Also remove protected resources: the bucket of the state, the registry."
)
target_option = click.option(
    "--target", "targets", metavar="PORT", multiple=True, help="Only this port or need; repeatable."
)

override_option = click.option(
    "--override-notice",
    metavar="REASON",
    callback=_reason,
    help="Skip the notice period of a change, with a recorded reason; platform owners only.",
)
take_over_option = click.option(
    "--take-over",
    metavar="REASON",
    callback=_reason,
    help="Operate a product of another team of your domain, with a recorded reason.",
)
parallel_option = click.option(
    "--parallel", type=click.IntRange(1, 256), help="Maximum number of resources that are changed at once."
)
