"""Bring the recorded incidents of one commitment in line with its measurements. No side effects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from alchemesh_platform.incidents.incident import Facts, Incident, new_id, transitions
from alchemesh_platform.incidents.timeline import BAD, Change, Point, Spell, context, news, spells

NOT_PROMISED = "the contract no longer promises it"


@dataclass(frozen=True, slots=True)
class Measured:
    """One measurement of a commitment, with the facts that people read."""

    at: datetime
    verdict: str
    facts: Facts

    @property
    def point(self) -> Point:
        """The part that decides about incidents."""
        return Point(self.at, self.verdict)


@dataclass(frozen=True, slots=True)
class Named:
    """The names of a commitment.

    Args:
        commitment: Its name, unique in the environment.
    """

    environment: str
    product: str
    commitment: str


@dataclass(frozen=True, slots=True)
class Changed:
    """An incident to record.

    Args:
        news: The transitions that people do not know yet.
    """

    incident: Incident
    news: tuple[Change, ...] = ()


def reconcile(
    named: Named, recorded: Sequence[Incident], measured: Sequence[Measured], since: datetime, now: datetime
) -> list[Changed]:
    """The incidents that differ from the recorded ones, those that end first.

    Args:
        named: The commitment.
        recorded: Its incidents that may concern measurements from ``since`` on, in order of time.
        measured: Its measurements from ``since`` on, and the last ones before, in order of time.
        since: Time of the earliest measurement that is new or may have another verdict.
        now: Time of the registry.
    """
    before = [each for each in recorded if each.withdrawn_at is None and each.opened_at < since]
    last = before[-1] if before else None
    start = last.spell.until(since) if last is not None else None
    found = spells(context([each.point for each in measured], start), start)
    candidates = [each for each in recorded if each.opened_at >= since]
    changed: list[Changed] = []
    if last is not None:
        changed += _updated(last, found.pop(0), measured)
    for spell in found:
        known = next((each for each in candidates if _overlap(each.spell, spell)), None)
        if known is None:
            changed.append(_opened(named, spell, measured))
        else:
            candidates.remove(known)
            changed += _updated(known, spell, measured)
    changed += [_withdrawn(each, now) for each in candidates if each.withdrawn_at is None]
    return sorted(changed, key=lambda each: each.incident.closed_at is None)


def ended(incident: Incident, now: datetime) -> Changed:
    """An open incident whose commitment the contract no longer promises."""
    change = Change("closed", now)
    spell = Spell(incident.began_at, (*incident.spell.changes, change))
    facts = incident.facts.model_copy(update={"reason": NOT_PROMISED})
    return Changed(incident.model_copy(update={"changes": transitions(spell), "facts": facts}), (change,))


def _opened(named: Named, spell: Spell, measured: Sequence[Measured]) -> Changed:
    incident = Incident(
        id=new_id(named.environment, named.commitment, spell.began_at),
        environment=named.environment,
        product=named.product,
        commitment=named.commitment,
        facts=_facts(spell, measured) or measured[0].facts,
        began_at=spell.began_at,
        changes=transitions(spell),
    )
    return Changed(incident, spell.changes)


def _updated(incident: Incident, spell: Spell, measured: Sequence[Measured]) -> list[Changed]:
    """The incident with its transitions of now; nothing if it is the same."""
    new = news(incident.spell.changes, spell.changes)
    if incident.withdrawn_at is not None:  # people know that it ended
        new = (Change("reopened", spell.changes[-1].at),) if spell.is_open else ()
    update = {
        "began_at": spell.began_at,
        "changes": transitions(spell),
        "facts": _facts(spell, measured) or incident.facts,
        "withdrawn_at": None,
    }
    if any(change.kind == "reopened" for change in new):
        update["acknowledged_by"] = ""
    changed = incident.model_copy(update=update)
    return [Changed(changed, new)] if changed != incident else []


def _withdrawn(incident: Incident, now: datetime) -> Changed:
    new = (Change("closed", now),) if incident.closed_at is None else ()
    return Changed(incident.model_copy(update={"withdrawn_at": now}), new)


def _facts(spell: Spell, measured: Sequence[Measured]) -> Facts | None:
    """The commitment at the newest bad measurement of an incident; None if it has none among these."""
    end = spell.closed_at
    bad = [
        each
        for each in measured
        if each.verdict in BAD and each.at >= spell.began_at and (end is None or each.at <= end)
    ]
    return bad[-1].facts if bad else None


def _overlap(one: Spell, other: Spell) -> bool:
    first, second = sorted((one, other), key=lambda spell: spell.began_at)
    return first.closed_at is None or second.began_at <= first.closed_at
