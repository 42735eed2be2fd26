"""Operations on foundations, shown while they run and with their outcome."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.live import Live
from rich.text import Text

from alchemesh_cli.context_options import complete
from alchemesh_cli.printing import Cleaned
from alchemesh_cli.printing import console as printed_to
from alchemesh_cli.render.live import DOING
from alchemesh_cli.render.tree import MARKS, WILL
from alchemesh_platform.engine.run.events import ResourceEvent, ResourceFailed, ResourceOutputs, ResourcePre
from alchemesh_platform.registry.lineage_text import BRANCH, LAST

if TYPE_CHECKING:
    from alchemesh_platform.app.events import FoundationEnded
    from alchemesh_platform.compose.foundation import Foundation
    from alchemesh_platform.engine.run.events import EngineEvent
    from alchemesh_platform.foundations.operator import FoundationChange, FoundationOperation, FoundationOutcome

REFRESH_PER_SECOND = 4
_REPLACE = "replace"  # every other operation of the engine on a resource is part of a replacement
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
        return Group(title, *_branches([Text(f"… {what}  {now - since:.0f} s", style="cyan") for what, since in rows]))


def foundation_document(ended: FoundationEnded, *, emulated: bool) -> dict[str, Any]:
    """The outcome of an operation as one JSON document."""
    outcome, foundation = ended.outcome, ended.foundation
    return {
        "foundation": foundation.title,
        "stack": foundation.project,
        "emulated": emulated,
        "operation": ended.operation,
        "outcome": outcome.outcome,
        "changes": [
            {"operation": change.operation, "type": change.type, "name": change.name} for change in outcome.changes
        ],
        "outputs": outcome.outputs,
        "recorded": ended.recorded if outcome.outputs is not None else None,
        "kept": [{"type": kept.type, "name": kept.name, "id": kept.id} for kept in outcome.kept],
        "problems": [problem.as_json() for problem in outcome.problems],
        "notes": list(outcome.notes),
    }


@contextmanager
def watched(title: str, operation: FoundationOperation) -> Iterator[Doing]:
    """Show the engine's progress on a terminal while the block runs."""
    doing, console = Doing(title, operation), printed_to(stderr=True)
    if not console.is_terminal:
        yield doing
        return
    with Live(Cleaned(doing), console=console, refresh_per_second=REFRESH_PER_SECOND, transient=True):
        yield doing


def print_outcome(
    foundation: Foundation,
    operation: FoundationOperation,
    outcome: FoundationOutcome,
    suggestion: str,
    *,
    emulated: bool,
) -> None:
    """Print the changes of an operation, the outputs and the kept resources; then a line with totals."""
    console = printed_to()
    title = Text.assemble((foundation.title, "bold"), *(("  ", ("emulated", "magenta")) if emulated else ()))
    title.append(f"{'  preview' if operation == 'preview' else ''}  {foundation.spec.name}")
    rows = [_changed(change) for change in sorted(outcome.changes, key=lambda change: (change.type, change.name))]
    rows += [("=", "dim", kept.name, _short(kept.type), f"{kept.id}, protected, kept") for kept in outcome.kept]
    names = max((len(row[2]) for row in rows), default=0)
    types = max((len(row[3]) for row in rows), default=0)
    lines = [
        Text.assemble((f"{mark} ", style), (f"{name:<{names}}  ", "bold"), (f"{kind:<{types}}  ", "dim"), (end, style))
        for mark, style, name, kind, end in rows
    ]
    lines += _outputs(outcome)
    console.print(Group(title, *_branches(lines)), soft_wrap=True, highlight=False)
    console.print(f"\n{_summary(foundation, operation, outcome, suggestion)}", soft_wrap=True, highlight=False)


def _changed(change: FoundationChange) -> tuple[str, str, str, str, str]:
    mark, style, _ = MARKS.get(change.operation, MARKS[_REPLACE])
    return mark, style, change.name, _short(change.type), ""


def _outputs(outcome: FoundationOutcome) -> list[Text]:
    given = {
        name: value if isinstance(value, str) else json.dumps(value) for name, value in (outcome.outputs or {}).items()
    }
    width = max((len(name) for name in given), default=0)
    return [Text.assemble((f"{name:<{width}}  ", "dim"), value) for name, value in given.items()]


def _summary(
    foundation: Foundation, operation: FoundationOperation, outcome: FoundationOutcome, suggestion: str
) -> str:
    counted = Counter(change.operation if change.operation in WILL else _REPLACE for change in outcome.changes)
    words = [
        f"{MARKS[each][0]} {counted[each]} {WILL[each]}"
        if operation == "preview"
        else f"{counted[each]} {MARKS[each][2]}"
        for each in WILL
        if counted[each]
    ]
    if not outcome.succeeded:
        # The changes of a failed operation may be unfinished, so they are not counted.
        how = "stopped by hand" if outcome.outcome == "cancelled" else "failed"
        resumes = f"; the next {complete(foundation.command(operation))} resumes from here"
        return how if operation == "preview" else f"{how}{resumes}"
    if not words:
        return "nothing to change"
    return " · ".join([*words, *([suggestion] if suggestion else [])])


def _branches(lines: Sequence[Text]) -> Iterator[Text]:
    for at, line in enumerate(lines, start=1):
        line.rstrip()
        yield Text(LAST if at == len(lines) else BRANCH, style="dim").append_text(line)


def _short(pulumi_type: str) -> str:
    return pulumi_type.rpartition(":")[2]
