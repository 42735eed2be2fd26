"""`alchemesh plan`: what would be composed, offline and at once."""

from __future__ import annotations

import json
from pathlib import Path

import click

from alchemesh_cli.context import json_option, manifest_path, where_options
from alchemesh_platform.failure import ExitCode
from alchemesh_platform.problems import ProblemsFound


@click.command(short_help="Show what would be composed, offline and at once.")
@where_options
@json_option
def command(directory: Path, environment: str, platform_file: Path | None, as_json: bool) -> ExitCode | None:
    """Show what would be composed, offline and at once.

    For each port and need: the component type that the manifest asks for, the component that implements it in the
    environment, and the assets that come of it. No engine, no network and no credentials are needed; what stands
    already is not looked at: `alchemesh preview` does that.

    \b
    Examples:
      alchemesh plan
      alchemesh plan -e prod
      alchemesh plan --json | jq .outputs[].assets
    """
    from alchemesh_cli.context import load_platform_for
    from alchemesh_cli.render.plan import plan_lines
    from alchemesh_platform.catalog.discover import discover
    from alchemesh_platform.compose.compose import read_and_compose
    from alchemesh_platform.platform_file.models import Platform

    platform: Platform | ProblemsFound
    try:
        platform = load_platform_for(directory, environment, platform_file)
    except ProblemsFound as found:
        platform = found
    try:
        loaded, plan = read_and_compose(manifest_path(directory), platform, environment, discover())
    except ProblemsFound as found:
        if not as_json:
            raise
        document = {"problems": [problem.as_json() for problem in found.problems]}
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
        return ExitCode.PROBLEMS
    if as_json:
        from alchemesh_platform.compose.plan_document import plan_document

        problems = [problem.as_json() for problem in loaded.warnings]
        click.echo(json.dumps({**plan_document(plan), "problems": problems}, indent=2, ensure_ascii=False))
        return None
    for line in plan_lines(plan):
        click.echo(line)
    for problem in loaded.warnings:
        click.echo(f"\n{problem}", err=True)
    return None
