"""A query for rows of one table, as REST and GraphQL both build it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Operator(StrEnum):
    """A comparison of a filter."""

    EQ = "eq"
    NEQ = "neq"
    LT = "lt"
    LTE = "lte"
    GT = "gt"
    GTE = "gte"
    IN = "in"
    LIKE = "like"
    NULL = "null"


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition. Its value is typed: a list for ``in``, a boolean for ``null``."""

    column: str
    operator: Operator
    value: Any


@dataclass(frozen=True, slots=True)
class Sort:
    """One column of an order."""

    column: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Cursor:
    """The place after the last row of a page.

    Args:
        passed: Rows of all pages before.
        values: Values of the order's columns in that row, as PostgreSQL writes them; None: only ``passed`` counts.
        skip: Rows with these values that earlier pages have returned.
    """

    passed: int
    values: tuple[str | None, ...] | None = None
    skip: int = 0


@dataclass(frozen=True, slots=True)
class Query:
    """Rows of a table.

    Args:
        columns: Columns of the answer, in its order.
        filters: Conditions that all hold.
        sort: Order, before the key.
        limit: Rows at most; None: all.
        offset: Rows that are left out first.
        cursor: Place to continue after; None: from the beginning.
        decimals_as_text: Whether decimals are texts.
        objects_as_text: Whether objects are JSON texts.
    """

    columns: tuple[str, ...]
    filters: tuple[Filter, ...] = ()
    sort: tuple[Sort, ...] = ()
    limit: int | None = None
    offset: int = 0
    cursor: Cursor | None = None
    decimals_as_text: bool = False
    objects_as_text: bool = False
