"""`alchemesh platform`: what all products of an environment stand on."""

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
    help="Where the foundation's own state is kept, which cannot be the bucket that it makes.  "
    "[default: a folder of this machine]",
)


@click.group(short_help="What all products stand on: services, state, registry, images.")
def command() -> None:
    """What all products stand on: services, state, registry, images.

    \b
    Examples:
      alchemesh platform preview -e prod
      alchemesh platform up -e prod --state gs://acme-bootstrap
      alchemesh platform destroy -e prod
    """


@command.command(short_help="Show what `platform up` would change.")
@where_options
@json_option
@state_option
def preview(where: Where, as_json: bool, state: str | None) -> int:
    """Show what `platform up` would change.

    \b
    Examples:
      alchemesh platform preview -e prod --platform platforms/gcp.yaml
    """
    from alchemesh_cli.foundations import preview_shown

    return preview_shown(_stack(where, state), where, as_json=as_json)


@command.command(short_help="Deploy what all products stand on.")
@where_options
@json_option
@yes_option
@state_option
def up(where: Where, as_json: bool, confirmed: bool, state: str | None) -> int:
    """Deploy what all products of an environment stand on, as its component makes it.

    What was changed or removed by hand is set right. Products refer to the outputs, which are printed and recorded.
    Its state is a folder of this machine unless told otherwise: keep it, or give an address that outlives the machine.

    \b
    Examples:
      alchemesh platform up -e prod --platform platforms/gcp.yaml
      alchemesh platform up -e prod --state gs://acme-bootstrap --yes --json
    """
    from alchemesh_cli.foundations import up_shown

    return up_shown(_stack(where, state), where, as_json=as_json, confirmed=confirmed)


@command.command(short_help="Compare what is recorded with what stands.")
@where_options
@json_option
@yes_option
@state_option
def refresh(where: Where, as_json: bool, confirmed: bool, state: str | None) -> int:
    """Compare what is recorded with what stands, and take over what was changed or removed by hand.

    Nothing that stands is touched; the next `platform up` mends the difference.

    \b
    Examples:
      alchemesh platform refresh -e prod
      alchemesh platform refresh -e prod --yes --json
    """
    from alchemesh_cli.foundations import refresh_shown

    return refresh_shown(_stack(where, state), where, as_json=as_json, confirmed=confirmed)


@command.command(short_help="Remove what all products stood on; what is protected stays.")
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
    """Remove what all products of an environment stood on.

    Products and domains go first: exit code 4 says which of them stand. What is protected stays, with what it needs,
    and the next `platform up` goes on with it: on Google Cloud the state's bucket, the registry's database and the
    products' images. A service may still refuse to remove what holds data, and says what to do.

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
