"""`alchemesh components upgrade`: preview other versions of a product's components, and record them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from alchemesh_cli.context import json_option, where_options
from alchemesh_cli.documents import echo_json
from alchemesh_cli.options import yes_option

if TYPE_CHECKING:
    from alchemesh_platform.app.components.upgrade import ComponentChange
    from alchemesh_platform.app.where import Where


@click.command(name="upgrade", short_help="Preview other versions of a product's components, and record them.")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@where_options
@json_option
@yes_option
def command(names: tuple[str, ...], where: Where, as_json: bool, confirmed: bool) -> int:
    """Preview other versions of a product's components, and record them in `alchemesh.lock`.

    `up` refuses a component that differs from the recorded one. This command shows the changes that the installed
    component makes, asks, and records it; the next `up` deploys it. NAME is a component type or a component; by default
    every component that differs. It deploys nothing. The exit code is 1 if the preview fails; then nothing is recorded.

    \b
    Examples:
      alchemesh components upgrade
      alchemesh components upgrade columnar-table -e prod
      alchemesh components upgrade --yes --json
    """
    from alchemesh_cli.context_options import next_line
    from alchemesh_cli.render.run.events import showing
    from alchemesh_cli.terminal.asking import confirm, confirm_possible
    from alchemesh_cli.terminal.interrupts import interruptible
    from alchemesh_platform.app.components.upgrade import Upgrade, upgrade_components
    from alchemesh_platform.app.where import read_product
    from alchemesh_platform.base.files.private import NEW_FILES
    from alchemesh_platform.base.remedy import command as to_deploy
    from alchemesh_platform.documents.yaml_source import shown as shown_path

    os.umask(NEW_FILES)  # the preview may create files of the platform's folder
    product = read_product(where, look=True)

    def ask(found: Upgrade) -> bool:
        return confirmed or confirm(f"Record this in {shown_path(found.path)}?", confirmed=False)

    def begin(changes: tuple[ComponentChange, ...]) -> None:
        if not confirmed:
            confirm_possible()
        for line in change_lines(changes):
            click.echo(line, err=as_json)

    with interruptible() as cancel, showing(where, "components upgrade", as_json=as_json) as events:
        done = upgrade_components(product, names, begin=begin, confirm=ask, listen=events, cancel=cancel)
    if as_json:
        echo_json("components-upgrade", done.as_json())
    elif not done.changes:
        click.echo(f"nothing to upgrade: {shown_path(done.path)} has the installed components of {where.environment}")
    elif done.written:
        number = f"{len(done.changes)} {'component' if len(done.changes) == 1 else 'components'}"
        following = next_line(to_deploy("up", about_product=True))
        click.echo(f"{shown_path(done.path)} records {number} of {where.environment} · {following}")
    return 0 if done.written or not done.changes else 1


def change_lines(changes: tuple[ComponentChange, ...]) -> list[str]:
    """A line for each change: the type, the recorded and the installed component."""
    from alchemesh_cli.render.text.table import table_lines, terminal_width

    heads = ("component type", "recorded", "installed", "used by")
    rows = [
        (
            change.component_type,
            "–" if change.recorded is None else str(change.recorded),
            "no longer used" if change.found is None else str(change.found),
            ", ".join(change.ports),
        )
        for change in changes
    ]
    return [*table_lines(heads, rows, terminal_width()), ""]
