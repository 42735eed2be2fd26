"""Running an operation on what products stand on, in front of a person: what changes, the question, the outcome."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

import click

from alchemesh_cli.asking import confirm
from alchemesh_cli.operation import confirm_possible, interruptible, tell
from alchemesh_platform.failure import ExitCode

if TYPE_CHECKING:
    from alchemesh_platform.compose.foundation import Foundation
    from alchemesh_platform.deployment.foundation import FoundationOperation, FoundationOutcome
    from alchemesh_platform.platform_file.models import Platform

SIGNS = {"create": "+", "update": "~", "delete": "-"}  # whatever else the engine does to a resource replaces it


def found(
    foundation: Foundation,
    platform: Platform,
    operation: FoundationOperation,
    *,
    state: str | None = None,
    as_json: bool,
    confirmed: bool = False,
) -> int:
    """Preview a foundation, or show the preview, ask and deploy; returns the exit code."""
    from alchemesh_platform.deployment.foundation import founding
    from alchemesh_stacks.foundation import deploy_foundation

    asks = operation == "up" and not confirmed
    if asks:
        confirm_possible()
    with interruptible() as cancel, founding(foundation, platform, state=state, tell=tell) as operator:
        program = partial(deploy_foundation, foundation, recorded=operator.recorded)

        if asks:
            seen = operator.run("preview", program, cancel)
            show(foundation, platform, "preview", seen, as_json=False)
            if not seen.succeeded or not seen.changes:
                return ExitCode.DONE if seen.succeeded else ExitCode.FAILED
            confirm("Deploy this?", confirmed=False)
        done = operator.run(operation, program, cancel)
    show(foundation, platform, operation, done, as_json=as_json)
    return ExitCode.DONE if done.succeeded else ExitCode.FAILED


def show(
    foundation: Foundation,
    platform: Platform,
    operation: FoundationOperation,
    outcome: FoundationOutcome,
    *,
    as_json: bool,
) -> None:
    """What came of an operation: on stdout what changes and what products find, on stderr what went wrong."""
    if as_json:
        document = {
            "foundation": foundation.title,
            "stack": foundation.project,
            "emulated": platform.emulated,
            "operation": operation,
            "outcome": outcome.outcome,
            "changes": [
                {"operation": change.operation, "type": change.type, "name": change.name} for change in outcome.changes
            ],
            "outputs": outcome.outputs,
            "problems": [problem.as_json() for problem in outcome.problems],
            "notes": list(outcome.notes),
        }
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        emulated = "  emulated" if platform.emulated else ""
        click.echo(f"{foundation.title}{emulated}  {foundation.spec.name}")
        for change in outcome.changes:
            click.echo(f"  {SIGNS.get(change.operation, '±')} {change.name}  {change.type}")
        for name, value in (outcome.outputs or {}).items():
            click.echo(f"  {name}: {value if isinstance(value, str) else json.dumps(value)}")
        words = "nothing changes" if not outcome.changes and outcome.succeeded else outcome.outcome
        click.echo(f"\n{words}")
    for note in outcome.notes:
        tell(f"note: {note}")
    for problem in outcome.problems:
        click.echo(f"\n{problem}", err=True)
