"""`alchemesh components test`: test the components of a package."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from alchemesh_cli.context import json_option
from alchemesh_cli.documents import echo_json


@click.command(name="test", short_help="Test the components of a package of your own.")
@click.argument("path", type=click.Path(path_type=Path), default=Path())
@click.option("--engine", is_flag=True, help="Also deploy each case that has `engine`, with the real Pulumi engine.")
@click.option(
    "--against", metavar="RELEASE", help="Also compare with an earlier release: a version, a wheel or a folder."
)
@json_option
def command(path: Path, engine: bool, against: str | None, as_json: bool) -> int:
    """Test the components of a package against the rules that every component keeps.

    PATH is the folder of the package, or of one component in it; by default this folder. Each component has a case
    file next to it, `case.yml`. A finding gives the place, the reason and the fix. The exit code is 3 if there are
    findings.

    \b
    Examples:
      alchemesh components test
      alchemesh components test acme_components/table --json
      alchemesh components test --engine
      alchemesh components test --against 1.4.0
    """
    from alchemesh_platform.app.components.conformance import conformance_of

    def progress(name: str) -> None:
        if sys.stderr.isatty():
            click.echo(f"testing {name} …", err=True)

    found = conformance_of(path, engine=engine, against=against, listen=progress)
    if as_json:
        echo_json("conformance", found.as_json())
        return found.code
    from alchemesh_cli.render.conformance import conformance_lines

    click.echo("\n".join(conformance_lines(found)))
    return found.code
