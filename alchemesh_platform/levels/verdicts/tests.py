"""The verdict of a business test."""

from __future__ import annotations

from dataclasses import replace

from alchemesh_platform.levels.commitment import NOT_EXECUTABLE, TEST, Commitment
from alchemesh_platform.levels.promised import Promised
from alchemesh_platform.levels.stale import stale_after
from alchemesh_platform.levels.verdicts.reading import Reading, aged, without_value
from alchemesh_platform.manifest.models import QualityRule
from alchemesh_platform.quality.rules import in_words


def business_test(reading: Reading, promised: Promised, rule: QualityRule) -> Commitment:
    """The verdict of the newest run of a business test."""
    name = f"{TEST}{rule.name}"
    promise = rule.description if rule.type == "text" else in_words(rule)
    empty = Commitment(promised.port, "", name, promise, "unknown", severity=rule.severity or "error")
    if rule.type == "text":
        return replace(empty, reason=NOT_EXECUTABLE)
    found = reading.newest.get((promised.port, name))
    if found is None or found.outcome != "value" or found.value is None:
        return without_value(empty, found)
    passed = found.value == 1
    done = replace(
        empty,
        verdict="kept" if passed else "broken",
        value="passed" if passed else "failed",
        number=found.value,
        unit="verdict",
        reason=found.note,
        measured_at=found.measured_at,
    )
    return aged(done, stale_after(promised.levels), reading.now)
