"""The drift of a product, for a terminal: changes by hand first, differences of normal work apart."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from alchemesh_cli.context_options import next_line
from alchemesh_cli.terminal import waited
from alchemesh_cli.terminal.printing import styled
from alchemesh_platform.base.printable import one_line
from alchemesh_platform.base.remedy import command
from alchemesh_platform.base.secrecy.recognise import is_secret

if TYPE_CHECKING:
    from alchemesh_platform.deployment.report.drift import Drifted
    from alchemesh_platform.deployment.report.outcome import Outcome

LONGEST_VALUE = 60
UNKNOWN = "unknown"


def drift_lines(outcome: Outcome) -> Iterator[str]:
    """Each changed resource with its properties, author and time; then the expected differences; last the totals."""
    emulated = "  emulated" if outcome.emulated else ""
    where = f"{styled(outcome.product, bold=True)}  {styled(outcome.environment)}{emulated}"
    yield f"{where}  drift  {waited.seconds():.1f} s"
    for each in outcome.drift:
        yield from _lines(each)
    if outcome.expected_differences:
        yield ""
        yield "no drift, differences of normal work:"
        for each in outcome.expected_differences:
            yield f"  = {_name(each)}{_what(each)}"
    yield ""
    yield " · ".join(_totals(outcome))


def _lines(each: Drifted) -> Iterator[str]:
    mark = "-" if each.change == "removed" else "!"
    place = f"  {each.location}" if each.location is not None else ""
    yield f"{mark} {_name(each)}  {each.change} by hand{place}"
    if each.deviations:
        for one in each.deviations:
            differs = f"found {_value(one.found)}, declared {_value(one.declared)}"
            words = "differs, not shown" if is_secret(one.path, one.declared, one.found) else differs
            yield f"    {styled(one.path, bold=True)}  {words}"
    elif each.reason:
        yield f"    {styled(one_line(each.reason))}"
    yield f"    by {styled(each.by or UNKNOWN)}, {_moment(each)}"


def _name(each: Drifted) -> str:
    port = f"{each.port}  " if each.port else ""
    return f"{styled(port)}{styled(each.type.rpartition(':')[2])} {styled(each.resource)}"


def _what(each: Drifted) -> str:
    words = each.reason or ", ".join(one.path for one in each.deviations)
    return f"  {styled(one_line(words))}" if words else ""


def _moment(each: Drifted) -> str:
    from alchemesh_platform.base.time_zone import moment_in_utc

    return moment_in_utc(each.at) if each.at is not None else "time unknown"


def _value(value: Any) -> str:
    if value is None:
        return "nothing"
    text = one_line(json.dumps(value, ensure_ascii=False))
    return styled(text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…")


def _totals(outcome: Outcome) -> Iterator[str]:
    for how in ("changed", "removed"):
        if count := sum(each.change == how for each in outcome.drift):
            yield f"{count} {how} by hand"
    if outcome.failures:
        yield f"{outcome.failures} failed"
    if outcome.outcome == "cancelled":
        yield "stopped by hand"
    if not outcome.drift and outcome.succeeded:
        yield "no drift" if outcome.is_recorded else f"not deployed in {styled(outcome.environment)}"
    if count := len(outcome.expected_differences):
        yield f"{count} expected {'difference' if count == 1 else 'differences'}"
    if outcome.drift:
        yield str(next_line(command("up", about_product=True)))
