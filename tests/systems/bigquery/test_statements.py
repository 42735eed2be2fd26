"""The statements of a write, and values as GoogleSQL has them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from alchemesh_platform.data.conditions import Condition
from alchemesh_platform.manifest.models import LogicalType, Property
from alchemesh_platform.systems.bigquery.data import statements

TABLE, STAGING = "p.d.sale", "p.d.staging"
PROPERTIES = {
    "id": Property(type=LogicalType.STRING, key=True, required=True),
    "shop": Property(type=LogicalType.STRING),
    "opens": Property(type=LogicalType.TIME),
}
COLUMNS = list(PROPERTIES)
INSERT = "WHEN NOT MATCHED BY TARGET THEN INSERT (`id`, `shop`, `opens`) VALUES (s.`id`, s.`shop`, s.`opens`)"


def test_rows_without_a_key_are_appended_by_an_insert() -> None:
    assert statements.append(TABLE, STAGING, COLUMNS, ()) == (
        "INSERT INTO `p.d.sale` (`id`, `shop`, `opens`) SELECT `id`, `shop`, `opens` FROM `p.d.staging`"
    )


def test_an_append_fails_inside_its_statement_when_another_writer_added_the_key() -> None:
    assert statements.append(TABLE, STAGING, COLUMNS, ("id",)) == (
        "MERGE `p.d.sale` AS t USING `p.d.staging` AS s ON t.`id` = s.`id` WHEN MATCHED THEN UPDATE SET `id` = "
        f"IF(s.`id` IS NULL, s.`id`, ERROR('alchemesh: a row of the table has this key')) {INSERT}"
    )


def test_a_merge_updates_all_columns_but_the_key() -> None:
    assert statements.merge(TABLE, STAGING, COLUMNS, ("id",)) == (
        "MERGE `p.d.sale` AS t USING `p.d.staging` AS s ON t.`id` = s.`id` WHEN MATCHED THEN UPDATE SET "
        f"`shop` = s.`shop`, `opens` = s.`opens` {INSERT}"
    )
    assert "UPDATE" not in statements.merge(TABLE, STAGING, ["id"], ("id",))


def test_a_replaced_region_is_deleted_and_written_by_one_statement() -> None:
    region = statements.predicate([Condition("shop", "in", ["north", "it's"])], PROPERTIES, "t.")
    assert statements.replace(TABLE, STAGING, COLUMNS, region) == (
        "MERGE `p.d.sale` AS t USING `p.d.staging` AS s ON FALSE WHEN NOT MATCHED BY SOURCE AND "
        f"""t.`shop` IN ("north", "it's") THEN DELETE {INSERT}"""
    )
    assert statements.replace(TABLE, STAGING, COLUMNS).startswith(
        "MERGE `p.d.sale` AS t USING `p.d.staging` AS s ON FALSE WHEN NOT MATCHED BY SOURCE THEN DELETE "
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "TRUE"),
        (5, "5"),
        (0.1, "0.1"),
        (float("-inf"), "CAST('-inf' AS FLOAT64)"),
        (Decimal("1E-7"), "BIGNUMERIC '0.0000001'"),
        (date(2024, 2, 29), "DATE '2024-02-29'"),
        (datetime(999, 1, 1, tzinfo=UTC), "TIMESTAMP '0999-01-01 00:00:00.000000+00:00'"),
        (datetime(2024, 1, 1, 12, 0, 0, 5, UTC), "TIMESTAMP '2024-01-01 12:00:00.000005+00:00'"),
        ('a\\"\n\x00 é`; --', '"a\\\\\\"\\n\\u0000 é`; --"'),
    ],
)
def test_a_value_is_written_as_googlesql_reads_it(value: Any, text: str) -> None:
    assert statements.literal(value) == text


def test_a_time_is_compared_as_a_time_and_not_as_text() -> None:
    assert statements.predicate([Condition("opens", ">=", "09:30")], PROPERTIES) == '`opens` >= TIME "09:30"'


def test_a_moment_without_a_zone_is_no_value() -> None:
    with pytest.raises(TypeError, match="no time zone"):
        statements.literal(datetime(2024, 1, 1))
