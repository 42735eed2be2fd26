"""The verdicts of usage limits: the largest usage of one consumer in the current period, beside the limit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from alchemesh_platform.base.usage_limit import UsageLimit
from alchemesh_platform.levels.commitment import USAGE, Commitment
from alchemesh_platform.levels.promised import Promised
from alchemesh_platform.levels.stale import stale_after
from alchemesh_platform.levels.verdicts.reading import Reading, aged, without_value
from alchemesh_platform.manifest.models import UsageLimits
from alchemesh_platform.measures.measure import USAGE as USAGE_MEASURE
from alchemesh_platform.registry.usage.lines import Used, used_by

NEARLY = 0.8  # the share of a limit from which it is at risk


def usage_limits(reading: Reading, promised: Promised) -> Iterator[Commitment]:
    """The verdict of each usage limit of a contract."""
    for meter in UsageLimits.model_fields if promised.limits is not None else ():
        limit: UsageLimit | None = getattr(promised.limits, meter)
        if limit is not None:
            yield _verdict(reading, promised, meter, limit)


def _verdict(reading: Reading, promised: Promised, meter: str, limit: UsageLimit) -> Commitment:
    promise = f"{limit.in_words()} for each consumer"
    empty = Commitment(promised.port, "", f"{USAGE}{meter}", promise, "unknown", unit="count")
    found = reading.newest.get((promised.port, USAGE_MEASURE))
    if found is None or found.outcome != "value":
        return without_value(empty, found)
    until = found.measured_at
    used = used_by(reading.registry, reading.environment, promised.port, limit.began(until), until)
    most = max(used, key=lambda each: _number(each, meter), default=Used("", 0, 0, 0, 0))
    number, unknown = _number(most, meter), sum(each.rows_unknown for each in used) if meter == "rows" else 0
    by = f" by {most.consumer}" if most.consumer else ""
    done = replace(
        empty,
        verdict="kept",
        value=f"{limit.amount_in_words(number)}{by}",
        number=float(number),
        measured_at=until,
    )
    if number > limit.amount:
        over = sum(_number(each, meter) > limit.amount for each in used)
        done = replace(done, verdict="broken", reason=f"{over} consumers are over the limit" if over > 1 else "")
    elif unknown:
        reason = f"the gateway does not know the rows of {unknown:,} request{'s' * (unknown != 1)}"
        done = replace(done, verdict="unknown", reason=reason)
    elif meter == "bytes" and any(each.rows and not each.bytes for each in used):
        done = replace(done, verdict="unknown", reason="nothing counts the bytes of its messages")
    elif number > NEARLY * limit.amount:
        done = replace(done, verdict="at_risk", reason=f"more than {NEARLY:.0%} of the limit")
    return aged(done, stale_after(promised.levels), reading.now)


def _number(used: Used, meter: str) -> int:
    number: int = getattr(used, meter)
    return number
