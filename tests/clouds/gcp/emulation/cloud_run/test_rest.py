"""REST of the data API on Cloud Run: the checks of the local one, with identity tokens, over tables of BigQuery."""

from __future__ import annotations

import httpx
import pytest

from tests.systems.local.http.test_rest import (  # noqa: F401 - they are collected here too
    test_a_column_of_objects_has_no_order_and_only_null_as_a_filter,
    test_a_cursor_of_another_query_is_refused,
    test_a_format_that_is_not_offered_is_refused_with_those_that_are,
    test_a_head_request_has_no_body,
    test_a_table_that_is_not_loaded_yet_is_retried_later,
    test_an_empty_answer_is_right_in_every_format,
    test_an_error_names_the_parameter_and_the_closest_name,
    test_an_unknown_table_is_not_found_with_the_closest_one,
    test_columns_are_returned_in_the_requested_order,
    test_every_format_takes_filters_sort_and_limit,
    test_filters_return_the_rows_that_fit,
    test_pages_after_an_offset_continue_where_it_began,
    test_pages_end_and_hold_each_row_once,
    test_rows_fit_the_schema_of_the_openapi_document,
    test_the_client_chooses_the_format,
    test_the_openapi_document_describes_each_table,
)

pytestmark = pytest.mark.slow


def test_the_schema_of_each_table_that_is_loaded_names_its_columns(client: httpx.Client) -> None:
    answer = client.get("/api/schema").json()
    assert {"every", "item", "loose", "measured", "matrix"} <= set(answer)
    assert "absent" not in answer
    assert [field["name"] for field in answer["item"]["fields"]] == ["id", "name", "size", "seen"]
