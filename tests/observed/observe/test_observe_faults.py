"""`alchemesh observe` while tables change: removed, compacted in the middle of the scan, or with another schema."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.connections import OutputPort
from alchemesh_platform.quality.rows import RowTables
from alchemesh_platform.registry.records import AssetRecord
from alchemesh_platform.registry.store import Registry
from tests.observed.observe.test_observe_command import SALE, SHOP, home, observed, registry, shop

__all__ = ["home", "observed", "registry", "shop"]  # fixtures
QUALITY = ("completeness", "validity", "uniqueness")


def values(done: dict[str, Any], model: str) -> dict[str, Any]:
    """Measure: its value, or its outcome with the reason."""
    return {
        each["measure"]: each["value"] if each["outcome"] == "value" else (each["outcome"], each["note"])
        for each in done["values"]
        if each["asset"] == f"{SHOP}/{model}"
    }


def test_a_removed_table_is_down_and_an_error_and_the_other_is_measured(
    shop: OutputPort, tmp_path: Path, observed: Callable[..., Any]
) -> None:
    shop.write("sale", [{"sale_id": "1", "article": "hat"}])
    shop.write("visit", [{"page": "/"}])
    shutil.rmtree(tmp_path / "sale")
    (done,) = observed(code=ExitCode.FAILED)

    assert [(each["outcome"], each["reason"]) for each in done["probes"]] == [("down", "there is no table for sale")]
    assert all(outcome == "error" for outcome, _reason in values(done, "sale").values())
    assert values(done, "visit")["completeness"] == 1.0


def test_a_table_that_is_compacted_and_cleaned_during_the_scan_gives_no_wrong_value(
    shop: OutputPort, tmp_path: Path, observed: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        shop.write("sale", [{"sale_id": str(number), "article": "hat"}], mode="append")
    counted = RowTables.counted

    def meanwhile(self: RowTables, view: str, sums: Sequence[Any], groups: Sequence[Any]) -> Any:
        table = DeltaTable(str(tmp_path / "sale"))
        table.optimize.compact()
        table.vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)
        return counted(self, view, sums, groups)

    monkeypatch.setattr(RowTables, "counted", meanwhile)
    (during,) = observed(code=ExitCode.FAILED)
    found = values(during, "sale")
    assert {found[name][0] for name in QUALITY} == {"error"}
    assert all(found[name][1] for name in QUALITY)

    monkeypatch.setattr(RowTables, "counted", counted)
    (after,) = observed()
    assert {name: values(after, "sale")[name] for name in QUALITY} == dict.fromkeys(QUALITY, 1.0)
    assert [each["outcome"] for each in after["probes"]] == ["up"]


def test_a_table_whose_schema_drifted_from_the_model_is_an_error_that_names_the_column(
    shop: OutputPort, tmp_path: Path, observed: Callable[..., Any]
) -> None:
    shop.write("visit", [{"page": "/"}])
    drifted = pa.table({"sale_id": ["1"], "goods": ["hat"]})
    write_deltalake(str(tmp_path / "sale"), drifted, mode="overwrite", schema_mode="overwrite")
    (done,) = observed(code=ExitCode.FAILED)

    outcomes = values(done, "sale")
    assert {outcome for outcome, _reason in (outcomes[name] for name in QUALITY)} == {"error"}
    assert "article" in outcomes["validity"][1]
    assert values(done, "visit")["completeness"] == 1.0
    assert [each["outcome"] for each in done["probes"]] == ["up"]  # the files can be read: the port answers


def test_the_age_of_the_data_is_measured_from_the_declared_event_time(
    shop: OutputPort, tmp_path: Path, registry: Registry, observed: Callable[..., Any]
) -> None:
    sold = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
    fields = pa.schema(
        [
            ("sale_id", pa.string()),
            ("article", pa.string()),
            ("at", pa.timestamp("us", "UTC")),
            ("came", pa.timestamp("us", "UTC")),
        ]
    )
    rows = [
        {"sale_id": "1", "article": "hat", "at": sold, "came": sold + timedelta(minutes=5)},
        {"sale_id": "2", "article": "hat", "at": sold - timedelta(days=1), "came": sold},
        {"sale_id": "3", "article": "hat", "at": sold + timedelta(days=9), "came": sold},
    ]
    table = pa.Table.from_pylist(rows, fields)
    write_deltalake(str(tmp_path / "sale"), table, mode="overwrite", schema_mode="overwrite")
    moment = {"type": "timestamp"}
    registry.put(
        AssetRecord(
            environment="local",
            address=f"{SHOP}/sale",
            product=SHOP.rpartition("/")[0],
            port=SHOP,
            model="sale",
            definition={
                "properties": {**SALE, "at": moment, "came": moment},
                "event_time": "at",
                "ingestion_time": "came",
                "timeliness": "1h",
            },
        )
    )
    (done,) = observed()

    found = values(done, "sale")
    assert 7200 <= found["data_age"] < 7200 + 600
    assert found["timeliness"] == pytest.approx(2 / 3)
    assert found["validity"] == pytest.approx(5 / 6)  # three articles and two of three event times
