"""The changes between slices, as lines of a log."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alchemesh_platform.app.probing.watch import Watched


class Changes:
    """Says which ports changed, and when observations wait.

    Args:
        say: Receives each line.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self.before: dict[tuple[str, str], str] = {}
        self.waiting = False

    def slice(self, done: Watched) -> None:
        """Say each result that differs from the one of the slice before."""
        for each in done.results:
            key = (each.port, each.protocol)
            if self.before.get(key) != each.outcome:
                reason = f": {each.reason}" if each.reason else ""
                self.say(f"{done.probed_at:%Y-%m-%d %H:%M:%S} UTC  {each.port}  {each.protocol} {each.outcome}{reason}")
            self.before[key] = each.outcome
        if done.waiting and not self.waiting:
            self.say(f"the registry is away, so observations wait here: {done.reason}")
        elif self.waiting and not done.waiting:
            self.say("the registry is back, and has the observations that waited")
        elif done.reason and not done.waiting:
            self.say(done.reason)
        self.waiting = bool(done.waiting)
