"""`alchemesh whoami`: who is acting, and what that means in the mesh."""

from __future__ import annotations

import json
from pathlib import Path

import click

from alchemesh_cli.context import json_option, where_options


@click.command(short_help="Show who you are to the mesh.")
@where_options
@json_option
def command(directory: Path, environment: str, platform_file: Path | None, as_json: bool) -> None:
    """Show who you are to the mesh: the user that your acts are recorded as, who vouches for it, personas and teams.

    The identity provider is chosen in the platform file. A local user is trust and no proof: whoever can write to the
    registry of this machine can be anybody there.

    \b
    Examples:
      alchemesh whoami
      alchemesh whoami -e prod --json
    """
    from alchemesh_cli.context import load_platform_for
    from alchemesh_platform.identity.identify import identify
    from alchemesh_platform.identity.place import place_in_mesh

    platform = load_platform_for(directory, environment, platform_file)
    identity = identify(platform)
    place = place_in_mesh(platform.registry, environment, identity)
    if as_json:
        click.echo(json.dumps({"environment": environment, **place.as_json()}, indent=2, ensure_ascii=False))
        return
    vouched = "nobody but this machine" if not identity.is_proven else identity.issuer
    click.echo(f"{click.style(identity.subject, bold=True)}  {environment}\nvouched for by {vouched}")
    if place.user is None:
        click.echo(f"no user of the mesh in {environment}: `alchemesh mesh apply` records users")
        return
    for label, names in (("name", (place.user.name,)), ("personas", place.user.personas), ("teams", place.teams)):
        click.echo(f"{label:<8}  {', '.join(names) or 'none'}")
