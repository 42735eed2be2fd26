"""The measured values of a product, for a person."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.text import Text

from alchemesh_cli.render.status import APART, MEASURED, SAME
from alchemesh_cli.render.text.quantities import counted, share, span
from alchemesh_platform.base.printable import one_line
from alchemesh_platform.base.quantities import brief

if TYPE_CHECKING:
    from rich.console import Console

    from alchemesh_platform.app.product.measure import Measured, Measurement
    from alchemesh_platform.observed.probing import ProbeResult

PROBED = {"up": ("✓", "green"), "down": ("✗", "red"), "unknown": ("?", "yellow")}


def print_measurement(console: Console, measurement: Measurement) -> None:
    """Each port with its probes, each asset with its measures, and the ports that were not measured."""
    console.print(Text.assemble((measurement.product, "bold"), f"  {measurement.environment}"), soft_wrap=True)
    for port, results in _by_port(measurement).items():
        console.print(Text(f"  {port.removeprefix(measurement.product + '/')}"), soft_wrap=True)
        for result in results:
            console.print(probe_line(result), soft_wrap=True)
    last = ("", "")
    for each in measurement.values:
        if each.asset != last[0]:
            console.print(Text(f"  {each.asset.removeprefix(measurement.product + '/')}"), soft_wrap=True)
        console.print(_line(each, SAME if (each.asset, each.note) == last else one_line(each.note)), soft_wrap=True)
        last = (each.asset, each.note)
    for port, reason in measurement.unmeasured.items():
        console.print(Text(f"  {port.rpartition('/')[2]}: not measured, {reason}", style="dim"), soft_wrap=True)
    probing = measurement.probing
    for recorded in (measurement.recorded, probing.recorded if probing is not None else None):
        if recorded is not None and recorded.reason:
            waits = f"{recorded.waiting} values wait here for the registry: " if recorded.waiting else ""
            console.print(Text(f"  {waits}{one_line(recorded.reason)}", style="yellow"), soft_wrap=True)
            break
    for line in _usage(measurement):
        console.print(line, soft_wrap=True)
    if not measurement.values and not measurement.unmeasured and not _by_port(measurement):
        console.print("  no assets")


def _usage(measurement: Measurement) -> Iterator[Text]:
    """The new requests of each port, and what is missing in them."""
    metered = measurement.metered
    for each in metered.as_json() if metered is not None else ():
        if each["unknown"]:
            yield Text(f"  {each['port'].rpartition('/')[2]}: usage unknown, {one_line(each['unknown'])}", style="dim")
        else:
            requests = counted(each["requests"], "new request")
            yield Text(f"  {each['port'].rpartition('/')[2]}: {requests}")
    for gap in metered.gaps if metered is not None else ():
        yield Text(f"  ! {one_line(gap)}", style="yellow")


def _by_port(measurement: Measurement) -> dict[str, list[ProbeResult]]:
    found: dict[str, list[ProbeResult]] = {}
    for result in measurement.probing.results if measurement.probing is not None else ():
        found.setdefault(result.port, []).append(result)
    return found


def probe_line(result: ProbeResult) -> Text:
    """The result of one probe: ``rest  up  12 ms``."""
    mark, style = PROBED[result.outcome]
    detail = brief(result.seconds) if result.seconds is not None else one_line(result.reason)
    return Text.assemble((f"    {result.protocol:<14}", "dim"), (f"{mark} {result.outcome}", style), APART, detail)


def _line(each: Measured, reason: str) -> Text:
    mark, style = MEASURED[each.outcome]
    name = f"    {each.measure.replace('_', ' '):<14}"
    if each.outcome != "value":
        return Text.assemble((name, "dim"), (f"{mark} {each.outcome}", style), APART, reason)
    if each.good is not None and each.total:
        return Text.assemble((name, "dim"), f"{share(each.good, each.total)} ({each.good:,} of {each.total:,})")
    return Text.assemble((name, "dim"), span(each.value or 0.0))
