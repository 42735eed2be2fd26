"""`alchemesh schema`: the JSON Schema of the manifest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from alchemesh_cli.context import where_options

if TYPE_CHECKING:
    from alchemesh_platform.app.where import Where


@click.command(short_help="Print the JSON Schema of the manifest.")
@where_options
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write it to this file.")
@click.option(
    "--overlay", is_flag=True, help="Of an overlay such as alchemesh.prod.yaml, in which nothing is required."
)
def command(where: Where, output: Path | None, overlay: bool) -> None:
    """Print the JSON Schema of the manifest, with the arguments of the components that the environment uses.

    An editor completes and checks a manifest if its first line names the schema; `alchemesh init` writes that line.

    \b
    Examples:
      alchemesh schema --output .alchemesh/schema.json
      alchemesh schema -e prod
      alchemesh schema -e prod --overlay --output .alchemesh/overlay.json
      alchemesh schema | jq '.["$defs"]["file-ingestion-args"]'
    """
    from alchemesh_platform.app.where import read_platform
    from alchemesh_platform.catalog.discover import discover, readable
    from alchemesh_platform.catalog.manifest_schema import manifest_schema, overlay_schema

    used = set(read_platform(where).components.values())
    catalog = discover()
    loaded, broken = catalog.loaded()
    specs, unreadable = readable(catalog, [spec for spec in loaded if spec.name in used])
    broken += unreadable
    schema = overlay_schema(specs) if overlay else manifest_schema(specs)
    text = json.dumps(schema, indent=2, ensure_ascii=False)
    for failure in broken:
        click.echo(f"warning: left out: {failure.message}", err=True)
    if output is None:
        click.echo(text)
        return
    write_schema(output, text)
    click.echo(f"{output}: the schema of {len(specs)} components", err=True)


def write_schema(path: Path, text: str) -> None:
    """Write a schema to a file.

    Raises:
        NotWritten: when the file cannot be written.
    """
    from alchemesh_cli.commands.init import NotWritten

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        raise NotWritten(f"{path} cannot be written: {error.strerror}") from error
