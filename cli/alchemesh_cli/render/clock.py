"""Renders the clock of the jobs of this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from alchemesh_cli.context_options import with_context_options
from alchemesh_platform.base.remedy import command, remedy

if TYPE_CHECKING:
    from rich.console import Console

    from alchemesh_platform.app.clock.state import ClockState


def print_clock(console: Console, clock: ClockState, *, briefly: bool) -> None:
    """Print that the clock does not run, with the fix, or the next run.

    Args:
        briefly: Whether a clock that runs prints nothing: the code of a product shows its next run.
    """
    if not clock.running:
        fix = with_context_options(remedy("{} starts it", command("resume")))
        console.print(Text("\n✗ the clock does not run, so no schedule starts code on this machine", style="red"))
        console.print(Text(f"  hint: {fix}"), soft_wrap=True)
    elif not briefly:
        console.print(Text(f"\nnext run: {clock.runs[0]}"), soft_wrap=True)
