"""The GraphQL schema of the served tables, built from their columns."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLEnumValue,
    GraphQLError,
    GraphQLField,
    GraphQLFloat,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLString,
    StringValueNode,
    ValueNode,
    print_ast,
)

from alchemesh_platform.systems.local.data_api.http.configuration import ServedColumn, ServedTable
from alchemesh_platform.systems.local.data_api.http.kinds import ColumnKind, Kind, kind_of, value_of
from alchemesh_platform.systems.local.data_api.http.problems import bad_parameter
from alchemesh_platform.systems.local.data_api.http.rows.parameters import VALUES_MAX, operators_of
from alchemesh_platform.systems.local.data_api.http.rows.query import Filter, Operator, Query, Sort

Resolve = Callable[[ServedTable, Any, GraphQLResolveInfo[Any], dict[str, Any]], Any]

_NAME = re.compile(r"(?!__)[_A-Za-z][_0-9A-Za-z]*")


@dataclass(frozen=True, slots=True)
class RawJson:
    """A text that is JSON already. Its numbers keep their digits."""

    text: str


def _as_it_is(value: Any) -> Any:
    return value


def _scalar(name: str, description: str, kind: Kind) -> GraphQLScalarType:
    """A scalar whose values come from PostgreSQL as they are, and whose inputs are read as in REST."""
    column = ColumnKind(kind, "")

    def read(value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise GraphQLError(f"{name}: expected a text or a number")
        try:
            return value_of(column, str(value))
        except ValueError as error:
            raise GraphQLError(f"{name}: {error}, found {str(value)[:100]!r}") from None

    def read_literal(node: ValueNode, variables: Any = None) -> Any:
        # The digits of a number are read as they are written: a float would lose some.
        if isinstance(node, StringValueNode) or hasattr(node, "value"):
            value = node.value
            if isinstance(value, str):
                return read(value)
        raise GraphQLError(f"{name}: found {print_ast(node)[:100]}", node)

    return GraphQLScalarType(
        name, serialize=_as_it_is, parse_value=read, parse_literal=read_literal, description=description
    )


BIG_INT = _scalar("BigInt", "An integer of 64 bits, as a JSON number with all its digits.", Kind.INTEGER)
DECIMAL = _scalar("Decimal", "An exact decimal number, as a text: `19.90`.", Kind.DECIMAL)
DATE = _scalar("Date", "A date of ISO 8601: `2024-03-31`.", Kind.DATE)
TIME = _scalar("Time", "A time of day of ISO 8601: `13:45:00`.", Kind.TIME)
LOCAL = _scalar("LocalDateTime", "A timestamp of ISO 8601 without a zone: `2024-03-31T02:30:00`.", Kind.LOCAL)
ZONED = _scalar("DateTime", "A timestamp of ISO 8601 in UTC: `2024-03-31T02:30:00Z`.", Kind.ZONED)
BYTES = _scalar("Bytes", "Bytes in base64.", Kind.BYTES)
JSON = GraphQLScalarType("JSON", serialize=RawJson, description="An object or an array, as JSON.")
_SCALARS: dict[Kind, GraphQLScalarType] = {
    Kind.FLOAT: GraphQLFloat,
    Kind.DECIMAL: DECIMAL,
    Kind.BOOLEAN: GraphQLBoolean,
    Kind.TEXT: GraphQLString,
    Kind.DATE: DATE,
    Kind.TIME: TIME,
    Kind.LOCAL: LOCAL,
    Kind.ZONED: ZONED,
    Kind.BYTES: BYTES,
    Kind.JSON: JSON,
}
_SMALL = ("integer", "int4", "int", "smallint", "int2")
ORDER = GraphQLEnumType("Order", {"asc": False, "desc": True}, description="Direction of a sort.")
_KEPT_NAMES = {"Query", "Order", "Int", "Float", "String", "Boolean", "ID", "BigInt", "Decimal", "Date", "Time"}
_KEPT_NAMES |= {"LocalDateTime", "DateTime", "Bytes", "JSON"}


def schema_of(tables: Sequence[ServedTable], rows: Resolve, page: Resolve) -> GraphQLSchema:
    """The schema: for each table, a field with its rows and a field with a page of them.

    Args:
        tables: The served tables. A name that GraphQL does not allow is left out.
        rows: Returns the rows of a field.
        page: Returns a page: its rows, and the cursor of the next one.
    """
    served = [table for table in tables if _NAME.fullmatch(table.name)]
    names = {table.name for table in served} | _KEPT_NAMES
    fields: dict[str, GraphQLField] = {}
    for table in served:
        columns = [column for column in table.columns if _NAME.fullmatch(column.name)]
        if not columns:
            continue
        row = GraphQLObjectType(
            _free(table.name, names - {table.name}),
            {each.name: GraphQLField(_output(each), description=each.description or None) for each in columns},
            description=table.description or None,
        )
        arguments = _arguments(table, columns, names)
        listed = GraphQLNonNull(GraphQLList(GraphQLNonNull(row)))
        fields[table.name] = GraphQLField(
            listed,
            args={**arguments, "limit": GraphQLArgument(GraphQLInt), "offset": GraphQLArgument(GraphQLInt)},
            resolve=_resolver(table, rows),
            description=table.description or f"Rows of {table.name}.",
        )
        paged = GraphQLObjectType(
            _free(f"{table.name}_page_of_rows", names),
            {
                "rows": GraphQLField(listed, description="Rows of this page."),
                "next": GraphQLField(GraphQLString, description="Cursor of the next page; null on the last one."),
            },
        )
        name = f"{table.name}_page"
        if name not in names:
            fields[name] = GraphQLField(
                GraphQLNonNull(paged),
                args={
                    **arguments,
                    "limit": GraphQLArgument(GraphQLNonNull(GraphQLInt), description="Rows of the page."),
                    "cursor": GraphQLArgument(GraphQLString, description="`next` of the page before."),
                },
                resolve=_resolver(table, page),
                description=f"One page of rows of {table.name}.",
            )
    if not fields:  # an object has at least one field
        fields["nothing"] = GraphQLField(GraphQLString, description="No table is loaded yet.")
    return GraphQLSchema(GraphQLObjectType("Query", fields))


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    taken.add(name)
    return name


def _resolver(table: ServedTable, resolve: Resolve) -> Callable[..., Any]:
    def resolved(source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        return resolve(table, source, info, arguments)

    return resolved


def _output(column: ServedColumn) -> Any:
    kind = kind_of(column.type)
    type_: Any = _single(kind)
    for _ in range(kind.dimensions):
        type_ = GraphQLList(type_)
    return type_ if column.nullable else GraphQLNonNull(type_)


def _single(kind: ColumnKind) -> GraphQLScalarType:
    if kind.kind is Kind.INTEGER:
        return GraphQLInt if kind.type in _SMALL else BIG_INT
    return _SCALARS[kind.kind]


def _arguments(table: ServedTable, columns: Sequence[ServedColumn], names: set[str]) -> dict[str, GraphQLArgument]:
    conditions = {}
    for column in columns:
        kind = kind_of(column.type)
        scalar = BIG_INT if kind.kind is Kind.INTEGER else _single(kind)
        operators = {str(operator): GraphQLInputField(_input(operator, scalar)) for operator in operators_of(kind)}
        name = _free(f"{table.name}_{column.name}_filter", names)
        conditions[column.name] = GraphQLInputField(GraphQLInputObjectType(name, operators))
    filters = GraphQLInputObjectType(_free(f"{table.name}_filter", names), conditions)
    arguments = {"filter": GraphQLArgument(filters, description="Conditions that all hold.")}
    sortable = [column.name for column in columns if kind_of(column.type).comparable]
    # GraphQL reserves these names in enums, so no column of such a name can be sorted by.
    sortable = [name for name in sortable if name not in ("true", "false", "null")]
    if sortable:
        column_enum = GraphQLEnumType(
            _free(f"{table.name}_column", names), {name: GraphQLEnumValue(name) for name in sortable}
        )
        sort = GraphQLInputObjectType(
            _free(f"{table.name}_sort", names),
            {
                "field": GraphQLInputField(GraphQLNonNull(column_enum)),
                "order": GraphQLInputField(ORDER, default_value=False),
            },
        )
        arguments["sort"] = GraphQLArgument(GraphQLList(GraphQLNonNull(sort)), description="Order, before the key.")
    return arguments


def _input(operator: Operator, scalar: GraphQLScalarType) -> Any:
    if operator is Operator.NULL:
        return GraphQLBoolean
    if operator is Operator.IN:
        return GraphQLList(GraphQLNonNull(scalar))
    return scalar


def query_of(table: ServedTable, columns: Sequence[str], arguments: dict[str, Any]) -> Query:
    """The query of a field's arguments.

    Raises:
        Problem: when an argument is not as expected.
    """
    filters: list[Filter] = []
    for column, conditions in (arguments.get("filter") or {}).items():
        for name, value in (conditions or {}).items():
            operator = Operator(name)
            if value is None:
                raise bad_parameter(f"filter.{column}.{name}", "expected a value, found null", "use `null: true`")
            if operator is Operator.IN and not 0 < len(value) <= VALUES_MAX:
                raise bad_parameter(f"filter.{column}.in", f"expected 1 to {VALUES_MAX} values")
            filters.append(Filter(column, operator, _checked(table, column, name, value)))
    sort: list[Sort] = []
    for each in arguments.get("sort") or ():
        if each["field"] in [one.column for one in sort]:
            raise bad_parameter("sort", f"column {each['field']!r} is given twice")
        sort.append(Sort(each["field"], bool(each.get("order"))))
    limit, offset = arguments.get("limit"), arguments.get("offset") or 0
    for name, count in (("limit", limit), ("offset", offset)):
        if count is not None and count < 0:
            raise bad_parameter(name, f"expected a number of rows, found {count}")
    return Query(
        tuple(columns), tuple(filters), tuple(sort), limit, offset, decimals_as_text=True, objects_as_text=True
    )


def _checked(table: ServedTable, column: str, operator: str, value: Any) -> Any:
    """The value. Texts are of GraphQL's own type, so they are checked here."""
    if kind_of(table.column(column).type).kind is Kind.TEXT:
        for text in value if isinstance(value, list) else (value,):
            if isinstance(text, str) and "\0" in text:
                raise bad_parameter(f"filter.{column}.{operator}", "expected a text without the character NUL")
    return value
