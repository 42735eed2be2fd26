"""The state of a product, and the one precedence of states. No side effects."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

ReportedState = Literal["operational", "in_incident", "down"]
State = Literal["down", "in_incident", "maintenance", "unknown", "operational"]

PRECEDENCE: tuple[State, ...] = get_args(State)
REPORTED: tuple[ReportedState, ...] = get_args(ReportedState)


def worst(states: Iterable[State]) -> State:
    """The state of the whole from the states of its parts: the first of ``PRECEDENCE``. Without parts it is unknown."""
    return min(states, key=PRECEDENCE.index, default="unknown")
