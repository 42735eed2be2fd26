"""Bills for a person."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

from alchemesh_cli.render.text.quantities import counted
from alchemesh_cli.render.text.table import table_lines, terminal_width
from alchemesh_cli.terminal.printing import styled
from alchemesh_platform.base.money.currency import format_price
from alchemesh_platform.base.printable import one_line
from alchemesh_platform.base.time_zone import moment_in_utc

if TYPE_CHECKING:
    from alchemesh_platform.app.product.bill import Bills
    from alchemesh_platform.billing.bill import Bill, BillLine

_HEADS = ("consumer", "version", "charge", "quantity", "price", "amount", "note")


def bills_page(bills: Bills) -> str:
    """The bill of each port, with its total."""
    pages = ["\n".join(_page(bill, bills.environment, bills.unmetered.get(bill.port))) for bill in bills.bills]
    return "\n\n".join(pages)


def _page(bill: Bill, environment: str, unmetered: str | None) -> Iterator[str]:
    state = "final" if bill.state == "final" else f"draft until {moment_in_utc(bill.closes_at)}"
    yield f"{styled(bill.port, bold=True)}  {environment}  {bill.period}  {state}"
    yield ""
    if bill.lines:
        rows = [_row(line) for line in bill.lines]
        yield from (f"  {line}".rstrip() for line in table_lines(_HEADS, rows, _width()))
        yield ""
        for currency, total in bill.totals.items():
            yield f"  total  {total:f} {currency}"
    else:
        yield "  nothing is billed"
    for at, each in enumerate(bill.left_out):
        yield f"  {'' if at else 'not billed':<{len('not billed')}}  {counted(each.requests, 'request')}: {each.reason}"
    yield from (f"  {one_line(gap)}" for gap in bill.gaps)
    if unmetered and bill.state == "draft":
        yield f"  its usage is not known: {one_line(unmetered)}"


def _row(line: BillLine) -> tuple[str, ...]:
    if line.kind == "credit":
        price = f"of {line.price:f} {line.currency}"
        quantity = f"{line.quantity:f}%"
    else:
        price = f"{format_price(line.price, line.currency)} per {line.per or 'month'}"
        quantity = f"{line.quantity:,f}" if line.quantity == line.quantity.to_integral_value() else f"{line.quantity:f}"
    note = f"{line.note} (adjusts {line.adjusts})" if line.adjusts else line.note
    charge = {"usage": line.meter, "flat": "flat", "adjustment": f"{line.meter}, adjustment"}.get(
        line.kind, f"credit for {line.meter}"
    )
    return (line.consumer, line.contract_version, charge, quantity, price, _amount(line.amount, line.currency), note)


def _amount(amount: Decimal, currency: str) -> str:
    return f"{amount:f} {currency}"


def _width() -> int | None:
    width = terminal_width()
    return None if width is None else width - 2
