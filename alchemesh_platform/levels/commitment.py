"""A commitment: one promise of a contract with its measured value and a verdict. No side effects."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from alchemesh_platform.measures.measure import CHANGE_AGE, LAG, NOTHING_NEW

Verdict = Literal["kept", "at_risk", "broken", "unknown", "stale", "error"]
Severity = Literal["error", "warning", "info"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)

FRESHNESS = "freshness"
UPDATE_FREQUENCY = "update_frequency"
UPTIME = "uptime"
RESPONSE_TIME = "response_time"
TEST = "test:"  # and the name of the business test
NOT_MEASURED = "nobody measured it"
NOT_EXECUTABLE = "the test is prose, so nobody can run it"
USAGE = "usage:"  # and the name of the meter


@dataclass(frozen=True, slots=True)
class Budget:
    """The error budget of a commitment over its window: the bad part that the promise allows.

    Args:
        unit: The counted unit: minutes of the window, or probes.
        allowed: The number that may be bad.
        spent: The number that is bad.
        burn_rate: The speed of the last hour, where 1 spends the whole budget in exactly one window; None without
            measurements in that hour.
        alarm: The burn rate alarm that fires, in words; empty without one.
    """

    unit: Literal["minutes", "probes"]
    allowed: float
    spent: float
    burn_rate: float | None = None
    alarm: str = ""

    @property
    def remaining(self) -> float:
        """The share that is left: 1 is the whole budget, 0 none; negative if more is bad than the promise allows."""
        if self.allowed == 0:
            return 1.0 if self.spent == 0 else -1.0
        return 1 - self.spent / self.allowed

    def as_json(self) -> dict[str, Any]:
        """The budget as one JSON object."""
        return {
            "unit": self.unit,
            "allowed": self.allowed,
            "spent": self.spent,
            "remaining": self.remaining,
            "burn_rate": self.burn_rate,
            "alarm": self.alarm,
        }


@dataclass(frozen=True, slots=True)
class Commitment:
    """One commitment of a contract: the promise, the measured value and the verdict.

    Args:
        port: Address of the output port.
        asset: Address of the asset that was measured; empty for a commitment of the whole contract.
        name: freshness, update_frequency, uptime, response_time, ``test:NAME`` or ``usage:METER``.
        promise: The promise, for people.
        verdict: ``at_risk`` is kept, but its error budget is nearly spent or burns too fast. The measurement of a
            ``stale`` commitment is too old to rely on.
        value: The measured value, for people; empty without one.
        number: The measured value in its unit; None without one.
        unit: ratio, seconds or verdict.
        reason: The reason of the verdict; empty if promise and value say everything.
        measured_at: Time of the newest measurement.
        budget: The error budget, where the commitment has one.
        severity: Weight of a broken commitment. Only business tests have another one than ``error``.
    """

    port: str
    asset: str
    name: str
    promise: str
    verdict: Verdict
    value: str = ""
    number: float | None = None
    unit: str = ""
    reason: str = ""
    measured_at: datetime | None = None
    budget: Budget | None = None
    severity: Severity = "error"

    @property
    def key(self) -> str:
        """A name that is unique in the environment and stays the same: subject and name."""
        return key_of(self.asset or self.port, self.name)

    @property
    def is_prose(self) -> bool:
        """Whether it is a business test that nobody can run."""
        return self.name.startswith(TEST) and self.reason == NOT_EXECUTABLE

    def as_json(self) -> dict[str, Any]:
        """The commitment as one JSON object."""
        return {
            "port": self.port,
            "asset": self.asset,
            "name": self.name,
            "promise": self.promise,
            "verdict": self.verdict,
            "value": self.value,
            "number": self.number,
            "unit": self.unit,
            "reason": self.reason,
            "measured_at": self.measured_at.isoformat() if self.measured_at is not None else None,
            "budget": self.budget.as_json() if self.budget is not None else None,
            "severity": self.severity,
        }


def key_of(subject: str, name: str) -> str:
    """The key of a commitment: the address of its asset, or of its port, and its name."""
    return f"{subject}#{name}"


def commitment_of(measure: str) -> str | None:
    """The name of the commitment that a measure says something about; None if there is none."""
    if measure.startswith(TEST):
        return measure
    return _BY_MEASURE.get(measure.partition(":")[0])


# Commitments over a window: a late measurement changes the verdicts of later times too.
WINDOWED = frozenset({UPDATE_FREQUENCY, UPTIME, RESPONSE_TIME})
_BY_MEASURE = {
    LAG: FRESHNESS,
    CHANGE_AGE: UPDATE_FREQUENCY,
    NOTHING_NEW: UPDATE_FREQUENCY,
    UPTIME: UPTIME,
    RESPONSE_TIME: RESPONSE_TIME,
}
