"""`alchemesh mesh`: what spans products."""

from __future__ import annotations

from pathlib import Path

import click

from alchemesh_cli.context import where_options

FORMATS = ("tree", "mermaid", "dot", "json")


@click.group(short_help="Show what spans products.")
def command() -> None:
    """Show what spans products."""


@command.command(short_help="Draw domains, products and lineage.")
@where_options
@click.option("--format", "form", type=click.Choice(FORMATS), default="tree", show_default=True, help="How to draw.")
def show(directory: Path, environment: str, platform_file: Path | None, form: str) -> None:
    """Draw domains, products and lineage, as they are recorded in the environment.

    What something refers to and is not recorded is drawn too, as missing.

    \b
    Examples:
      alchemesh mesh show
      alchemesh mesh show --format mermaid > mesh.mmd
      alchemesh mesh show --format dot | dot -Tsvg > mesh.svg
    """
    import json

    from alchemesh_cli.context import load_platform_for
    from alchemesh_platform.registry.lineage import Lineage, mesh_lineage
    from alchemesh_platform.registry.lineage_text import as_dot, as_json, as_mermaid, as_tree
    from alchemesh_platform.registry.store import Registry
    from alchemesh_platform.registry.unavailable import RegistryMissing

    platform = load_platform_for(directory, environment, platform_file)
    try:
        with Registry.open(platform.registry, create=False) as registry:
            lineage = mesh_lineage(registry, environment)
    except RegistryMissing:
        lineage = Lineage(environment)
    if form == "json":
        click.echo(json.dumps(as_json(lineage), indent=2, ensure_ascii=False))
    elif form == "mermaid":
        click.echo(as_mermaid(lineage))
    elif form == "dot":
        click.echo(as_dot(lineage))
    else:
        click.echo(as_tree(lineage) or f"nothing is deployed in {environment} yet\n\nnext: `alchemesh up` in a product")
