"""`alchemesh whoami`: your identity, personas and teams in the mesh."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from alchemesh_cli.context import json_option, where_options
from alchemesh_cli.context_options import complete
from alchemesh_cli.documents import echo_json
from alchemesh_cli.terminal.printing import styled
from alchemesh_platform.base.remedy import Command

if TYPE_CHECKING:
    from alchemesh_platform.app.rights import Rights
    from alchemesh_platform.app.where import Where
    from alchemesh_platform.identity.place import Place


@click.command(short_help="Show your identity, personas and teams in the mesh.")
@where_options
@json_option
@click.option("--on", "product", metavar="PRODUCT", help="Also show your rights on this product, domain/product.")
def command(where: Where, as_json: bool, product: str | None) -> None:
    """Show your identity, personas and teams in the mesh, and the issuer of your identity.

    The platform file names the identity provider. A local user is not verified: anyone who can write to the registry of
    this machine can act as any user.

    \b
    Examples:
      alchemesh whoami
      alchemesh whoami -e prod --json
      alchemesh whoami --on retail/orders -e prod
    """
    from alchemesh_platform.app.rights import rights_on
    from alchemesh_platform.app.where import read_platform
    from alchemesh_platform.identity.identify import identify
    from alchemesh_platform.identity.place import place_in_mesh

    platform = read_platform(where)
    identity = identify(platform)
    place = place_in_mesh(platform.registry, where.environment, identity)
    rights = rights_on(platform, identity, product) if product is not None else None
    if as_json:
        document = {"environment": where.environment, **place.as_json()}
        document |= rights.as_json() if rights is not None else {}
        echo_json("identity", document)
        return
    verified = f"verified by {identity.issuer}" if identity.is_proven else "not verified: a user of this machine"
    click.echo(f"{styled(identity.subject, bold=True)}  {where.environment}\n{verified}")
    if place.user is None:
        named = f"pipeline {identity.pipeline} of the platform file" if identity.pipeline else ""
        click.echo(named or _unknown(place, where.environment))
        _show(rights)
        return
    for label, names in (("name", (place.user.name,)), ("personas", place.user.personas), ("teams", place.teams)):
        click.echo(f"{label:<8}  {', '.join(names) or 'none'}")
    _show(rights)


def _show(rights: Rights | None) -> None:
    """The rights on a product, one line for each operation."""
    if rights is None:
        return
    state = "" if rights.deployed else "  not deployed"
    click.echo(f"\n{styled(rights.product, bold=True)}{state}")
    if not rights.recorded:
        click.echo("no mesh is recorded: every user may do everything")
    width = max(len(right.operation) for right in rights.rights)
    for right in rights.rights:
        taken = "  with --take-over REASON" if right.may_take_over and not right.allowed else ""
        policy = f" (policy {right.policy})" if right.policy else ""
        why = "" if right.allowed else f"  {right.message}{policy}"
        mark = "✓" if right.allowed else "✗"
        click.echo(f"{mark} {right.operation:<{width}}{taken}{why}".rstrip())


def _unknown(place: Place, environment: str) -> str:
    """The reason why the identity is not a user of the mesh, and the fix."""
    mesh_apply = complete(Command(("mesh", "apply")))
    if not place.has_users:
        return f"no mesh is recorded in {environment}: {mesh_apply} records its users"
    sentence = f"no user of the mesh in {environment}, which has others"
    if place.identity.is_proven:
        return f"{sentence}: add yourself to the users of the mesh repo, then {mesh_apply}"
    meant = f"did you mean {place.meant!r}? " if place.meant else ""
    return (
        f"{sentence}: {meant}ALCHEMESH_USER says which of them you are; "
        "add a new person to the users of the mesh repo, "
        f"then {mesh_apply}"
    )
