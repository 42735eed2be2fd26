"""An environment, as screens name it."""

from __future__ import annotations

from typing import Protocol


class Placed(Protocol):
    """What is in an environment: a platform, a plan."""

    @property
    def environment(self) -> str:
        """Its name."""

    @property
    def emulated(self) -> bool:
        """Whether its clouds are stand-ins on this machine."""


def spoken_environment(placed: Placed) -> str:
    """``demo``, or ``demo  emulated``: nobody should take a stand-in for the real one."""
    return f"{placed.environment}  emulated" if placed.emulated else placed.environment
