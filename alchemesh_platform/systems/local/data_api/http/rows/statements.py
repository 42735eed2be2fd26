"""The statements of a query, built with SQLAlchemy: every name is quoted, every value is a parameter."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ARRAY,
    REAL,
    TIMESTAMP,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Date,
    Double,
    FromClause,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    Select,
    SmallInteger,
    Table,
    Text,
    Time,
    and_,
    any_,
    bindparam,
    cast,
    false,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import JSON, JSONB, array
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect
from sqlalchemy.sql.selectable import LateralFromClause
from sqlalchemy.types import TypeEngine

from alchemesh_platform.systems.local.data_api.http.configuration import ServedTable
from alchemesh_platform.systems.local.data_api.http.kinds import ColumnKind, Kind, kind_of
from alchemesh_platform.systems.local.data_api.http.rows.query import Filter, Operator, Query, Sort

_DIALECT = asyncpg_dialect()  # type: ignore[no-untyped-call]
_COMPARE: dict[Operator, Callable[[Any, Any], Any]] = {
    Operator.EQ: operator.eq,
    Operator.NEQ: operator.ne,
    Operator.LT: operator.lt,
    Operator.LTE: operator.le,
    Operator.GT: operator.gt,
    Operator.GTE: operator.ge,
}


@dataclass(frozen=True, slots=True)
class Statement:
    """The text of a statement with placeholders, and their values."""

    text: str
    values: tuple[Any, ...]


def json_rows(table: ServedTable, query: Query) -> Statement:
    """Each row as one JSON object."""
    rows = _rows(table, query)
    shown = _shown(rows, table, query)
    return _compiled(select(func.row_to_json(shown.table_valued())).select_from(rows.join(shown, true())))


def json_page(table: ServedTable, query: Query) -> Statement:
    """Each row as one JSON object, and the values that its place in the order has, as a JSON array of texts."""
    order = order_of(table, query)
    rows = _rows(table, query, hidden=order)
    shown = _shown(rows, table, query)
    place = func.json_build_array(*(cast(rows.c[_hidden(at)], Text) for at, _ in enumerate(order)))
    return _compiled(select(func.row_to_json(shown.table_valued()), place).select_from(rows.join(shown, true())))


def text_rows(table: ServedTable, query: Query) -> Statement:
    """Each row with its values as CSV shows them."""
    rows = _rows(table, query)
    shown = [_text(rows.c[name], kind_of(table.column(name).type), query).label(name) for name in query.columns]
    return _compiled(select(*shown).select_from(rows))


def plain_rows(table: ServedTable, query: Query) -> Statement:
    """Each row with its values, for a reader of PostgreSQL's binary format. Objects are texts."""
    rows = _rows(table, query)
    shown = []
    for name in query.columns:
        kind = kind_of(table.column(name).type)
        as_text = kind.kind is Kind.JSON and kind.dimensions == 0
        shown.append((cast(rows.c[name], Text) if as_text else rows.c[name]).label(name))
    return _compiled(select(*shown).select_from(rows))


def counted(table: ServedTable, query: Query, rows_max: int) -> Statement:
    """The number of rows of a query, counted to just over a maximum."""
    source = _table(table)
    some: Select[Any] = (
        select(literal_column("1")).select_from(source).where(_where(source, table, query)).limit(rows_max + 1)
    )
    return _compiled(select(func.count()).select_from(some.subquery("some")))


def estimated(table: ServedTable) -> Statement:
    """The number of rows that PostgreSQL estimates; negative when it does not know."""
    catalog = MetaData()
    classes = Table("pg_class", catalog, Column("oid"), Column("reltuples"), schema="pg_catalog")
    name = func.format("%I.%I", literal(table.schema_name, Text), literal(table.name, Text))
    return _compiled(select(classes.c.reltuples).where(classes.c.oid == func.to_regclass(name)))


def settings(consumer: str, statement_seconds: float) -> Statement:
    """Take the role of a consumer, and a time limit, until the end of the transaction."""
    return _compiled(select(_time_limit(statement_seconds), func.set_config("role", literal(consumer, Text), true())))


def time_limit(statement_seconds: float) -> Statement:
    """A time limit for each statement until the end of the transaction."""
    return _compiled(select(_time_limit(statement_seconds)))


def _time_limit(statement_seconds: float) -> ColumnElement[Any]:
    milliseconds = str(int(statement_seconds * 1000))
    return func.set_config("statement_timeout", literal(milliseconds, Text), true())


def loaded_version(table: ServedTable) -> Statement:
    """The version of the Delta table that the copy has."""
    loaded = Table("loaded", MetaData(), Column("table_name", Text), Column("version", BigInteger), schema="alchemesh")
    return _compiled(select(loaded.c.version).where(loaded.c.table_name == literal(table.name, Text)))


def loaded_columns() -> Statement:
    """The tables of the serving copy, with their columns as JSON."""
    loaded = Table("loaded", MetaData(), Column("table_name", Text), Column("columns", JSONB), schema="alchemesh")
    return _compiled(select(loaded.c.table_name, cast(loaded.c.columns, Text)).order_by(loaded.c.table_name))


def delta_rows(query: Query) -> Statement:
    """All rows of a Delta table that is registered as ``ROWS_OF_DELTA``."""
    source = Table(ROWS_OF_DELTA, MetaData(), *(Column(name) for name in query.columns))
    return _compiled(select(*source.c))


def readable(table: ServedTable) -> Statement:
    """No row of a table: it succeeds if the role may read every column."""
    source = _table(table)
    return _compiled(select(*source.c).where(false()))


ROWS_OF_DELTA = "rows"
_ROW = "alchemesh row"  # no column of a model has a space
_NO_PATH = array([], type_=Text())


def order_of(table: ServedTable, query: Query) -> tuple[Sort, ...]:
    """The order that a cursor compares: the requested one, then the key."""
    asked = {sort.column for sort in query.sort}
    comparable = (name for name in table.key if kind_of(table.column(name).type).comparable)
    return (*query.sort, *(Sort(name) for name in comparable if name not in asked))


def _hidden(at: int) -> str:
    return f"alchemesh {at}"


def _rows(table: ServedTable, query: Query, hidden: Sequence[Sort] = ()) -> FromClause:
    """The rows, in a total order: by the requested order, the key, and then all other columns.

    Rows that are equal in all columns are interchangeable, so every page continues where the last one ended.
    """
    source = _table(table)
    wanted = [source.c[name] for name in query.columns]
    compared = [source.c[sort.column].label(_hidden(at)) for at, sort in enumerate(hidden)]
    rows = select(*wanted, *compared).where(_where(source, table, query))
    if query.limit is not None or query.offset or query.sort or query.cursor:
        rows = rows.order_by(*_total_order(source, table, query))
    offset = query.offset
    if query.cursor is not None and query.cursor.values is not None:
        rows = rows.where(_from_place(source, table, order_of(table, query), query.cursor.values))
        offset = query.cursor.skip
    elif query.cursor is not None:
        offset = query.cursor.passed
    if offset:
        rows = rows.offset(bindparam("offset", offset, BigInteger))
    if query.limit is not None:
        rows = rows.limit(bindparam("limit", query.limit, BigInteger))
    return rows.subquery("rows")


def _total_order(source: FromClause, table: ServedTable, query: Query) -> list[ColumnElement[Any]]:
    order = order_of(table, query)
    found: list[ColumnElement[Any]] = [
        source.c[sort.column].desc() if sort.descending else source.c[sort.column].asc() for sort in order
    ]
    named = {sort.column for sort in order}
    for column in table.columns:
        if column.name not in named:
            plain = kind_of(column.type).type == "json"  # it has no order of its own
            found.append((cast(source.c[column.name], Text) if plain else source.c[column.name]).asc())
    return found


def _from_place(
    source: FromClause, table: ServedTable, order: Sequence[Sort], values: Sequence[str | None]
) -> ColumnElement[bool]:
    """Rows at or after a place. As in PostgreSQL, null is the largest value."""
    found: ColumnElement[bool] = true()
    for sort, text in reversed(list(zip(order, values, strict=True))):
        column = source.c[sort.column]
        same: ColumnElement[bool]
        after: ColumnElement[bool]
        if text is None:
            same, after = column.is_(None), (column.is_not(None) if sort.descending else false())
        else:
            value = cast(literal(text, Text), column.type)
            same = column == value
            after = column < value if sort.descending else or_(column > value, column.is_(None))
        found = or_(after, and_(same, found))
    if order and values[0] is not None and not table.column(order[0].column).nullable:
        # An index finds the place by this condition, which follows from the other one.
        column = source.c[order[0].column]
        value = cast(literal(values[0], Text), column.type)
        found = and_(column <= value if order[0].descending else column >= value, found)
    return found


def _where(source: FromClause, table: ServedTable, query: Query) -> ColumnElement[bool]:
    return and_(true(), *(_condition(source.c[each.column], each, table) for each in query.filters))


def _condition(column: ColumnElement[Any], wanted: Filter, table: ServedTable) -> ColumnElement[bool]:
    if wanted.operator is Operator.NULL:
        return column.is_(None) if wanted.value else column.is_not(None)
    type_ = _bound(kind_of(table.column(wanted.column).type))
    if wanted.operator is Operator.IN:
        return column == any_(literal(wanted.value, ARRAY(type_)))
    value: ColumnElement[Any] = literal(wanted.value, type_)
    if wanted.operator is Operator.LIKE:
        return column.like(value)
    return _COMPARE[wanted.operator](column, value)  # type: ignore[no-any-return]


def _shown(rows: FromClause, table: ServedTable, query: Query) -> LateralFromClause:
    """The values of a row as JSON shows them. They are computed for returned rows only."""
    columns = (_json(rows.c[name], kind_of(table.column(name).type), query).label(name) for name in query.columns)
    return select(*columns).correlate(rows).lateral(_ROW)


def _json(column: ColumnElement[Any], kind: ColumnKind, query: Query) -> ColumnElement[Any]:
    """A value as PostgreSQL writes it into JSON."""
    as_text = (query.decimals_as_text and kind.kind is Kind.DECIMAL) or (
        query.objects_as_text and kind.kind is Kind.JSON
    )
    if as_text:
        return cast(column, ARRAY(Text) if kind.dimensions else Text)
    if kind.kind is Kind.JSON:
        return column if kind.type == "jsonb" or kind.dimensions else cast(column, JSONB)
    if kind.kind is Kind.ZONED and kind.dimensions:
        zoned = cast(func.to_json(column), Text)
        return cast(func.replace(zoned, literal_column("""'+00:00"'"""), literal_column("""'Z"'""")), JSON)
    if kind.kind is Kind.ZONED:
        return _iso(func.timezone(literal_column("'UTC'"), column)).concat(literal_column("'Z'", Text))
    if kind.kind is Kind.BYTES and not kind.dimensions:
        return func.translate(
            func.encode(column, literal_column("'base64'")), func.chr(literal_column("10")), literal_column("''")
        )
    return column


def _text(column: ColumnElement[Any], kind: ColumnKind, query: Query) -> ColumnElement[Any]:
    """A value as CSV shows it: as in JSON, and objects and arrays as JSON."""
    shown = _json(column, kind, query)
    if kind.dimensions:
        return cast(func.to_json(shown), Text)
    if kind.kind is Kind.LOCAL:
        return _iso(shown)
    return cast(shown, Text)


def _iso(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """A timestamp as ISO 8601 text, as PostgreSQL writes it into JSON."""
    return func.to_json(column).op("#>>", return_type=Text())(_NO_PATH)


@functools.cache
def _table(table: ServedTable) -> Table:
    columns = [Column(column.name, _type(kind_of(column.type))) for column in table.columns]
    return Table(table.name, MetaData(), *columns, schema=table.schema_name)


def _type(kind: ColumnKind) -> TypeEngine[Any]:
    single = _single(kind)
    return ARRAY(single, dimensions=kind.dimensions) if kind.dimensions else single


def _single(kind: ColumnKind) -> TypeEngine[Any]:
    integers = {"smallint": SmallInteger(), "int2": SmallInteger(), "bigint": BigInteger(), "int8": BigInteger()}
    types: dict[Kind, TypeEngine[Any]] = {
        Kind.INTEGER: integers.get(kind.type, Integer()),
        Kind.FLOAT: REAL() if kind.type in ("real", "float4") else Double(),
        Kind.DECIMAL: Numeric(),
        Kind.BOOLEAN: Boolean(),
        Kind.TEXT: Text(),
        Kind.DATE: Date(),
        Kind.TIME: Time(),
        Kind.LOCAL: TIMESTAMP(timezone=False),
        Kind.ZONED: TIMESTAMP(timezone=True),
        Kind.BYTES: LargeBinary(),
        Kind.JSON: JSONB() if kind.type == "jsonb" else JSON(),
    }
    return types[kind.kind]


def _bound(kind: ColumnKind) -> TypeEngine[Any]:
    """The type of a filter's value. A number that does not fit into a column's integers is still compared."""
    return BigInteger() if kind.kind is Kind.INTEGER else _single(kind)


def _compiled(statement: Select[Any]) -> Statement:
    compiled = statement.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})
    names = compiled.positiontup or []
    parameters = compiled.construct_params()
    processors = compiled._bind_processors
    values = tuple(
        processors[name](parameters[name]) if name in processors else parameters[name]  # type: ignore[operator]
        for name in names
    )
    return Statement(str(compiled), values)
