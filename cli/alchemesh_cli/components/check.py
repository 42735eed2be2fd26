"""`alchemesh components check`: the faults of installed components."""

from __future__ import annotations

import click

from alchemesh_cli.context import json_option
from alchemesh_cli.documents import echo_json


@click.command(name="check", short_help="Report the faults of installed components.")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@json_option
def command(names: tuple[str, ...], as_json: bool) -> int:
    """Report the faults of installed components: of all, or of those with a NAME or component type.

    Reports packages whose import fails, hangs or prints, names that two packages offer, packages for another version
    of the platform, names and versions of another form, classes without their spec, missing descriptions, schemas that
    Pulumi cannot express, and outputs that differ from the spec.
    Each finding names the package and the fix. Exit code 1 means that a component cannot be used, or does not do what
    it promises.

    \b
    Examples:
      alchemesh components check
      alchemesh components check delta-table --json
    """
    from alchemesh_platform.app.components.catalogue import check_components

    checked, findings = check_components(names)
    failed = {finding.component or finding.package for finding in findings if finding.severity == "error"}
    if as_json:
        echo_json("components-check", {"checked": checked, "findings": [each.as_json() for each in findings]})
        return 1 if failed else 0
    for finding in findings:
        click.echo(f"{finding.severity}: {finding.check}: {finding.message}\n\nhint: {finding.hint}\n")
    total, right = len(checked), len({*checked} - {finding.component for finding in findings})
    click.echo(f"{total} checked, {right} without a finding, {len(failed)} with errors")
    return 1 if failed else 0
