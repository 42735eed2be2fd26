"""The examples of docs/code.md run as they are, against a landed file and a table."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from alchemesh_platform.connections import CONNECTIONS_VARIABLE, OutputPort, RowsRefused, connections
from alchemesh_platform.machine.landing.source_columns import SourceColumn
from alchemesh_platform.systems.local.landing.ingestion import ingest
from alchemesh_platform.systems.local.landing.reading import Reading
from tests.data.products import create

PAGE = Path(__file__).parents[2] / "docs" / "code.md"
SALE = {
    "sale_id": {"type": "string", "key": True, "required": True},
    "amount": {"type": "number", "precision": 10, "scale": 2},
    "day": {"type": "date"},
    "sold_at": {"type": "timestamp"},
}
LANDED = {name: SALE[name] for name in ("sale_id", "amount")}
PRINTED = (
    "2 of 4 sales are clean\n",
    "2\n2 R-8\n",
    "2024-05-01 10:00:00+00:00\n",
    "",
    "",
)


@pytest.fixture
def port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OutputPort:
    (tmp_path / "sales.csv").write_text("sale_id,amount\nR-7,4.50\nR-7,4.50\nR-8,39.00\nR-9,\n", "utf-8")
    (tmp_path / "landing").mkdir()
    columns = tuple(SourceColumn.model_validate({"name": name, **each}) for name, each in LANDED.items())
    ingest("sales.csv", tmp_path, tmp_path / "landing", Reading("csv", columns=columns))
    create(tmp_path / "sale", SALE)
    tables = {"kind": "tables", "format": "delta", "tables": {"sale": (tmp_path / "sale").as_uri()}}
    known = {
        "product": "retail/orders",
        "environment": "local",
        "inputs": {"sales": {"storage": {"kind": "files", "url": (tmp_path / "landing").as_uri()}}},
        "outputs": {"sales-table": {"storage": tables}},
        "schemas": {"sales": {"declared": LANDED}, "sales-table": {"models": {"sale": SALE}}},
    }
    monkeypatch.setenv(CONNECTIONS_VARIABLE, json.dumps(known))
    return connections().output("sales-table")


def test_each_example_of_the_page_prints_what_is_expected(port: OutputPort, capsys: pytest.CaptureFixture[str]) -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert len(blocks) == len(PRINTED)
    for text, printed in zip(blocks, PRINTED, strict=True):
        exec(compile(text, str(PAGE), "exec"), {})  # noqa: S102 - the page itself
        assert capsys.readouterr().out == printed
    assert sorted(row["sale_id"] for row in port.read("sale").pylist()) == ["R-7", "R-8", "R-9"]


def test_the_refusal_of_the_page_is_the_one_of_the_code(port: OutputPort) -> None:
    from decimal import Decimal

    with pytest.raises(RowsRefused) as refused:
        port.write("sale", [{"sale_id": "R-1"}, {"sale_id": "R-2", "amount": Decimal("0.001")}])
    assert f"```\n{refused.value}\n```" in PAGE.read_text("utf-8")
