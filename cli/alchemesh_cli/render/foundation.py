"""Operations on foundations, shown while they run and with their outcome."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.console import Group
from rich.live import Live
from rich.text import Text

from alchemesh_cli.render.run.live import DOING, closing
from alchemesh_cli.render.run.tree import MARKS, NOTHING, WILL
from alchemesh_cli.terminal.printing import Cleaned
from alchemesh_cli.terminal.printing import console as printed_to
from alchemesh_platform.base.printable import one_line
from alchemesh_platform.engine.run.events import ResourceEvent, ResourceFailed, ResourceOutputs, ResourcePre
from alchemesh_platform.registry.lineage_text import BRANCH, GAP, LAST, LINE

if TYPE_CHECKING:
    from alchemesh_platform.base.problems import Problem
    from alchemesh_platform.compose.foundation import Foundation
    from alchemesh_platform.deployment.report.progress import Change
    from alchemesh_platform.engine.run.events import EngineEvent
    from alchemesh_platform.foundations.outcome import FoundationOperation, FoundationOutcome

REFRESH_PER_SECOND = 4
_STILL = ("same", "read", "refresh")


@dataclass(slots=True)
class Doing:
    """Progress of the engine: the resources that it has started, and the number of finished ones."""

    title: str
    operation: FoundationOperation
    started: float = field(default_factory=time.monotonic)
    begun: dict[str, tuple[str, float]] = field(default_factory=dict)
    done: int = 0

    def take(self, event: EngineEvent) -> None:
        """Update the progress from an event of the engine."""
        if not isinstance(event, ResourceEvent) or not event.custom or event.type.startswith("pulumi:"):
            return
        if isinstance(event, ResourcePre) and event.op not in _STILL:
            self.begun[event.urn] = (f"{event.name}  {_short(event.type)}", time.monotonic())
        elif isinstance(event, ResourceOutputs | ResourceFailed) and event.urn in self.begun:
            del self.begun[event.urn]
            self.done += 1

    def __rich__(self) -> Group:
        now = time.monotonic()
        title = Text.assemble((self.title, "bold"), "  ", (DOING[self.operation], "cyan"))
        title.append(f"  {now - self.started:.0f} s  {self.done} done", style="dim")
        rows = list(self.begun.values())
        return Group(
            title, *_branches([[Text(f"… {what}  {now - since:.0f} s", style="cyan")] for what, since in rows])
        )


@contextmanager
def watched(title: str, operation: FoundationOperation) -> Iterator[Doing]:
    """Show the engine's progress on a terminal while the block runs."""
    doing, console = Doing(title, operation), printed_to(stderr=True)
    if not console.is_terminal:
        yield doing
        return
    with Live(Cleaned(doing), console=console, refresh_per_second=REFRESH_PER_SECOND, transient=True):
        yield doing


def print_outcome(foundation: Foundation, outcome: FoundationOutcome, suggestion: str) -> None:
    """Print the changes of an operation, its problems, the outputs and the kept resources; then a line with totals.

    Args:
        foundation: The foundation.
        outcome: The outcome of the operation.
        suggestion: The next command, if the outcome allows it.
    """
    console = printed_to()
    console.print(foundation_tree(foundation, outcome), soft_wrap=True, highlight=False)
    line = " · ".join(foundation_closing(foundation, outcome, suggestion))
    console.print(f"\n{line}", soft_wrap=True, highlight=False, markup=False)


def foundation_tree(foundation: Foundation, outcome: FoundationOutcome) -> Group:
    """The changes of an operation, each with its problems; then outputs and kept resources."""
    title = Text.assemble((foundation.title, "bold"), *(("  ", ("emulated", "magenta")) if outcome.emulated else ()))
    title.append(f"{'  preview' if outcome.operation == 'preview' else ''}  {foundation.spec.name}")
    rows = [_changed(outcome, change) for change in outcome.resources]
    shown = {change.name for change in outcome.resources if outcome.state_of(change) == "failed"}
    rows += [
        _Row("✗", "red", name or foundation.spec.name, "", "", problems)
        for name, problems in outcome.places.items()
        if name not in shown
    ]
    if outcome.outcome == "failed" and not any(row.mark == "✗" for row in rows):
        rows.append(_Row("✗", "red", foundation.spec.name, "", "failed"))
    rows += [_Row("=", "dim", kept.name, _short(kept.type), f"{kept.id}, protected, kept") for kept in outcome.kept]
    names = max((len(row.name) for row in rows), default=0)
    types = max((len(row.kind) for row in rows), default=0)
    blocks = [
        [
            Text.assemble(
                (f"{row.mark} ", row.style),
                (f"{row.name:<{names}}  ", "bold"),
                (f"{row.kind:<{types}}  ", "dim"),
                (row.end, row.style),
            ),
            *(
                Text.assemble("  ", (f"{problem.location}  ", "dim"), (one_line(problem.message), "red"))
                for problem in row.problems
            ),
        ]
        for row in rows
    ]
    return Group(title, *_branches([*blocks, *([line] for line in _outputs(outcome))]))


def foundation_closing(foundation: Foundation, outcome: FoundationOutcome, suggestion: str) -> list[str]:
    """The parts of the last line: totals of completed changes and of failures, and what can follow."""
    preview, counted = outcome.operation == "preview", outcome.counted
    words = [
        f"{mark} {counted[each]} {WILL[each]}" if preview else f"{counted[each]} {done}"
        for each, (mark, _, done) in MARKS.items()
        if each in WILL and counted.get(each)
    ]
    words += [f"{outcome.failures} failed"] if outcome.outcome == "failed" else []
    totals = " · ".join(words) or NOTHING
    # A foundation that did not change needs no next command.
    suggestion = suggestion if outcome.progress.has_changes else ""
    return closing(outcome, suggestion, totals=totals, act=foundation.command(outcome.operation))


@dataclass(frozen=True, slots=True)
class _Row:
    mark: str
    style: str
    name: str
    kind: str
    end: str
    problems: tuple[Problem, ...] = ()


def _changed(outcome: FoundationOutcome, change: Change) -> _Row:
    state, kind = outcome.state_of(change), _short(change.type)
    mark, style, _ = MARKS[change.operation]
    if state == "failed":
        return _Row("✗", "red", change.name, kind, state, outcome.places.get(change.name, ()))
    if state == "not completed":
        return _Row("·", "yellow", change.name, kind, state)
    return _Row(mark, style, change.name, kind, "")


def _outputs(outcome: FoundationOutcome) -> list[Text]:
    given = {
        name: value if isinstance(value, str) else json.dumps(value) for name, value in (outcome.outputs or {}).items()
    }
    width = max((len(name) for name in given), default=0)
    return [Text.assemble((f"{name:<{width}}  ", "dim"), value) for name, value in given.items()]


def _branches(blocks: Sequence[Sequence[Text]]) -> Iterator[Text]:
    for at, (head, *below) in enumerate(blocks, start=1):
        last = at == len(blocks)
        for guide, line in ((LAST if last else BRANCH, head), *((GAP if last else LINE, each) for each in below)):
            line.rstrip()
            yield Text(guide, style="dim").append_text(line)


def _short(pulumi_type: str) -> str:
    return pulumi_type.rpartition(":")[2]
