"""`alchemesh domain`: what the products of one domain stand on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from alchemesh_cli.context import json_option, where_options
from alchemesh_cli.options import delete_protected_option, yes_option

if TYPE_CHECKING:
    from alchemesh_platform.app.foundations import FoundationStack
    from alchemesh_platform.app.where import Where


@click.group(short_help="What the products of a domain stand on: identity, rights, budget.")
def command() -> None:
    """What the products of a domain stand on: identity, rights, budget.

    \b
    Examples:
      alchemesh domain preview aviation -e prod
      alchemesh domain up aviation -e prod
      alchemesh domain destroy aviation -e prod
    """


@command.command(short_help="Show what `domain up` would change.")
@click.argument("name")
@where_options
@json_option
def preview(name: str, where: Where, as_json: bool) -> int:
    """Show what `domain up` would change.

    \b
    Examples:
      alchemesh domain preview aviation -e prod
    """
    from alchemesh_cli.foundations import preview_shown

    return preview_shown(_stack(name, where), where, as_json=as_json)


@command.command(short_help="Deploy what the products of a domain stand on.")
@click.argument("name")
@where_options
@json_option
@yes_option
def up(name: str, where: Where, as_json: bool, confirmed: bool) -> int:
    """Deploy what the products of domain NAME stand on, as its component makes it.

    The domain, its owner and its teams are those that `alchemesh mesh apply` recorded. What was changed or removed by
    hand is set right. The domain's products refer to the outputs, which are printed and recorded.

    \b
    Examples:
      alchemesh domain up aviation -e prod
    """
    from alchemesh_cli.foundations import up_shown

    return up_shown(_stack(name, where), where, as_json=as_json, confirmed=confirmed)


@command.command(short_help="Compare what is recorded with what stands.")
@click.argument("name")
@where_options
@json_option
@yes_option
def refresh(name: str, where: Where, as_json: bool, confirmed: bool) -> int:
    """Compare what is recorded with what stands, and take over what was changed or removed by hand.

    Nothing that stands is touched; the next `domain up` mends the difference.

    \b
    Examples:
      alchemesh domain refresh aviation -e prod
    """
    from alchemesh_cli.foundations import refresh_shown

    return refresh_shown(_stack(name, where), where, as_json=as_json, confirmed=confirmed)


@command.command(short_help="Remove what the products of a domain stood on.")
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
    """Remove what the products of domain NAME stood on.

    Its products go first: exit code 4 says which of them stand. What its component protects stays. Take the domain out
    of the mesh repo after this, not before.

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
