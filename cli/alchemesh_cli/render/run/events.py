"""The events of a use case, shown as they come: the live tree and notes on stderr, outcomes on stdout."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import click

from alchemesh_cli.context_options import next_line, with_context_options
from alchemesh_cli.documents import echo_json
from alchemesh_cli.options import DEBUG_VARIABLE
from alchemesh_cli.terminal import waited
from alchemesh_cli.terminal.seen import warned
from alchemesh_platform.app.events import (
    EngineReported,
    Event,
    FoundationEnded,
    FoundationStarted,
    GrantsApplied,
    GrantsNotApplied,
    MeshCompared,
    Noted,
    RequestDecided,
    RunEnded,
    RunStarted,
    Warned,
)
from alchemesh_platform.base.printable import clean
from alchemesh_platform.base.remedy import command
from alchemesh_platform.base.secrecy.recognise import without_secrets

if TYPE_CHECKING:
    from alchemesh_cli.render.foundation import Doing
    from alchemesh_cli.render.run.live import Screen
    from alchemesh_platform.app.where import Where
    from alchemesh_platform.deployment.report.outcome import Outcome
    from alchemesh_platform.platform_file.models import Platform

NEXT = {
    "preview": command("up", about_product=True),
    "up": command("run", about_product=True),
    "refresh": command("preview", about_product=True),
}
# Operation: the next one of a foundation.
NEXT_OF_FOUNDATION = {"preview": "up", "refresh": "preview"}
KEPT_NOTE = "protected resources are kept, with their dependencies; `--delete-protected` deletes them and their data"


@dataclass(slots=True)
class Shown:
    """Shows the events of one use case.

    Args:
        where: The environment that the command works in.
        as_json: Whether the outcome of ``operation`` is printed as JSON.
        operation: The operation of the command. A preview before its question is always text, and suggests no command.
    """

    where: Where | Platform
    as_json: bool
    operation: str
    _live: ExitStack = field(default_factory=ExitStack)
    _screen: Screen | Doing | None = None
    _has_failed: bool = False
    _notes: set[str] = field(default_factory=set)

    def __call__(self, event: Event) -> None:
        """Show one event. A display that fails does not stop the run: this reports it once."""
        try:
            self._show(event)
        except Exception as error:
            if os.environ.get(DEBUG_VARIABLE):
                raise
            if not self._has_failed:
                self._has_failed = True
                with suppress(Exception):
                    report(f"note: the display failed, and the run continues: {type(error).__name__}: {error}")

    def _show(self, event: Event) -> None:
        if isinstance(event, EngineReported):
            self._touch(event)
        elif isinstance(event, Noted):
            report(event.line)
        elif isinstance(event, Warned):
            problem = event.problem
            report(warned(problem, end="\n"))
        elif isinstance(event, RunStarted):
            from alchemesh_cli.render.run.live import shown

            self._screen = self._live.enter_context(shown(event.progress, event.plan, event.operation))
        elif isinstance(event, RunEnded):
            self._live.close()
            self._run_ended(event.outcome)
        elif isinstance(event, FoundationStarted):
            from alchemesh_cli.render.foundation import watched

            self._screen = self._live.enter_context(watched(event.foundation.title, event.operation))
        elif isinstance(event, FoundationEnded):
            self._live.close()
            self._foundation_ended(event)
        else:
            self._decided(event)

    def close(self) -> None:
        """Remove the live tree from the terminal, however the use case ended."""
        self._live.close()

    def _touch(self, event: EngineReported) -> None:
        from alchemesh_cli.render.foundation import Doing

        if isinstance(self._screen, Doing):
            self._screen.take(event.event)
        elif self._screen is not None:
            self._screen.touch()

    def _run_ended(self, outcome: Outcome) -> None:
        from alchemesh_cli.render.run.live import Screen

        outcome = replace(outcome, seconds=waited.seconds())
        if self.as_json and outcome.operation == self.operation:
            echo_json("deployment", outcome.as_json())
        elif outcome.preview_only:
            from alchemesh_cli.render.run.drift import drift_lines

            for line in drift_lines(outcome):
                click.echo(line)
        elif isinstance(self._screen, Screen):
            following = NEXT.get(outcome.operation) if outcome.operation == self.operation else None
            suggestion = next_line(following) if following else ""
            self._screen.finish(outcome, suggestion, stderr=self.as_json)
        for note in () if outcome.preview_only else outcome.notes:  # the drift has them
            if note not in self._notes:  # the preview before a question has shown it
                self._notes.add(note)
                report(f"note: {with_context_options(note)}")
        for problem in (*outcome.problems, *outcome.forbidden):
            click.echo(f"\n{with_context_options(problem)}", err=True)

    def _foundation_ended(self, ended: FoundationEnded) -> None:
        from alchemesh_cli.render.foundation import print_outcome

        outcome, foundation = ended.outcome, ended.foundation
        if self.as_json and outcome.operation == self.operation:
            echo_json("foundation", outcome.as_json())
        else:
            words = NEXT_OF_FOUNDATION.get(outcome.operation) if outcome.operation == self.operation else None
            print_outcome(foundation, outcome, next_line(foundation.command(words)) if words else "")
        for note in (*outcome.notes, *([KEPT_NOTE] if outcome.kept else [])):
            report(f"note: {with_context_options(note)}")
        for problem in outcome.problems:
            click.echo(f"\n{with_context_options(problem)}", err=True)

    def _decided(self, event: RequestDecided | GrantsApplied | GrantsNotApplied | MeshCompared) -> None:
        from alchemesh_cli.render.mesh.access import applied_lines, request_line
        from alchemesh_cli.render.mesh.changes import diff_lines, totals
        from alchemesh_cli.render.text.environment import environment_in_words

        if isinstance(event, RequestDecided):
            if not self.as_json:
                click.echo(request_line(event.request))
        elif isinstance(event, GrantsApplied):
            for line in applied_lines(event.product, event.outcome):
                report(line)
            for problem in event.outcome.problems if event.outcome is not None else ():
                report(f"\n{with_context_options(problem)}")
        elif isinstance(event, GrantsNotApplied):
            failure = event.failure
            hint = f"\n\nhint: {with_context_options(failure.hint)}" if failure.hint else ""
            report(f"error: {event.product}: {failure.message}{hint}\n")
        elif event.difference:
            for line in diff_lines(event.difference, environment_in_words(self.where)):
                click.echo(line, err=self.as_json)
            click.echo(f"\n{totals(event.difference, done=False)}", err=self.as_json)


@contextmanager
def showing(where: Where | Platform, operation: str, *, as_json: bool) -> Iterator[Shown]:
    """Show the events of a use case that runs in the block; see :class:`Shown` for the arguments."""
    shown = Shown(where, as_json, operation)
    try:
        yield shown
    finally:
        shown.close()


def report(line: str) -> None:
    """Print one line for a person, on stderr. A live display would read sequences in it as its own."""
    click.echo(clean(without_secrets(with_context_options(line))), err=True)
