"""The age of data and timely rows: counted as by hand, without rows from the future, and where a table only grew."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from hypothesis import given, settings
from hypothesis import strategies as st

from alchemesh_platform.data.rows import Rows
from alchemesh_platform.data.types import arrow_schema
from alchemesh_platform.manifest.models import SemanticModel
from alchemesh_platform.measures.report import SKEW
from alchemesh_platform.quality.measuring import measured
from alchemesh_platform.quality.rows import RowTables, by_rows
from alchemesh_platform.quality.tables import MeasuredPort
from alchemesh_platform.quality.times import times_of
from alchemesh_platform.systems.local.quality.delta import measure
from tests.data.products import shop
from tests.quality.ports import port_of

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SALE: dict[str, Any] = {
    "properties": {"id": {"type": "string"}, "sold_at": {"type": "timestamp"}, "landed_at": {"type": "timestamp"}},
    "event_time": "sold_at",
    "ingestion_time": "landed_at",
    "timeliness": "1h",
}
Found = dict[str, Any]


def shown(found: Sequence[Any]) -> Found:
    """Measure: its counts, its seconds, or the reason why it is unknown."""
    return {
        each.measure: each.unknown or (each.seconds if each.seconds is not None else (each.good, each.total))
        for each in found
    }


def of_rows(rows: list[dict[str, Any]], document: dict[str, Any] | None = None, moment: datetime = NOW) -> Found:
    model = SemanticModel.model_validate(document or SALE)
    table = pa.Table.from_pylist(rows, arrow_schema(model.properties))
    held = Rows(table.schema, lambda: iter(table.to_batches()))
    with by_rows(port_of({"sale": held}, {"sale": model.properties})) as tables:
        return shown(measured(tables, "sale", model.properties, 60, times_of(model), moment))


def by_hand(rows: list[dict[str, Any]]) -> Found:
    events = [row["sold_at"] for row in rows if row["sold_at"] is not None]
    past = [event for event in events if event <= NOW + SKEW]
    both = [row["landed_at"] - row["sold_at"] for row in rows if row["sold_at"] and row["landed_at"]]
    timely = (sum(span <= timedelta(hours=1) for span in both), len(both))
    age: Any = max((NOW - max(past)).total_seconds(), 0.0) if past else None
    unknown = "every event time is in the future" if events else "no row has an event time"
    if not rows:
        return dict.fromkeys(("validity", "data_age", "timeliness"), "the table has no rows")
    return {
        "validity": (len(past), len(events)) if events else "no property has an enum, a pattern or a range",
        "data_age": unknown if age is None else age,
        "timeliness": timely if both else "no row has both times",
    }


MOMENTS = st.none() | st.integers(-7200_000_000, 600_000_000).map(lambda each: NOW + timedelta(microseconds=each))
ROWS = st.lists(st.fixed_dictionaries({"id": st.just("a"), "sold_at": MOMENTS, "landed_at": MOMENTS}), max_size=6)


@settings(max_examples=30)  # each one opens a database
@given(ROWS)
def test_times_are_those_of_a_count_by_hand(rows: list[dict[str, Any]]) -> None:
    found = of_rows(rows)
    wanted = by_hand(rows)
    if not rows:
        wanted["validity"] = "no property has an enum, a pattern or a range"
    assert {name: found[name] for name in wanted} == wanted


@pytest.mark.parametrize(
    ("ahead", "age", "valid"),
    [
        (timedelta(0), 0.0, (1, 1)),
        (SKEW, 0.0, (1, 1)),
        (SKEW + timedelta(microseconds=1), "every event time is in the future", (0, 1)),
    ],
)
def test_five_minutes_of_skew_are_no_future(ahead: timedelta, age: Any, valid: tuple[int, int]) -> None:
    found = of_rows([{"id": "a", "sold_at": NOW + ahead, "landed_at": None}])
    assert (found["data_age"], found["validity"]) == (age, valid)


def test_one_row_from_the_future_does_not_hide_the_age_of_the_others() -> None:
    found = of_rows(
        [
            {"id": "a", "sold_at": NOW + timedelta(days=300), "landed_at": NOW},
            {"id": "b", "sold_at": NOW - timedelta(hours=3), "landed_at": NOW},
        ]
    )
    assert found == {
        "completeness": "the model has no required property",
        "validity": (1, 2),
        "uniqueness": "the model has no key",
        "data_age": 10_800.0,
        "timeliness": (1, 2),
    }


def test_a_date_stands_for_its_beginning_in_utc() -> None:
    document = {"properties": {"day": {"type": "date"}}, "event_time": "day"}
    assert of_rows([{"day": date(2026, 3, 1)}], document)["data_age"] == 43_200.0
    assert "timeliness" not in of_rows([{"day": date(2026, 3, 1)}], document)


def test_a_table_that_only_grew_is_read_where_it_grew_and_a_compaction_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = SemanticModel.model_validate(SALE)
    port = shop(
        tmp_path, {"id": {"type": "string"}, "sold_at": {"type": "timestamp"}, "landed_at": {"type": "timestamp"}}
    )
    scans: list[str] = []
    counted = RowTables.counted

    def noted(self: RowTables, view: str, sums: Sequence[Any], groups: Sequence[Any]) -> Any:
        scans.append(view.strip('"'))
        return counted(self, view, sums, groups)

    monkeypatch.setattr(RowTables, "counted", noted)

    def found(moment: datetime = NOW) -> Found:
        measured_port = MeasuredPort(
            product="retail/orders",
            name="shop",
            connection=port.storage,
            models={"sale": model.properties},
            read=port.read,
            kept=tmp_path / "kept",
        )
        scans.clear()
        with measure(measured_port) as tables:
            return shown(measured(tables, "sale", model.properties, 60, times_of(model), moment))

    for hours in (5, 2):
        sold = NOW - timedelta(hours=hours)
        port.write("sale", [{"id": "a", "sold_at": sold, "landed_at": sold + timedelta(minutes=59 + hours)}])
        assert found()["data_age"] == hours * 3600
    assert scans == ["new rows of sale"]
    assert found(NOW + timedelta(hours=1))["data_age"] == 3 * 3600
    assert scans == []

    DeltaTable(str(tmp_path / "sale")).optimize.compact()
    assert (found()["data_age"], found()["timeliness"]) == (7200, (0, 2))
    files = len(list((tmp_path / "kept").glob("*.json")))
    port.write("sale", [{"id": "a", "sold_at": NOW + timedelta(days=1), "landed_at": NOW}])
    for minute in range(3):
        assert found(NOW + timedelta(minutes=minute))["validity"] == (2, 3)
    assert len(list((tmp_path / "kept").glob("*.json"))) == files  # counts of one moment are not kept
