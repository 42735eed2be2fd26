"""Running an operation in front of a person: the live tree, the question, the summary."""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from types import FrameType
from typing import TYPE_CHECKING

import click

from alchemesh_cli.asking import confirm
from alchemesh_cli.context import Composed
from alchemesh_cli.context_options import with_context_options

if TYPE_CHECKING:
    from alchemesh_platform.deployment.checks.verdict import Verdict
    from alchemesh_platform.deployment.operator import Operator
    from alchemesh_platform.deployment.outcome import OperationName, Outcome
    from alchemesh_platform.identity.identity import Identity

NEXT = {
    "preview": "next: alchemesh up",
    "up": "next: alchemesh run",
    "refresh": "next: alchemesh preview",
    "destroy": "",
}


def operate(
    composed: Composed,
    operation: OperationName,
    *,
    as_json: bool,
    targets: tuple[str, ...] = (),
    parallel: int | None = None,
    confirmed: bool = False,
    question: str = "",
    delete_data: bool = False,
    override_notice: str | None = None,
) -> Outcome:
    """Run one operation and show it; `up` shows a preview and asks first, unless the answer is already yes.

    Args:
        override_notice: Why a change passes that has to wait for consumers; None where none does.

    Returns:
        What came of it; shown already.
    """
    from alchemesh_platform.deployment.checks.promises import Override, record_override
    from alchemesh_platform.deployment.checks.verdict import before_engine
    from alchemesh_platform.deployment.operator import check_targets, operating
    from alchemesh_platform.deployment.recovery.kept_data import with_kept
    from alchemesh_platform.identity.identify import identify
    from alchemesh_platform.mesh_repo.last_seen import remember_mesh

    check_targets(composed.plan, targets)
    if question and not confirmed:
        confirm_possible()
    # Before anything is started: who is not known has nothing to wait for. A preview needs nobody, as in a fork's run.
    identity = identify(composed.platform) if operation != "preview" else None
    override = Override(override_notice, identity) if override_notice is not None and identity is not None else None
    with (
        interruptible() as cancel,
        operating(
            composed.plan, composed.platform, report=report, delete_data=delete_data, identity=identity
        ) as operator,
    ):
        remember_mesh(composed.platform, operator.registry)

        def judge() -> Verdict:
            declared, now = (operator.registry, composed.manifest, composed.plan), datetime.now(UTC)
            return before_engine(*declared, operation, now, targets=targets, override=override)

        verdict = judge()
        for problem in verdict.warnings:
            report(with_context_options(f"{problem}\n"))
        operator.plan = with_kept(operator.registry, verdict.plan, operator.deployed_state())
        composed = replace(composed, plan=operator.plan)
        if question and not confirmed:
            seen = run_shown(composed, operator, "preview", verdict, targets, parallel, cancel, as_json=False)
            if not seen.succeeded or not (seen.progress.has_changes or verdict.notes):
                return seen
            confirm(question, confirmed=False)
            judge()  # a question may stay open for long, and a notice be taken back meanwhile
        if override is not None:
            record_override(operator.registry, composed.plan, verdict.steps, override, datetime.now(UTC))
        if operation == "up":
            grant_inputs_first(composed, operator, verdict, identity, cancel)
        done = run_shown(composed, operator, operation, verdict, targets, parallel, cancel, as_json=as_json)
        _keep(composed, operator, done)
        if done.succeeded and operation == "up":
            grant_inputs_last(composed, operator, identity, cancel)
        return done


def _keep(composed: Composed, operator: Operator, done: Outcome) -> None:
    """Keep what a run that went well says of the product's value."""
    from alchemesh_platform.deployment.checks.governance import forget_value, record_value

    if done.succeeded and done.operation == "up":
        record_value(operator.registry, composed.manifest, composed.plan)
    elif done.succeeded and done.operation == "destroy":
        forget_value(operator.registry, composed.plan)


def run_shown(
    composed: Composed,
    operator: Operator,
    operation: OperationName,
    verdict: Verdict,
    targets: tuple[str, ...],
    parallel: int | None,
    cancel: threading.Event,
    *,
    as_json: bool,
) -> Outcome:
    """Run one operation with its tree on the terminal, then the outcome as text on stdout or as JSON."""
    from alchemesh_cli.render.live import shown
    from alchemesh_platform.deployment.progress import Progress
    from alchemesh_stacks.data_product import deploy

    progress = Progress(composed.plan, verdict.steps)
    with shown(progress, composed.plan, operation) as screen:
        outcome = operator.run(
            operation,
            deploy,
            progress,
            on_event=lambda _event: screen.touch(),
            targets=targets,
            parallel=parallel,
            cancel=cancel,
        )
    notes = (*outcome.notes, *(verdict.notes if operation == "preview" else ()))
    outcome = replace(outcome, forbidden=verdict.problems, warnings=verdict.warnings, notes=notes)
    if as_json:
        click.echo(json.dumps(outcome.as_json(), indent=2, ensure_ascii=False))
    else:
        screen.finish(outcome, with_context_options(NEXT[operation], here=True))
    for note in outcome.notes:
        report(f"note: {note}")
    for problem in (*outcome.problems, *outcome.forbidden):
        click.echo(f"\n{with_context_options(str(problem))}", err=True)
    return outcome


def grant_inputs_first(
    composed: Composed, operator: Operator, verdict: Verdict, identity: Identity | None, cancel: threading.Event
) -> None:
    """Before a product comes up: ask for what is approved at once, and have those who own it let the product in.

    Raises:
        Failure: when one of them cannot; nothing of the product was touched then.
    """
    from alchemesh_platform.deployment.grants.inputs import grant_inputs
    from alchemesh_stacks.data_product import deploy

    if identity is not None:
        grant_inputs(
            operator.registry,
            composed.platform,
            composed.plan,
            verdict.inputs,
            identity,
            deploy=deploy,
            report=report,
            cancel=cancel,
        )


def grant_inputs_last(
    composed: Composed, operator: Operator, identity: Identity | None, cancel: threading.Event
) -> None:
    """After a product came up: what waited for its identity is granted now."""
    from alchemesh_platform.deployment.grants.inputs import grant_inputs_afterwards
    from alchemesh_stacks.data_product import deploy

    if identity is not None and any(port.from_product for port in composed.plan.inputs):
        registry, platform = operator.registry, composed.platform
        grant_inputs_afterwards(
            registry, platform, composed.plan, identity, deploy=deploy, report=report, cancel=cancel
        )


def report(line: str) -> None:
    """One line for a person, on stderr."""
    click.echo(line, err=True)


def confirm_possible() -> None:
    """Refuse at once, before anything is started, when a question is to come that nobody could answer."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        confirm("", confirmed=False)


@contextmanager
def interruptible() -> Iterator[threading.Event]:
    """Ctrl-C sets the event, so that the engine stops cleanly; a second Ctrl-C is Python's own."""
    cancel = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        report("stopping: what has begun is finished and recorded; press Ctrl-C again to stop at once")
        cancel.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = signal.signal(signal.SIGINT, stop)
    before_term = signal.signal(signal.SIGTERM, stop)
    try:
        yield cancel
    finally:
        signal.signal(signal.SIGINT, before)
        signal.signal(signal.SIGTERM, before_term)
