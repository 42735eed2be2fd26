"""`alchemesh domain`: the stack that the products of one domain depend on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from alchemesh_cli.context import json_option, where_options
from alchemesh_cli.options import delete_protected_option, yes_option

if TYPE_CHECKING:
    from alchemesh_platform.app.foundations import FoundationStack
    from alchemesh_platform.app.where import Where


@click.group(short_help="Deploy the stack that the products of a domain depend on.")
def command() -> None:
    """Deploy the stack that the products of a domain depend on: identity, rights, budget.

    \b
    Examples:
      alchemesh domain preview aviation -e prod
      alchemesh domain up aviation -e prod
      alchemesh domain destroy aviation -e prod
    """


@command.command(short_help="Show the changes that `domain up` would make.")
@click.argument("name")
@where_options
@json_option
def preview(name: str, where: Where, as_json: bool) -> int:
    """Show the changes that `domain up` would make.

    \b
    Examples:
      alchemesh domain preview aviation -e prod
    """
    from alchemesh_cli.foundations import preview_shown

    return preview_shown(_stack(name, where), where, as_json=as_json)


@command.command(short_help="Deploy the stack of a domain.")
@click.argument("name")
@where_options
@json_option
@yes_option
def up(name: str, where: Where, as_json: bool, confirmed: bool) -> int:
    """Deploy the stack of domain NAME.

    Uses the domain, owner and teams that `alchemesh mesh apply` recorded. Corrects resources that were changed or
    removed by hand. Prints and records the outputs, which products of the domain refer to.

    \b
    Examples:
      alchemesh domain up aviation -e prod
    """
    from alchemesh_cli.foundations import up_shown

    return up_shown(_stack(name, where), where, as_json=as_json, confirmed=confirmed)


@command.command(short_help="Update the recorded state from the deployed resources.")
@click.argument("name")
@where_options
@json_option
@yes_option
def refresh(name: str, where: Where, as_json: bool, confirmed: bool) -> int:
    """Update the recorded state from the deployed resources.

    Records resources that were changed or removed by hand. Changes no resource; the next `domain up` corrects the
    drift.

    \b
    Examples:
      alchemesh domain refresh aviation -e prod
    """
    from alchemesh_cli.foundations import refresh_shown

    return refresh_shown(_stack(name, where), where, as_json=as_json, confirmed=confirmed)


@command.command(short_help="Remove the stack of a domain.")
@click.argument("name")
@where_options
@json_option
@yes_option
@delete_protected_option
def destroy(
    name: str,
    where: Where,
    as_json: bool,
    confirmed: bool,
    delete_protected: bool,
) -> int:
    """Remove the stack of domain NAME.

    Destroy the domain's products first: exit code 4 lists those that are still deployed. Protected resources stay.
    Remove the domain from the mesh repo after this command, not before.

    \b
    Examples:
      alchemesh domain destroy aviation -e prod
      alchemesh domain destroy aviation -e prod --yes --json
    """
    from alchemesh_cli.foundations import destroy_shown

    return destroy_shown(
        _stack(name, where), where, as_json=as_json, confirmed=confirmed, delete_protected=delete_protected
    )


def _stack(name: str, where: Where) -> FoundationStack:
    from alchemesh_platform.app.foundations import domain_stack
    from alchemesh_platform.app.where import read_platform

    return domain_stack(read_platform(where), name)
