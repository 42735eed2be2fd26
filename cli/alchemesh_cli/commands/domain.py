"""`alchemesh domain`: what the products of one domain stand on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from alchemesh_cli.context import json_option, where_options
from alchemesh_cli.options import delete_protected_option, yes_option

if TYPE_CHECKING:
    from alchemesh_platform.foundations.operator import FoundationOperation


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
def preview(name: str, directory: Path, environment: str, platform_file: Path | None, as_json: bool) -> int:
    """Show what `domain up` would change.

    \b
    Examples:
      alchemesh domain preview aviation -e prod
    """
    return _found(name, directory, environment, platform_file, "preview", as_json=as_json)


@command.command(short_help="Deploy what the products of a domain stand on.")
@click.argument("name")
@where_options
@json_option
@yes_option
def up(name: str, directory: Path, environment: str, platform_file: Path | None, as_json: bool, confirmed: bool) -> int:
    """Deploy what the products of domain NAME stand on, as its component makes it.

    The domain, its owner and its teams are those that `alchemesh mesh apply` recorded. What was changed or removed by
    hand is set right. The domain's products refer to the outputs, which are printed and recorded.

    \b
    Examples:
      alchemesh domain up aviation -e prod
    """
    return _found(name, directory, environment, platform_file, "up", as_json=as_json, confirmed=confirmed)


@command.command(short_help="Compare what is recorded with what stands.")
@click.argument("name")
@where_options
@json_option
@yes_option
def refresh(
    name: str, directory: Path, environment: str, platform_file: Path | None, as_json: bool, confirmed: bool
) -> int:
    """Compare what is recorded with what stands, and take over what was changed or removed by hand.

    Nothing that stands is touched; the next `domain up` mends the difference.

    \b
    Examples:
      alchemesh domain refresh aviation -e prod
    """
    return _found(name, directory, environment, platform_file, "refresh", as_json=as_json, confirmed=confirmed)


@command.command(short_help="Remove what the products of a domain stood on.")
@click.argument("name")
@where_options
@json_option
@yes_option
@delete_protected_option
def destroy(
    name: str,
    directory: Path,
    environment: str,
    platform_file: Path | None,
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
    return _found(
        name,
        directory,
        environment,
        platform_file,
        "destroy",
        as_json=as_json,
        confirmed=confirmed,
        delete_protected=delete_protected,
    )


def _found(
    name: str,
    directory: Path,
    environment: str,
    platform_file: Path | None,
    operation: FoundationOperation,
    *,
    as_json: bool,
    confirmed: bool = False,
    delete_protected: bool = False,
) -> int:
    from alchemesh_cli.context import load_platform_for
    from alchemesh_cli.founding import found
    from alchemesh_platform.catalog.discover import discover
    from alchemesh_platform.compose.foundation import domain_foundation
    from alchemesh_platform.foundations.domain import read_domain
    from alchemesh_platform.registry.store import Registry

    platform = load_platform_for(directory, environment, platform_file)
    with Registry.open(platform.registry) as registry:
        domain, teams = read_domain(registry, environment, name)
    foundation = domain_foundation(platform, discover(), name, domain.owner, teams)
    return found(
        foundation, platform, operation, as_json=as_json, confirmed=confirmed, delete_protected=delete_protected
    )
