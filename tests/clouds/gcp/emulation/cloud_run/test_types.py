"""Each type of a column of BigQuery, on Cloud Run: the matrix of the local data API in every format."""

from __future__ import annotations

import httpx
import pytest

from alchemesh_platform.systems.bigquery.columns import BIGQUERY_TYPES
from tests.clouds.gcp.emulation.cloud_run.running import BIGQUERY_KINDS, BIGQUERY_PARTITIONS, CASES_ON_CLOUD_RUN
from tests.systems.local.http.matrix import Case
from tests.systems.local.http.test_type_matrix import (  # noqa: F401 - they are collected here too
    answers,
    case,
    test_arrow_and_parquet_have_the_types_of_the_model,
    test_csv_has_the_same_values_and_nothing_for_null,
    test_decimals_are_texts_on_request,
    test_each_type_can_be_filtered_and_sorted_by,
    test_every_row_has_every_key_in_the_order_of_the_model,
    test_graphql_has_the_same_values_with_decimals_as_texts,
    test_json_has_every_digit_and_null,
    test_numbers_that_json_cannot_write_are_texts,
    test_sql_over_rest_has_the_same_values,
)
from tests.systems.local.serving.matrix import Kind
from tests.systems.local.serving.test_http import (  # noqa: F401 - they are collected here too
    check_partition,
    test_graphql_has_every_type_of_a_table,
    test_rest_has_every_type_of_a_table,
)

pytestmark = pytest.mark.slow


@pytest.fixture
def kinds() -> list[Kind]:
    """The columns of the table `matrix`."""
    return list(BIGQUERY_KINDS)


@pytest.mark.parametrize("name", BIGQUERY_PARTITIONS)
def test_a_partition_column_of_each_type_is_right_with_null(client: httpx.Client, kinds: list[Kind], name: str) -> None:
    check_partition(client, [kind for kind in kinds if kind.name == name])


def test_every_type_that_a_model_can_have_in_bigquery_is_in_the_matrix() -> None:
    models = {kind.model for kind in BIGQUERY_KINDS} | {"time"}  # `every` has one
    assert {each.value for each in BIGQUERY_TYPES} <= models
    assert {"object", "array of string", "array of object"} <= models


@pytest.fixture(scope="module")
def cases() -> dict[str, Case]:
    """The expected values of each column. An array of BigQuery holds no null, and is never null itself."""
    return CASES_ON_CLOUD_RUN
