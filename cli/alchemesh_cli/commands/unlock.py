"""`alchemesh unlock`: release a stack that a killed run left locked."""

from __future__ import annotations

from pathlib import Path

import click

from alchemesh_cli.context import load_platform_for, where_options


@click.command(short_help="Release a stack that a killed run left locked.")
@where_options
@click.option("--yes", "confirmed", is_flag=True, help="Do not ask.")
def command(directory: Path, environment: str, platform_file: Path | None, confirmed: bool) -> None:
    """Release a stack that a killed run left locked.

    A run that was killed on this machine is noticed by the next `up`, which needs no help. This is for a lock of
    another machine that will not come back.

    \b
    Examples:
      alchemesh unlock -e prod
    """
    from alchemesh_cli.asking import confirm
    from alchemesh_cli.declared import declared_address
    from alchemesh_platform.deployment.operator import unlock

    platform = load_platform_for(directory, environment, platform_file)
    # What else is wrong with the manifest by now does not keep the stack locked.
    address = declared_address(directory, environment)
    confirm(f"Unlock {address} in {environment}? Nobody else may be deploying it.", confirmed)
    for note in unlock(address, platform):
        click.echo(note, err=True)
