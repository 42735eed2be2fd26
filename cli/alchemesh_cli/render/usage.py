"""The usage of output ports, for a person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from alchemesh_cli.render.text.table import table_lines, terminal_width
from alchemesh_platform.base.printable import one_line
from alchemesh_platform.base.quantities import brief, size

if TYPE_CHECKING:
    from alchemesh_platform.app.usage.show import Usage
    from alchemesh_platform.registry.usage.lines import UsageTotal

HEADINGS = ("port", "consumer", "protocol", "contract", "requests", "errors", "bytes", "rows", "mean time")
NOBODY = "(no valid credential)"
OWN = "(own use and probes)"
UNKNOWN = "?"


def usage_text(usage: Usage) -> Iterator[str]:
    """The usage as a table, then what is missing in it."""
    spanned = f"{usage.since:%Y-%m-%d %H:%M} to {usage.until:%Y-%m-%d %H:%M} UTC"
    yield f"{usage.address}  {usage.environment}  {spanned}"
    if usage.totals:
        yield from (f"  {line}" for line in table_lines(HEADINGS, _rows(usage.totals), terminal_width()))
    elif usage.partial:
        yield "  no requests of consumers that you belong to"
    else:
        yield "  no requests"
    if any(each.rows_unknown for each in usage.totals):
        yield f"  {UNKNOWN}: nothing counts the rows of SQL, BigQuery and broken streams, nor the errors of SQL"
    if any(each.bytes_out is None for each in usage.totals):
        yield f"  {UNKNOWN}: nothing counts the bytes, the errors and the time of messages"
    if usage.partial and usage.totals:
        yield "  only consumers that you belong to are shown"
    for port, reason in usage.unmetered.items():
        yield f"  {port.rpartition('/')[2]}: usage unknown, {one_line(reason)}"
    for gap in usage.gaps:
        since = f"{gap.since:%Y-%m-%d %H:%M}" if gap.since is not None else "the start"
        yield f"  ! {gap.port.rpartition('/')[2]}: {one_line(gap.reason)} ({since} to {gap.until:%Y-%m-%d %H:%M} UTC)"


def _rows(totals: Iterable[UsageTotal]) -> Iterator[tuple[str, ...]]:
    """Consumers first, then requests without a credential, then own use."""
    for each in sorted(totals, key=lambda total: (total.port, total.own, not total.consumer)):
        rows = UNKNOWN if each.rows is None else f"{each.rows:,}"
        yield (
            each.port.rpartition("/")[2],
            OWN if each.own else one_line(each.consumer) or NOBODY,
            each.protocol,
            each.contract_version or "-",
            f"{each.requests:,}",
            UNKNOWN if each.errors is None else f"{each.errors:,}",
            UNKNOWN if each.bytes_out is None else size(each.bytes_out),
            f"{rows} + {UNKNOWN}" if each.rows_unknown and each.rows is not None else rows,
            brief(each.seconds / each.requests) if each.requests and each.bytes_out is not None else "-",
        )
