"""Bills as CSV and in FOCUS: a spreadsheet runs no cell, and numbers stay numbers."""

from __future__ import annotations

import csv
import io

from alchemesh_platform.billing.charges import Basis, bill_of
from alchemesh_platform.billing.formats.csv_text import bills_text, csv_text
from alchemesh_platform.billing.formats.focus import COLUMNS, focus_text
from alchemesh_platform.billing.period import Period
from tests.billing.ports import DESK, FLAT, PER_USE, PORT, access, at, used, version

HOSTILE = "=cmd|'/c calc'!A1@evil.example"


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_a_text_that_begins_like_a_formula_gets_a_quote() -> None:
    columns = ("cell",)
    cells = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "a\nb", "a=1", 'a "quoted", text', ""]
    found = [row["cell"] for row in rows(csv_text(columns, [{"cell": cell} for cell in cells]))]
    assert found == ["'=1+1", "'+1", "'-1", "'@SUM(A1)", "'=1", "'=1", "a b", "a=1", 'a "quoted", text', ""]


def test_csv_has_every_line_with_its_bill() -> None:
    basis = Basis(
        environment=HOSTILE,
        port=PORT,
        versions=[version({**PER_USE, "credits": {"uptime": "50%"}})],
        usage=[used(at(3), 2000)],
        broken=frozenset({"uptime"}),
    )
    text = bills_text([bill_of(basis, Period(2026, 11), at(10, month=12))])
    usage, credit = rows(text)
    assert (usage["bill"], usage["state"], usage["amount"], usage["quantity"]) == (
        f"{PORT}#2026-11",
        "final",
        "0.80",
        "2000",
    )
    assert usage["environment"] == f"'{HOSTILE}"
    assert (credit["kind"], credit["amount"], credit["note"]) == (
        "credit",
        "-0.40",
        "the service level uptime is broken",
    )
    assert usage["since"] == "2026-11-01T00:00:00Z"


def test_focus_has_all_columns_and_decimals_with_a_point() -> None:
    basis = Basis(
        environment="demo",
        port=PORT,
        versions=[version({**FLAT, "currency": "JPY", "credits": {"uptime": "100%"}})],
        access=[access(DESK, (at(1, month=10), None))],
        broken=frozenset({"uptime"}),
    )
    flat, credit = rows(focus_text([bill_of(basis, Period(2026, 11), at(10, month=12))]))
    assert tuple(flat) == COLUMNS
    assert len([name for name in COLUMNS if not name.startswith("x_")]) == 57
    assert (flat["BilledCost"], flat["ListUnitPrice"], flat["ConsumedQuantity"], flat["ConsumedUnit"]) == (
        "30.0",
        "30.0",
        "1.0",
        "Months",
    )
    assert (credit["BilledCost"], credit["ChargeCategory"], credit["ListUnitPrice"]) == ("-30.0", "Credit", "")
