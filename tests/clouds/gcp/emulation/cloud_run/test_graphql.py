"""GraphQL of the data API on Cloud Run: the checks of the local one, with identity tokens, over tables of BigQuery."""

from __future__ import annotations

import pytest

from tests.systems.local.http.test_graphql import (  # noqa: F401 - they are collected here too
    session,
    test_a_client_library_raises_the_error,
    test_a_malformed_body_is_refused,
    test_bodies_in_the_form_of_roapi_keep_working,
    test_errors_are_in_the_form_of_graphql,
    test_introspection_gives_the_schema_that_the_server_prints,
    test_pages_end_and_hold_each_row_once,
    test_several_fields_fragments_and_aliases_read_one_snapshot,
    test_variables_filters_sort_and_limit_work_with_a_client_library,
)

pytestmark = pytest.mark.slow


@pytest.fixture
def whole_number() -> str:
    """Each integer of BigQuery has 64 bits."""
    return "BigInt"
