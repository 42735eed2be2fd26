"""Options that several commands share."""

from __future__ import annotations

import click

yes_option = click.option("--yes", "confirmed", is_flag=True, help="Do not ask.")
target_option = click.option("--target", "targets", metavar="PORT", multiple=True, help="Only this port or need.")
parallel_option = click.option(
    "--parallel", type=click.IntRange(1, 256), help="How many resources are worked on at once."
)
