"""Cursors: the opaque text that names the place after the last row of a page."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence

from alchemesh_platform.systems.local.data_api.http.configuration import ServedTable
from alchemesh_platform.systems.local.data_api.http.problems import Problem, bad_parameter
from alchemesh_platform.systems.local.data_api.http.rows.query import Cursor, Query
from alchemesh_platform.systems.local.data_api.http.rows.statements import order_of

CURSOR_MAX = 16_000  # characters; a longer one would not fit into the address of the next page
_DIGEST = 12
_COUNT_MAX = 2**62


def next_cursor(table: ServedTable, query: Query, places: Sequence[str]) -> str:
    """The cursor after a page.

    Args:
        table: The table.
        query: The query of the page.
        places: Place of each row of the page, as the statement returned it. There is at least one.
    """
    before = query.cursor.passed if query.cursor else query.offset
    passed = before + len(places)
    same = next((at for at, place in enumerate(reversed(places)) if place != places[-1]), len(places))
    values = tuple(json.loads(places[-1]))
    if not values:
        return _encoded(table, query, Cursor(passed))
    if same == len(places) and before:
        # Rows before this page may have the same values.
        if query.cursor is None or query.cursor.values is None:
            return _encoded(table, query, Cursor(passed))
        if query.cursor.values == values:
            same += query.cursor.skip
    cursor = _encoded(table, query, Cursor(passed, values, same))
    return cursor if len(cursor) <= CURSOR_MAX else _encoded(table, query, Cursor(passed))


def _encoded(table: ServedTable, query: Query, cursor: Cursor) -> str:
    document = {"q": _digest(table, query), "p": cursor.passed, "v": cursor.values, "s": cursor.skip}
    text = json.dumps(document, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(table: ServedTable, query: Query, text: str) -> Cursor:
    """The place that a cursor names.

    Raises:
        Problem: when it is no cursor, or one of another query.
    """
    if len(text) > CURSOR_MAX:
        raise _damaged()
    try:
        document = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        digest, passed, values, skip = document["q"], document["p"], document["v"], document["s"]
    except (binascii.Error, ValueError, KeyError, TypeError, RecursionError):
        raise _damaged() from None
    if digest != _digest(table, query):
        raise bad_parameter(
            "cursor", "it belongs to another query", "repeat the table, the filters and the sort of the first page"
        )
    if not _is_count(passed) or not _is_count(skip):
        raise _damaged()
    if values is None:
        return Cursor(passed)
    if not isinstance(values, list) or len(values) != len(order_of(table, query)) or not all(map(_is_text, values)):
        raise _damaged()
    return Cursor(passed, tuple(values), skip)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _COUNT_MAX


def _is_text(value: object) -> bool:
    return value is None or (isinstance(value, str) and "\0" not in value)


def _damaged() -> Problem:
    return bad_parameter("cursor", "it is not a cursor of this API", "take it from the `next` link of a page")


def _digest(table: ServedTable, query: Query) -> str:
    """A digest of the query, the same for a page and its next one."""
    text = repr((table.name, query.filters, query.sort))
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST]
