"""`alchemesh whoami`: who is acting, and what that means in the mesh."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from alchemesh_cli.context import json_option, where_options
from alchemesh_cli.context_options import complete
from alchemesh_platform.base.remedy import Command

if TYPE_CHECKING:
    from alchemesh_platform.app.where import Where
    from alchemesh_platform.identity.place import Place


@click.command(short_help="Show who you are to the mesh.")
@where_options
@json_option
def command(where: Where, as_json: bool) -> None:
    """Show who you are to the mesh: the user that your acts are recorded as, who vouches for it, personas and teams.

    The identity provider is chosen in the platform file. A local user is trust and no proof: whoever can write to the
    registry of this machine can be anybody there.

    \b
    Examples:
      alchemesh whoami
      alchemesh whoami -e prod --json
    """
    from alchemesh_platform.app.where import read_platform
    from alchemesh_platform.identity.identify import identify
    from alchemesh_platform.identity.place import place_in_mesh

    platform = read_platform(where)
    identity = identify(platform)
    place = place_in_mesh(platform.registry, where.environment, identity)
    if as_json:
        click.echo(json.dumps({"environment": where.environment, **place.as_json()}, indent=2, ensure_ascii=False))
        return
    vouched = "nobody but this machine" if not identity.is_proven else identity.issuer
    click.echo(f"{click.style(identity.subject, bold=True)}  {where.environment}\nvouched for by {vouched}")
    if place.user is None:
        click.echo(_unknown(place, where.environment))
        return
    for label, names in (("name", (place.user.name,)), ("personas", place.user.personas), ("teams", place.teams)):
        click.echo(f"{label:<8}  {', '.join(names) or 'none'}")


def _unknown(place: Place, environment: str) -> str:
    """Why somebody is no user, and what to do: there is no mesh, the mesh has others, or nobody said who it is."""
    mesh_apply = complete(Command(("mesh", "apply")))
    if not place.has_users:
        return f"no mesh is recorded in {environment}: {mesh_apply} records its users"
    reported = f"no user of the mesh in {environment}, which has others"
    if place.identity.is_proven:
        return f"{reported}: add yourself to the users of the mesh repo, then {mesh_apply}"
    meant = f"did you mean {place.meant!r}? " if place.meant else ""
    return (
        f"{reported}: {meant}ALCHEMESH_USER says which of them you are; "
        "add a new person to the users of the mesh repo, "
        f"then {mesh_apply}"
    )
