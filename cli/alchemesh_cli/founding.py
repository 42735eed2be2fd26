"""Running an operation on what products stand on, in front of a person: what changes, the question, the outcome."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

import click

from alchemesh_cli.asking import confirm
from alchemesh_cli.context_options import with_context_options
from alchemesh_cli.operation import confirm_possible, interruptible, report
from alchemesh_platform.base.failure import ExitCode

if TYPE_CHECKING:
    from alchemesh_platform.compose.foundation import Foundation
    from alchemesh_platform.foundations.operator import FoundationOperation, FoundationOutcome
    from alchemesh_platform.platform_file.models import Platform

KEPT_NOTE = "what is protected is kept, with what it needs; `--delete-protected` removes it too, with all that is in it"
# What to do next: the words of the command after the foundation's own.
NEXT = {"preview": "up", "refresh": "preview"}


def found(
    foundation: Foundation,
    platform: Platform,
    operation: FoundationOperation,
    *,
    state: str | None = None,
    as_json: bool,
    confirmed: bool = False,
    delete_protected: bool = False,
) -> int:
    """Run an operation on a foundation; where it needs an answer, ask first. Returns the exit code.

    Args:
        confirmed: Whether the answer was given beforehand.
        delete_protected: Whether `destroy` removes what is protected, too.
    """
    from alchemesh_cli.render.foundation import watched
    from alchemesh_platform.foundations.operator import founding
    from alchemesh_stacks.foundation import deploy_foundation

    asks = operation != "preview" and not confirmed
    if asks:
        confirm_possible()
    with interruptible() as cancel, founding(foundation, platform, state=state, report=report) as operator:
        program = partial(deploy_foundation, foundation, recorded=operator.recorded)

        def run(which: FoundationOperation) -> FoundationOutcome:
            with watched(foundation.title, which) as doing:
                protected = delete_protected and which == "destroy"
                return operator.run(which, program, cancel, on_event=doing.take, delete_protected=protected)

        if operation == "destroy":
            operator.check_unused()  # before anybody is asked
        if asks and operation == "up":
            seen = run("preview")
            show(foundation, platform, "preview", seen, as_json=False)
            if not seen.succeeded or not seen.changes:
                return ExitCode.DONE if seen.succeeded else ExitCode.FAILED
        if asks:
            confirm(_question(foundation, operation, delete_protected), confirmed=False)
        done = run(operation)
    show(foundation, platform, operation, done, as_json=as_json, recorded=operator.recorded)
    return ExitCode.DONE if done.succeeded else ExitCode.FAILED


def _question(foundation: Foundation, operation: FoundationOperation, delete_protected: bool) -> str:
    if operation == "destroy":
        return f"Remove {foundation.title}{' and all that is protected in it' if delete_protected else ''}?"
    return "Deploy this?" if operation == "up" else f"Record {foundation.title} as it stands?"


def show(
    foundation: Foundation,
    platform: Platform,
    operation: FoundationOperation,
    outcome: FoundationOutcome,
    *,
    as_json: bool,
    recorded: bool = True,
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
            "recorded": recorded if outcome.outputs is not None else None,
            "kept": [{"type": kept.type, "name": kept.name, "id": kept.id} for kept in outcome.kept],
            "problems": [problem.as_json() for problem in outcome.problems],
            "notes": list(outcome.notes),
        }
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        from alchemesh_cli.render.foundation import print_outcome

        words = NEXT.get(operation)
        suggestion = with_context_options(f"next: alchemesh {foundation.command(words)}", here=True) if words else ""
        print_outcome(foundation, operation, outcome, suggestion, emulated=platform.emulated)
    for note in (*outcome.notes, *([KEPT_NOTE] if outcome.kept else [])):
        report(f"note: {note}")
    for problem in outcome.problems:
        click.echo(f"\n{with_context_options(str(problem))}", err=True)
