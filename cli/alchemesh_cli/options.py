"""Options that several commands share."""

from __future__ import annotations

import click


def _reason(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    if value is not None and not value.strip():
        raise click.BadParameter("say why: the reason is recorded")
    return value


yes_option = click.option("--yes", "confirmed", is_flag=True, help="Do not ask.")
delete_protected_option = click.option(
    "--delete-protected", is_flag=True, help="Remove what is protected too: the state's bucket, the registry."
)
target_option = click.option("--target", "targets", metavar="PORT", multiple=True, help="Only this port or need.")

override_option = click.option(
    "--override-notice",
    metavar="REASON",
    callback=_reason,
    help="Let pass what has to wait for consumers; for platform owners, and recorded with the reason.",
)
parallel_option = click.option(
    "--parallel", type=click.IntRange(1, 256), help="How many resources are worked on at once."
)
