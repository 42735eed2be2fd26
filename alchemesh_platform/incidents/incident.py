"""An incident: a commitment that is broken for longer than one measurement. Values only."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from alchemesh_platform.incidents.timeline import Change, ChangeKind, Spell

IncidentState = Literal["open", "acknowledged", "closed", "withdrawn"]
EntryKind = Literal["acknowledged", "note", "snoozed"]
ID_LENGTH = 10


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Transition(_Frozen):
    """A transition, at the time of the measurement that caused it."""

    kind: ChangeKind
    at: datetime


class Entry(_Frozen):
    """Something that a person wrote about an incident."""

    kind: EntryKind
    at: datetime
    by: str
    text: str = ""
    until: datetime | None = None


class Facts(_Frozen):
    """The commitment at one measurement: the promise, the measured value and the reason of the verdict."""

    port: str
    asset: str = ""
    name: str
    promise: str = ""
    value: str = ""
    reason: str = ""


class Incident(_Frozen):
    """An incident of one commitment.

    Withdrawn is an incident that later reports disproved: its measurements were not bad twice in a row.
    """

    id: str
    environment: str
    product: str
    commitment: str = Field(description="Name of the commitment, unique in the environment.")
    facts: Facts = Field(description="The commitment at its newest bad measurement.")
    began_at: datetime = Field(description="Time of the first bad measurement.")
    changes: tuple[Transition, ...] = Field(min_length=1)
    withdrawn_at: datetime | None = None
    acknowledged_by: str = ""
    snoozed_until: datetime | None = None
    entries: tuple[Entry, ...] = ()

    @property
    def opened_at(self) -> datetime:
        """Time of the measurement that opened it."""
        return self.changes[0].at

    @property
    def closed_at(self) -> datetime | None:
        """Time at which it ended; None while it is open."""
        last = self.changes[-1]
        return self.withdrawn_at or (last.at if last.kind == "closed" else None)

    @property
    def state(self) -> IncidentState:
        """Its state."""
        if self.withdrawn_at is not None:
            return "withdrawn"
        if self.closed_at is not None:
            return "closed"
        return "acknowledged" if self.acknowledged_by else "open"

    @property
    def spell(self) -> Spell:
        """Its transitions, as its measurements gave them."""
        return Spell(self.began_at, tuple(Change(change.kind, change.at) for change in self.changes))

    def is_snoozed(self, now: datetime) -> bool:
        """Whether it sends no notifications now."""
        return self.snoozed_until is not None and now < self.snoozed_until

    def as_json(self) -> dict[str, Any]:
        """The incident as one JSON object."""
        document = self.model_dump(mode="json", exclude={"facts"})
        return {
            **document,
            **self.facts.model_dump(mode="json"),
            "state": self.state,
            "opened_at": _iso(self.opened_at),
            "closed_at": _iso(self.closed_at),
        }


class IncidentEvent(_Frozen):
    """A transition that people do not know yet, with the incident at that time."""

    transition: ChangeKind
    at: datetime
    incident: Incident


def new_id(environment: str, commitment: str, began_at: datetime) -> str:
    """The id of an incident. The same commitment and time give the same id."""
    named = f"{environment}\n{commitment}\n{began_at.isoformat()}"
    return f"inc-{hashlib.sha256(named.encode()).hexdigest()[:ID_LENGTH]}"


def transitions(spell: Spell) -> tuple[Transition, ...]:
    """The transitions of a spell, to be recorded."""
    return tuple(Transition(kind=change.kind, at=change.at) for change in spell.changes)


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None
