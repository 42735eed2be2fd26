"""A condition of `data erase` on BigQuery is one expression: it cannot change the statement around it."""

from __future__ import annotations

import pytest

from alchemesh_platform.clouds.gcp.erasure import condition
from alchemesh_platform.sdk.system.erasure import NotErasable


@pytest.mark.parametrize(
    "where",
    [
        "customer_id = 7",
        "name = 'O\\'Hara; -- no comment' OR name IN (\"a(b\", '#')",
        "`odd (name` = 1 AND (a OR (b))",
        "text = '''it's \n (open'''",
    ],
)
def test_an_expression_is_taken_as_it_is(where: str) -> None:
    assert condition(where) == where


@pytest.mark.parametrize(
    "where",
    [
        "true); DROP TABLE t; SELECT (1",
        "true) OR (true",
        "(a = 1",
        "a = 1 -- and nothing else",
        "a = 1 # and nothing else",
        "a = 1 /* and nothing else */",
        "a = 'open",
        "a = `open",
        "a = 1; b = 2",
    ],
)
def test_anything_else_is_refused(where: str) -> None:
    with pytest.raises(NotErasable):
        condition(where)
