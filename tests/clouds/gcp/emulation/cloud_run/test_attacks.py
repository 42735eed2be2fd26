"""Attacks on the data API on Cloud Run: those on the local one, with identity tokens, over tables of BigQuery.

The dataset has a table ``secret``, which no port serves. Attacks on the consumer's name are in `test_access.py`: it is
in a token here, and in a header of the gateway in the local tests. Google's front end reads requests before the server.
"""

from __future__ import annotations

import pytest

from tests.systems.local.http.test_attacks import (  # noqa: F401 - they are collected here too
    test_a_large_request_is_refused_and_the_server_goes_on,
    test_a_parameter_is_a_name_or_a_value_and_never_a_statement,
    test_a_statement_of_a_consumer_reads_its_tables_only,
    test_a_table_that_is_not_served_is_not_found,
    test_each_request_has_the_role_of_its_own_consumer,
    test_two_columns_of_one_name_are_refused,
)

pytestmark = pytest.mark.slow
