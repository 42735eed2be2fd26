"""The name of an environment in output."""

from __future__ import annotations

from typing import Protocol


class Placed(Protocol):
    """A value that belongs to an environment, such as a platform or a plan."""

    @property
    def environment(self) -> str:
        """Its name."""

    @property
    def emulated(self) -> bool:
        """Whether its clouds are emulated on this machine."""


def environment_in_words(placed: Placed) -> str:
    """``demo``, or ``demo  emulated``, so that an emulated environment is not mistaken for the real one."""
    return f"{placed.environment}  emulated" if placed.emulated else placed.environment
