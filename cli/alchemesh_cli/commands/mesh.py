"""`alchemesh mesh`: the mesh repo, the recorded mesh, and the audit log."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from alchemesh_cli.context import emulate_option, environment_option, json_option, platform_option, where_options
from alchemesh_cli.context_options import complete
from alchemesh_cli.documents import echo_json, json_text
from alchemesh_cli.options import yes_option
from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.base.remedy import Command

if TYPE_CHECKING:
    from alchemesh_platform.app.where import Where
    from alchemesh_platform.mesh_repo.difference import MeshDiff
    from alchemesh_platform.platform_file.models import Platform

FORMATS = ("tree", "mermaid", "dot", "json")


@click.group(short_help="Apply the mesh repo, and show the mesh and its audit log.")
def command() -> None:
    """Apply the mesh repo, and show the mesh and its audit log.

    \b
    Examples:
      alchemesh mesh apply examples/mesh
      alchemesh mesh show
      alchemesh mesh audit --product aviation/flights
    """


@command.command(short_help="Record the domains, teams, users, source systems and policies of a mesh repo.")
@click.argument(
    "folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default=Path(), metavar="[FOLDER]"
)
@environment_option
@platform_option("platform.yaml in FOLDER or above")
@emulate_option
@json_option
@yes_option
def apply(
    folder: Path, environment: str, platform_file: Path | None, emulated: bool, as_json: bool, confirmed: bool
) -> None:
    """Record the domains, teams, users, source systems and policies of a mesh repo.

    FOLDER is the mesh repo, by default this folder: reads every YAML file below it of kind Domain, Users or Policy.
    Shows the changes and asks for confirmation. Removes records that the mesh repo no longer declares, unless a
    deployed product still refers to them.

    \b
    Examples:
      alchemesh mesh apply
      alchemesh mesh apply examples/mesh -e prod
      alchemesh mesh apply --yes --json        # in a pipeline
    """
    from alchemesh_cli.render.mesh.changes import totals
    from alchemesh_cli.render.run.events import showing
    from alchemesh_cli.terminal.asking import confirm
    from alchemesh_platform.app.events import Event
    from alchemesh_platform.app.mesh.apply import apply as apply_mesh
    from alchemesh_platform.app.mesh.apply import read_mesh
    from alchemesh_platform.app.where import Where, read_platform
    from alchemesh_platform.identity.identify import identify

    platform = read_platform(Where(folder, environment, platform_file, emulated))
    wanted = read_mesh(folder, environment)
    actor = identify(platform)
    with showing(platform, "apply", as_json=as_json) as shown:

        def listen(event: Event) -> None:
            if not (as_json and confirmed):
                shown(event)

        ask = None if confirmed else lambda _difference: confirm("Apply this?", confirmed=False)
        diff = apply_mesh(platform, wanted, actor, confirm=ask, listen=listen)
    if as_json:
        echo_json("mesh-changes", _document(diff, platform))
    elif diff:
        click.echo(f"applied: {totals(diff, done=True)}")
    else:
        click.echo(f"nothing to change: the mesh in {environment} matches the mesh repo")


def _document(diff: MeshDiff | None, platform: Platform) -> dict[str, object]:
    place = {"environment": platform.environment, "emulated": platform.emulated}
    return {**place, "changes": [change.as_json() for change in diff.changes] if diff is not None else []}


@command.command(short_help="Draw domains, products and lineage.")
@where_options
@click.option("--format", "form", type=click.Choice(FORMATS), default="tree", show_default=True, help="Output format.")
@json_option
def show(where: Where, form: str, as_json: bool) -> None:
    """Draw domains, products and lineage, as recorded in the environment.

    Missing records that others refer to are drawn as missing. `alchemesh mesh apply` records types, owners and teams of
    domains, and source systems, from the mesh repo.

    \b
    Examples:
      alchemesh mesh show
      alchemesh mesh show --format mermaid > mesh.mmd
      alchemesh mesh show --format dot | dot -Tsvg > mesh.svg
    """
    import gc

    from alchemesh_cli.render.text.environment import environment_in_words
    from alchemesh_platform.app.where import read_platform

    platform = read_platform(where)
    # All records stay in use until the end, and garbage collection would take as long as reading them.
    gc.disable()
    try:
        drawn = _drawn(platform, "json" if as_json else form)
    finally:
        gc.enable()
    click.echo(
        drawn
        or f"nothing is deployed in {environment_in_words(platform)} yet\n\n"
        f"next: {complete(Command(('up',)))} in the folder of a product"
    )


HEADS = {"tree": "mesh  {}\n\n", "mermaid": "%% mesh  {}\n", "dot": "// mesh  {}\n"}  # as comments of the format


def _drawn(platform: Platform, form: str) -> str:
    """The records of an environment in one of the formats; an empty tree without records."""
    from alchemesh_cli.render.text.environment import environment_in_words
    from alchemesh_platform.app.observe import mesh
    from alchemesh_platform.registry.lineage_text import as_dot, as_json, as_mermaid, as_tree

    view = mesh(platform)
    lineage = view.lineage
    if form == "json":
        document = as_json(lineage)
        document["emulated"] = platform.emulated
        document["standing"] = {name: each.as_json() for name, each in view.standings.items()}
        return json_text("mesh", document)
    drawn = {"tree": as_tree, "mermaid": as_mermaid, "dot": as_dot}[form](lineage)
    return HEADS[form].format(environment_in_words(platform)) + drawn if drawn and platform.emulated else drawn


@command.command(short_help="Show the audit log, or verify that it is complete.")
@where_options
@click.option("--product", metavar="ADDRESS", help="Only entries about this product, domain/product.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="Maximum number of entries.")
@click.option("--check", is_flag=True, help="Verify the whole log, of all environments, instead.")
@click.option("--expect", metavar="DIGEST", help="With --check: a head that was printed before.")
@json_option
def audit(
    where: Where,
    product: str | None,
    limit: int,
    check: bool,
    expect: str | None,
    as_json: bool,
) -> ExitCode | None:
    """Show the audit log, newest entries first, or verify that it is complete.

    Every entry holds the digest of the one before it, so that --check finds entries that were changed, removed or
    inserted later. To also detect entries that were removed at the end, keep the head that --check prints (the digest
    of the last entry) in another place and pass it to --expect later. Exit code 1 means that the log is not complete.

    \b
    Examples:
      alchemesh mesh audit
      alchemesh mesh audit --product aviation/flights --json
      alchemesh mesh audit --check --expect "$(cat head.txt)"
    """
    from alchemesh_cli.render.mesh.audit import audit_lines, check_lines
    from alchemesh_platform.app.observe import audit as read_audit
    from alchemesh_platform.app.observe import check_audit
    from alchemesh_platform.app.where import read_platform

    if expect is not None and not check:
        raise click.UsageError("--expect needs --check")
    platform = read_platform(where)
    if not check:
        found = read_audit(platform, product, limit=limit)
        if as_json:
            echo_json("audit", [link.as_json() for link in found])
        else:
            for line in audit_lines(found):
                click.echo(line)
        return None
    checked = check_audit(platform, expect)
    if as_json:
        echo_json("audit-check", checked.as_json())
    else:
        for line in check_lines(checked):
            click.echo(line)
    return None if checked.is_whole else ExitCode.FAILED
