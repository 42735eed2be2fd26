"""The tree of a product: live during a run, and final."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live

from alchemesh_cli.context_options import complete
from alchemesh_cli.render.tree import product_tree, summary
from alchemesh_platform.base.remedy import command
from alchemesh_platform.compose.plan import Plan
from alchemesh_platform.deployment.outcome import OperationName, Outcome
from alchemesh_platform.deployment.progress import Progress

REFRESH_PER_SECOND = 8
DOING = {"preview": "previewing", "up": "deploying", "refresh": "comparing", "destroy": "removing"}


class Screen:
    """Draws the tree: live on a terminal (stderr), and the result on stdout."""

    def __init__(self, progress: Progress, plan: Plan, operation: OperationName) -> None:
        self.progress = progress
        self.plan = plan
        self.operation: OperationName = operation
        self.started = time.monotonic()
        self.console = Console(stderr=True)
        self.live: Live | None = None
        self._drawn = 0.0

    def touch(self) -> None:
        """Draw again, if the interval has passed."""
        now = time.monotonic()
        if self.live is not None and now - self._drawn >= 1 / REFRESH_PER_SECOND:
            self._drawn = now
            self.live.update(self.tree(running=True), refresh=True)

    def tree(self, *, running: bool, seconds: float | None = None) -> Group:
        """The current tree."""
        product = self.plan.product
        took = f"{seconds if seconds is not None else time.monotonic() - self.started:.1f} s"
        doing = f"[cyan]{DOING[self.operation]}[/]  " if running else ""
        kind = "preview  " if self.operation == "preview" and not running else ""
        where = f"{self.plan.environment}  [magenta]emulated[/]" if self.plan.emulated else self.plan.environment
        title = f"[bold]{product.address}[/]  {where}  {doing}{kind}[dim]{took}[/]"
        return product_tree(self.progress, self.plan, title, preview=self.operation == "preview", running=running)

    def finish(self, outcome: Outcome, suggestion: str) -> None:
        """Print the final tree, and the summary."""
        console = Console()
        console.print(self.tree(running=False, seconds=outcome.seconds), soft_wrap=True)
        preview = self.operation == "preview"
        words = [summary(self.progress, preview=preview)] if self.progress.has_changes or outcome.succeeded else []
        if not outcome.succeeded:
            how = "stopped by hand" if outcome.outcome == "cancelled" else "failed"
            words.append(
                how
                if preview
                else f"{how}; the next {complete(command(self.operation, about_product=True))} resumes from here"
            )
        elif suggestion and (self.operation != "preview" or self.progress.has_changes):
            words.append(suggestion)
        console.print(f"\n{' · '.join(words)}", soft_wrap=True, highlight=False)


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
