"""Errors of PostgreSQL become problems that name the cause and the fix. Kinds and formats are read exactly."""

from __future__ import annotations

from decimal import Decimal

import asyncpg
import pytest

from alchemesh_platform.systems.local.data_api.http.kinds import ColumnKind, Kind, kind_of, value_of
from alchemesh_platform.systems.local.data_api.http.problems import Problem, problem_of, with_state
from alchemesh_platform.systems.local.data_api.http.rows.formats import Format, chosen


@pytest.mark.parametrize(
    ("error", "status", "detail"),
    [
        (asyncpg.QueryCanceledError("canceling statement"), 504, "the statement took longer than 3 s"),
        (asyncpg.InsufficientPrivilegeError("permission denied for table sale"), 403, "the consumer has no grant"),
        (asyncpg.InsufficientPrivilegeError("permission denied for database serving"), 503, "not loaded yet"),
        (asyncpg.InvalidParameterValueError('role "x" does not exist'), 403, "the consumer has no grant"),
        (asyncpg.UndefinedTableError("relation"), 503, "the table is not loaded yet"),
        (asyncpg.UndefinedColumnError("column"), 503, "the table changes"),
        (asyncpg.NumericValueOutOfRangeError("out of range"), 400, "a value does not fit"),
        (asyncpg.OutOfMemoryError("out of memory"), 413, "the statement needs more than it may use"),
        (asyncpg.ConfigurationLimitExceededError("temp_file_limit"), 413, "the statement needs more than it may use"),
        (asyncpg.CannotConnectNowError("the database system is starting up"), 503, "does not answer"),
        (asyncpg.AdminShutdownError("terminating connection"), 503, "does not answer"),
        (asyncpg.ConnectionDoesNotExistError("closed"), 503, "does not answer"),
        (ConnectionRefusedError("refused"), 503, "does not answer"),
        (with_state("57014", "canceled"), 504, "the statement took longer than 3 s"),
        (with_state("42501", "denied"), 403, "the consumer has no grant"),
        (with_state("53400", "temp_file_limit"), 413, "the statement needs more than it may use"),
        (with_state(None, "unknown"), 500, "the serving copy refused the statement"),
    ],
    ids=str,
)
def test_an_error_of_postgresql_has_a_status_and_a_reason(error: Exception, status: int, detail: str) -> None:
    problem = problem_of(error, 3.0)
    assert (int(problem.status), detail in problem.detail) == (status, True), problem.detail
    assert ("Retry-After" in problem.headers) == (status == 503)


def test_a_fault_of_the_server_is_not_explained_away() -> None:
    with pytest.raises(ZeroDivisionError):
        problem_of(ZeroDivisionError(), 3.0)


@pytest.mark.parametrize(
    ("type_", "kind"),
    [
        ("bigint", ColumnKind(Kind.INTEGER, "bigint")),
        ("numeric", ColumnKind(Kind.DECIMAL, "numeric")),
        ("numeric(10,2)", ColumnKind(Kind.DECIMAL, "numeric", precision=10, scale=2)),
        ("numeric(10, 2)[]", ColumnKind(Kind.DECIMAL, "numeric", 1, 10, 2)),
        ("timestamp(6) with time zone", ColumnKind(Kind.ZONED, "timestamp with time zone")),
        ("timestamp without time zone", ColumnKind(Kind.LOCAL, "timestamp without time zone")),
        ("timestamptz[]", ColumnKind(Kind.ZONED, "timestamptz", 1)),
        ("time without time zone", ColumnKind(Kind.TIME, "time without time zone")),
        ("double precision", ColumnKind(Kind.FLOAT, "double precision")),
        ("character varying(20)", ColumnKind(Kind.TEXT, "character varying")),
        ("jsonb", ColumnKind(Kind.JSON, "jsonb")),
    ],
)
def test_a_type_of_postgresql_has_a_kind(type_: str, kind: ColumnKind) -> None:
    assert kind_of(type_) == kind


@pytest.mark.parametrize("type_", ["", "money", "bigint; DROP TABLE x", "interval", "numeric(a)"])
def test_a_type_that_is_not_known_is_refused(type_: str) -> None:
    with pytest.raises(ValueError, match="cannot be served"):
        kind_of(type_)


@pytest.mark.parametrize(
    ("type_", "text"),
    [
        ("bigint", "1e3"),
        ("bigint", "9223372036854775808"),
        ("bigint", "9" * 5000),
        ("numeric", "NaN"),
        ("numeric", "1e999999999"),
        ("numeric", "1" * 5000),
        ("boolean", "1"),
        ("date", "2024-02-30"),
        ("date", "20240131"),
        ("time", "13:45:00Z"),
        ("timestamp", "2024-03-31T02:30:00Z"),
        ("timestamptz", "2024-03-31T02:30:00"),
        ("timestamptz", "2024-03-31T02:30:00.1234567Z"),
        ("bytea", "?"),
        ("text", "a\0b"),
        ("jsonb", "{}"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(type_: str, text: str) -> None:
    with pytest.raises(ValueError, match=r"^expected "):
        value_of(kind_of(type_), text)


def test_a_decimal_keeps_its_digits() -> None:
    assert value_of(kind_of("numeric(10,2)"), "19.90").as_tuple() == Decimal("19.90").as_tuple()


def test_a_client_that_accepts_nothing_of_this_api_is_refused() -> None:
    for accept in ("text/html", "application/json;q=0", "application/json;q=x", "nonsense", ";;;"):
        with pytest.raises(Problem, match="which is no format of this API"):
            chosen(accept)
    assert chosen("application/json;q=0, text/csv") is Format.CSV
