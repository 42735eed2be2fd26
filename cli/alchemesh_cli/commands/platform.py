"""`alchemesh platform`: the platform stack that all products of an environment depend on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from alchemesh_cli.context import json_option, where_options
from alchemesh_cli.options import delete_protected_option, yes_option

if TYPE_CHECKING:
    from alchemesh_platform.app.foundations import FoundationStack
    from alchemesh_platform.app.where import Where

state_option = click.option(
    "--state",
    metavar="ADDRESS",
    help="Location of this stack's own state; not the bucket that the stack creates.  "
    "[default: a folder of this machine]",
)


@click.group(short_help="Deploy the platform stack that all products depend on.")
def command() -> None:
    """Deploy the platform stack that all products depend on: services, state, registry, images.

    \b
    Examples:
      alchemesh platform preview -e prod
      alchemesh platform up -e prod --state gs://acme-bootstrap
      alchemesh platform destroy -e prod
    """


@command.command(short_help="Show the changes that `platform up` would make.")
@where_options
@json_option
@state_option
def preview(where: Where, as_json: bool, state: str | None) -> int:
    """Show the changes that `platform up` would make.

    \b
    Examples:
      alchemesh platform preview -e prod --platform platforms/gcp.yaml
    """
    from alchemesh_cli.foundations import preview_shown

    return preview_shown(_stack(where, state), where, as_json=as_json)


@command.command(short_help="Deploy the platform stack.")
@where_options
@json_option
@yes_option
@state_option
def up(where: Where, as_json: bool, confirmed: bool, state: str | None) -> int:
    """Deploy the platform stack of an environment.

    Corrects resources that were changed or removed by hand. Prints and records the outputs, which products refer to.
    By default, the stack's state is a folder of this machine: back it up, or set --state to a remote location.

    \b
    Examples:
      alchemesh platform up -e prod --platform platforms/gcp.yaml
      alchemesh platform up -e prod --state gs://acme-bootstrap --yes --json
    """
    from alchemesh_cli.foundations import up_shown

    return up_shown(_stack(where, state), where, as_json=as_json, confirmed=confirmed)


@command.command(short_help="Update the recorded state from the deployed resources.")
@where_options
@json_option
@yes_option
@state_option
def refresh(where: Where, as_json: bool, confirmed: bool, state: str | None) -> int:
    """Update the recorded state from the deployed resources.

    Records resources that were changed or removed by hand. Changes no resource; the next `platform up` corrects the
    drift.

    \b
    Examples:
      alchemesh platform refresh -e prod
      alchemesh platform refresh -e prod --yes --json
    """
    from alchemesh_cli.foundations import refresh_shown

    return refresh_shown(_stack(where, state), where, as_json=as_json, confirmed=confirmed)


@command.command(short_help="Remove the platform stack; keep protected resources.")
@where_options
@json_option
@yes_option
@state_option
@delete_protected_option
def destroy(
    where: Where,
    as_json: bool,
    confirmed: bool,
    state: str | None,
    delete_protected: bool,
) -> int:
    """Remove the platform stack of an environment.

    Destroy products and domains first: exit code 4 lists those that are still deployed. Protected resources stay, and
    the next `platform up` uses them again: on Google Cloud the bucket of the state, the database of the registry and
    the images of products. A service may also refuse to remove resources with data; its message names the fix.

    \b
    Examples:
      alchemesh platform destroy -e prod
      alchemesh platform destroy -e prod --delete-protected --yes
    """
    from alchemesh_cli.foundations import destroy_shown

    return destroy_shown(
        _stack(where, state), where, as_json=as_json, confirmed=confirmed, delete_protected=delete_protected
    )


def _stack(where: Where, state: str | None) -> FoundationStack:
    from alchemesh_platform.app.foundations import platform_stack
    from alchemesh_platform.app.where import read_platform

    return platform_stack(read_platform(where), state)
