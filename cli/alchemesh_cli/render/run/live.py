"""The tree of a product: live during a run, and final."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Group
from rich.live import Live

from alchemesh_cli.context_options import complete, next_line
from alchemesh_cli.render.run.tree import NOTHING, product_tree, summary
from alchemesh_cli.terminal import waited
from alchemesh_cli.terminal.printing import Cleaned
from alchemesh_cli.terminal.printing import console as printed_to
from alchemesh_platform.base.remedy import Command, command
from alchemesh_platform.compose.plan import Plan
from alchemesh_platform.deployment.report.outcome import OperationName, Outcome, allowing
from alchemesh_platform.deployment.report.progress import Progress

REFRESH_PER_SECOND = 8
DOING = {"preview": "previewing", "up": "deploying", "refresh": "comparing", "destroy": "removing"}


class Screen:
    """Draws the tree: live on a terminal (stderr), and the result on stdout."""

    def __init__(self, progress: Progress, plan: Plan, operation: OperationName) -> None:
        self.progress = progress
        self.plan = plan
        self.operation: OperationName = operation
        self.console = printed_to(stderr=True)
        self.live: Live | None = None
        self._drawn = 0.0

    def touch(self) -> None:
        """Draw again, if the interval has passed."""
        now = time.monotonic()
        if self.live is not None and now - self._drawn >= 1 / REFRESH_PER_SECOND:
            self._drawn = now
            self.live.update(Cleaned(self.running_tree()), refresh=True)

    def running_tree(self) -> Group:
        """The tree of the run so far."""
        took = f"{waited.seconds():.1f} s"
        title = f"{self._title()}  [cyan]{DOING[self.operation]}[/]  [dim]{took}[/]"
        preview = self.operation == "preview"
        return product_tree(self.progress.sections(), self.plan, title, preview=preview, running=True)

    def ended_tree(self, outcome: Outcome) -> Group:
        """The tree of an ended run."""
        preview = self.operation == "preview"
        act = "offline preview  " if outcome.offline else "preview  " if preview else ""
        title = f"{self._title()}  {act}[dim]{outcome.seconds:.1f} s[/]"
        sections = outcome.sections()
        return product_tree(sections, self.plan, title, preview=preview, running=False, every=outcome.offline)

    def _title(self) -> str:
        where = f"{self.plan.environment}  [magenta]emulated[/]" if self.plan.emulated else self.plan.environment
        return f"[bold]{self.plan.product.address}[/]  {where}"

    def finish(self, outcome: Outcome, suggestion: str, *, stderr: bool = False) -> None:
        """Print the final tree, and the summary.

        Args:
            suggestion: The next command, if the outcome allows it.
            stderr: Whether stdout belongs to a JSON document.
        """
        console = printed_to(stderr=stderr)
        console.print(self.ended_tree(outcome), soft_wrap=True)
        console.print(f"\n{' · '.join(closing(outcome, suggestion))}", soft_wrap=True, highlight=False, markup=False)


def closing(outcome: Outcome, suggestion: str, *, totals: str | None = None, act: Command | None = None) -> list[str]:
    """The parts of the last line: totals, and what can follow.

    Args:
        outcome: The outcome.
        suggestion: The next command, if the outcome allows it.
        totals: The totals; by default those of a product.
        act: The command that repeats the operation; by default that of a product.
    """
    preview = outcome.operation == "preview"
    again = complete(act or command(outcome.operation, about_product=True))
    totals = summary(outcome) if totals is None else totals
    # A run that was stopped in its first change has completed none; that is not the same as no change.
    words = [totals] if totals != NOTHING or (outcome.succeeded and not outcome.progress.has_changes) else []
    if outcome.outcome == "refused" and outcome.operation == "up":
        words.append(f"{again} refuses this and changes nothing")
    elif outcome.outcome == "refused" or (preview and outcome.succeeded and outcome.waiting):
        words.append(f"{complete(command('up', about_product=True))} would refuse this")
    elif outcome.outcome == "cancelled":
        words.append("stopped by hand" if preview else f"stopped by hand; the next {again} resumes from here")
    elif outcome.outcome == "failed":
        words += [] if preview else [f"the next {again} resumes from here"]
    elif suggestion and outcome.unconfirmed:
        words.append(next_line(command("up", *allowing(outcome.unconfirmed), about_product=True)))
    elif suggestion and (not preview or outcome.progress.has_changes):
        words.append(suggestion)
    return words


@contextmanager
def shown(progress: Progress, plan: Plan, operation: OperationName) -> Iterator[Screen]:
    """Show the tree while the block runs."""
    screen = Screen(progress, plan, operation)
    if not screen.console.is_terminal:
        yield screen
        return
    with Live(console=screen.console, auto_refresh=False, transient=True) as live:
        screen.live = live
        screen.touch()
        yield screen
        screen.live = None
