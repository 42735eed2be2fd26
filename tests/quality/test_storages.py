"""How each storage of this repository is measured, and folders of Parquet files as one of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from alchemesh_platform.base.packages.reference import load_reference
from alchemesh_platform.manifest.models import Property, QualityRule
from alchemesh_platform.observed.measuring import open_tables
from alchemesh_platform.quality.measuring import measured
from alchemesh_platform.quality.rules import verify
from alchemesh_platform.quality.tables import Deadline, Limits
from alchemesh_platform.sdk.spec import Role
from tests.builtin import builtin_catalog
from tests.data.products import read

SALE = {
    "sale_id": {"type": "string", "key": True, "required": True},
    "article": {"type": "string", "enum": ["shoe", "hat"]},
}


def test_every_storage_is_measured_or_is_known_not_to_be() -> None:
    storages = {spec.name: spec.measure for spec in builtin_catalog().values() if Role.STORAGE in spec.roles}
    assert {name for name, measure in storages.items() if measure is None} == {"kinesis-stream", "pubsub-topic"}
    for measure in storages.values():
        assert measure is None or callable(load_reference(measure))


@pytest.mark.parametrize("rows", [[], [{"sale_id": "1", "article": "hat"}, {"sale_id": "2", "article": None}]])
def test_a_folder_of_parquet_files_is_counted_by_duckdb(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    storage = {"kind": "files", "url": tmp_path.as_uri(), "format": "parquet"}
    known = {
        "product": "retail/orders",
        "environment": "local",
        "outputs": {"shop": {"storage": storage}},
        "schemas": {"shop": {"models": {"sale": SALE}}},
    }
    port = read(known).output("shop")
    if rows:
        port.write("sale", rows)
    model = {name: Property.model_validate(each) for name, each in SALE.items()}
    rules = [
        QualityRule.model_validate({"name": "rows", "metric": "rowCount", "mustBe": len(rows)}),
        QualityRule.model_validate(
            {"name": "hats", "type": "sql", "query": "SELECT count(*) FROM sale WHERE article = 'hat'", "mustBe": 1}
        ),
    ]
    with open_tables(
        "local-directory", builtin_catalog(), "retail/orders", "shop", port, {"sale": model}, Limits()
    ) as tables:
        found = [each.unknown or (each.good, each.total) for each in measured(tables, "sale", model, 60)]
        verdicts = verify(tables, {"sale": model}, rules, Deadline(Limits().patience))

    assert found == ([(2, 2), (1, 1), (2, 2)] if rows else ["the table has no rows"] * 3)
    assert [each.outcome for each in verdicts] == ["passed", "passed" if rows else "failed"]
