"""The parameters of REST: columns, filters, sort, limit, offset, cursor and decimals.

They are those of roapi (https://roapi.github.io/docs/api/query/rest.html), and more: existing clients keep working.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from typing import Any

from alchemesh_platform.systems.local.data_api.http.configuration import Limits, ServedTable
from alchemesh_platform.systems.local.data_api.http.kinds import ColumnKind, Kind, kind_of, value_of
from alchemesh_platform.systems.local.data_api.http.problems import bad_parameter, unknown
from alchemesh_platform.systems.local.data_api.http.rows.paging import read_cursor
from alchemesh_platform.systems.local.data_api.http.rows.query import Filter, Operator, Query, Sort

COLUMNS, SORT, LIMIT, OFFSET, CURSOR, DECIMALS = "columns", "sort", "limit", "offset", "cursor", "decimals"
SINGLE = (COLUMNS, SORT, LIMIT, OFFSET, CURSOR, DECIMALS)
FILTERS_MAX = 50
VALUES_MAX = 1_000  # of one filter `in`
_FILTER = re.compile(r"filter\[(?P<column>[^\]]*)\](?P<operator>.*)", re.DOTALL)
_OTHER_NAMES = {"": Operator.EQ, "lteq": Operator.LTE, "gteq": Operator.GTE, "noteq": Operator.NEQ}
_COUNT = re.compile(r"[0-9]{1,18}")
_SHOWN_MAX = 100


def read_query(table: ServedTable, parameters: Sequence[tuple[str, str]], limits: Limits) -> Query:
    """The query that parameters ask for.

    Raises:
        Problem: when a parameter is not as expected. It names the parameter.
    """
    single: dict[str, str] = {}
    filters: list[Filter] = []
    for name, value in parameters:
        if name in SINGLE:
            if name in single:
                raise bad_parameter(name, "it is given twice")
            single[name] = value
        elif (found := _FILTER.fullmatch(name)) is not None:
            if len(filters) == FILTERS_MAX:
                raise bad_parameter(name, f"expected at most {FILTERS_MAX} filters")
            filters.append(_filter(table, name[:_SHOWN_MAX], found["column"], found["operator"], value))
        else:
            raise unknown(name[:_SHOWN_MAX], "parameter", name, (*SINGLE, "filter[column]"))
    if single.get(DECIMALS, "number") not in ("number", "text"):
        raise bad_parameter(DECIMALS, f"expected number or text, found {single[DECIMALS][:_SHOWN_MAX]!r}")
    if OFFSET in single and CURSOR in single:
        raise bad_parameter(OFFSET, "it is given together with cursor", "leave out one of them")
    query = Query(
        columns=_columns(table, single.get(COLUMNS)),
        filters=tuple(filters),
        sort=_sort(table, single.get(SORT)),
        limit=_limit(single.get(LIMIT), limits),
        offset=_count(OFFSET, single[OFFSET]) if OFFSET in single else 0,
        decimals_as_text=single.get(DECIMALS) == "text",
    )
    if CURSOR not in single:
        return query
    return Query(
        query.columns,
        query.filters,
        query.sort,
        query.limit,
        cursor=read_cursor(table, query, single[CURSOR]),
        decimals_as_text=query.decimals_as_text,
    )


def _columns(table: ServedTable, text: str | None) -> tuple[str, ...]:
    if text is None:
        return table.names
    found = tuple(name.strip() for name in text.split(","))
    for at, name in enumerate(found):
        if name not in table.names:
            raise unknown(COLUMNS, "column", name, table.names)
        if name in found[:at]:
            raise bad_parameter(COLUMNS, f"column {name!r} is given twice")
    return found


def _sort(table: ServedTable, text: str | None) -> tuple[Sort, ...]:
    if text is None:
        return ()
    found: list[Sort] = []
    for part in text.split(","):
        name = part.strip().lstrip("+")
        descending = name.startswith("-")
        name = name.removeprefix("-")
        check_sort(table, SORT, name, [sort.column for sort in found])
        found.append(Sort(name, descending))
    return tuple(found)


def check_sort(table: ServedTable, parameter: str, name: str, before: Sequence[str]) -> None:
    """Check one column of an order.

    Raises:
        Problem: when the table cannot be sorted by it.
    """
    if name not in table.names:
        raise unknown(parameter, "column", name, table.names)
    if not kind_of(table.column(name).type).comparable:
        raise bad_parameter(parameter, f"column {name!r} has no order: it holds objects or arrays")
    if name in before:
        raise bad_parameter(parameter, f"column {name!r} is given twice")


def _limit(text: str | None, limits: Limits) -> int | None:
    if text is None:
        return None
    count = _count(LIMIT, text)
    if count > limits.rows_max:
        raise bad_parameter(
            LIMIT, f"expected at most {limits.rows_max} rows, found {count}", "follow the cursor from page to page"
        )
    return count


def _count(parameter: str, text: str) -> int:
    if not _COUNT.fullmatch(text):
        raise bad_parameter(parameter, f"expected a number of rows, found {text[:_SHOWN_MAX]!r}")
    return int(text)


def _filter(table: ServedTable, parameter: str, column: str, operator: str, text: str) -> Filter:
    column = column.strip()
    if column not in table.names:
        raise unknown(parameter, "column", column, table.names)
    kind = kind_of(table.column(column).type)
    allowed = operators_of(kind)
    asked = _OTHER_NAMES.get(operator) or next((each for each in Operator if each.value == operator), None)
    if asked is None:
        raise unknown(parameter, "operator", operator, [str(each) for each in allowed])
    if asked not in allowed:
        raise bad_parameter(
            parameter, f"{asked} does not apply to column {column!r}", f"allowed: {', '.join(map(str, allowed))}"
        )
    try:
        return Filter(column, asked, _value(kind, asked, text))
    except ValueError as error:
        raise bad_parameter(parameter, f"{error}, found {text[:_SHOWN_MAX]!r}") from None


def operators_of(kind: ColumnKind) -> tuple[Operator, ...]:
    """The operators of filters for a kind of column."""
    if not kind.comparable:
        return (Operator.NULL,)
    if kind.kind is Kind.TEXT:
        return tuple(Operator)
    return tuple(each for each in Operator if each is not Operator.LIKE)


def _value(kind: ColumnKind, operator: Operator, text: str) -> Any:
    if operator is Operator.NULL:
        if text not in ("true", "false"):
            raise ValueError("expected true or false")
        return text == "true"
    if operator is Operator.IN:
        try:
            values = next(csv.reader([text], quotechar="'", skipinitialspace=True, strict=True), [])
        except csv.Error:
            raise ValueError("expected values between commas; quote a text with a comma: 'a,b'") from None
        if not 0 < len(values) <= VALUES_MAX:
            raise ValueError(f"expected 1 to {VALUES_MAX} values between commas")
        return [value_of(kind, value) for value in values]
    return value_of(kind, unquoted(text))


def unquoted(text: str) -> str:
    """A value without the single quotes around it, in which two quotes stand for one."""
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1].replace("''", "'")
    return text
