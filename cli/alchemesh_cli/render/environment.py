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


def environment_in_words(with_setting_places: Placed) -> str:
    """``demo``, or ``demo  emulated``: nobody should take a stand-in for the real one."""
    return (
        f"{with_setting_places.environment}  emulated"
        if with_setting_places.emulated
        else with_setting_places.environment
    )
