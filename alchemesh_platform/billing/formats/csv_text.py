"""Bills as CSV. A spreadsheet must not run a cell, so a text that begins like a formula gets a quote before it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from alchemesh_platform.base.printable import one_line

if TYPE_CHECKING:
    from alchemesh_platform.billing.bill import Bill, BillLine

Cell = str | int | Decimal | datetime | None

_FORMULAS = ("=", "+", "-", "@")  # https://owasp.org/www-community/attacks/CSV_Injection


def bills_text(bills: Iterable[Bill]) -> str:
    """One line for each line of the bills, with the bill that it belongs to."""
    return csv_text(_COLUMNS, (_row(bill, line) for bill in bills for line in bill.lines))


def _row(bill: Bill, line: BillLine) -> dict[str, Cell]:
    return {
        "bill": bill.id,
        "environment": bill.environment,
        "period": str(bill.period),
        "state": bill.state,
        "line": line.id,
        "kind": line.kind,
        "consumer": line.consumer,
        "port": line.port,
        "contract_version": line.contract_version,
        "meter": line.meter,
        "quantity": line.quantity,
        "unit": line.unit,
        "price": line.price,
        "per": line.per,
        "amount": line.amount,
        "currency": line.currency,
        "usage_period": str(line.usage_period),
        "since": line.since,
        "until": line.until,
        "adjusts": line.adjusts,
        "note": line.note,
    }


_COLUMNS = (
    "bill",
    "environment",
    "period",
    "state",
    "line",
    "kind",
    "consumer",
    "port",
    "contract_version",
    "meter",
    "quantity",
    "unit",
    "price",
    "per",
    "amount",
    "currency",
    "usage_period",
    "since",
    "until",
    "adjusts",
    "note",
)


def csv_text(columns: Sequence[str], rows: Iterable[Mapping[str, Cell]]) -> str:
    """Rows as CSV of RFC 4180 with a head; its lines end as those of other output."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_written(row.get(name)) for name in columns])
    return stream.getvalue()


def _written(value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, int):
        return str(value)
    text = one_line(value).strip()
    return f"'{text}" if text.startswith(_FORMULAS) else text
