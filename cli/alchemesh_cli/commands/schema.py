"""`alchemesh schema`: the JSON Schema of the manifest."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command(short_help="Print the JSON Schema of the manifest.")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write it to this file.")
def command(output: Path | None) -> None:
    """Print the JSON Schema of the manifest, with the arguments of every component of the catalogue.

    An editor completes and checks a manifest whose first line names the schema, as `alchemesh init` writes it.

    \b
    Examples:
      alchemesh schema --output .alchemesh/schema.json
      alchemesh schema | jq '.["$defs"]["file-ingestion-args"]'
    """
    from alchemesh_platform.catalog.discover import discover
    from alchemesh_platform.manifest.schema import manifest_schema

    specs, broken = discover().loaded()
    text = json.dumps(manifest_schema(specs), indent=2, ensure_ascii=False)
    for failure in broken:
        click.echo(f"warning: left out: {failure.message}", err=True)
    if output is None:
        click.echo(text)
        return
    write_schema(output, text)
    click.echo(f"{output}: the schema of {len(specs)} components", err=True)


def write_schema(path: Path, text: str) -> None:
    """Write a schema to a file, in one step.

    Raises:
        NotWritten: when that is not possible.
    """
    from alchemesh_cli.commands.init import NotWritten

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        raise NotWritten(f"{path} cannot be written: {error.strerror}") from error
