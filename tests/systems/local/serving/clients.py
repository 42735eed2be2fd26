"""The client matrix: what real clients do with a port over SQL. The pages of the docs take their table from here.

Each check takes the address of a data API whose table ``matrix`` has every type (matrix.py), and asserts what it reads.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.systems.local.serving.matrix import AT, KINDS

DAY = date(2024, 3, 31)
PRICES = [Decimal("12345678901234567890.123456789012345678"), Decimal("19.990000000000000000"), None]


@dataclass(frozen=True)
class Address:
    """The address of SQL, and a consumer's credential. The database has the user's name."""

    port: int
    user: str
    password: str
    parts: Path | None = None

    @property
    def url(self) -> str:
        return f"postgresql://{self.user}:{self.password}@127.0.0.1:{self.port}/{self.user}"

    def named(self, database: str = "database") -> dict[str, Any]:
        who = {"host": "127.0.0.1", "port": self.port, "user": self.user, "password": self.password}
        return {**who, database: self.user}


Run = Callable[[Address], None]


@dataclass(frozen=True)
class Check:
    """A client, what it does, and the function that does it."""

    client: str
    does: str
    run: Run
    needs_parts: bool = False


def psql(address: Address, *arguments: str, script: str = "") -> str:
    from alchemesh_platform.systems.local.data_api.serving.cluster import programs_folder

    done = subprocess.run(
        [programs_folder() / "psql", "-X", "-v", "ON_ERROR_STOP=1", address.url, *arguments],
        input=script,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def psql_describe(address: Address) -> None:
    assert "public | matrix | table" in psql(address, "-c", r"\d")
    assert "public | matrix | table" in psql(address, "-c", r"\dt")
    shown = psql(address, "-c", r"\d matrix")
    for kind in KINDS:
        assert f" {kind.name} " in shown
        assert f"| {kind.sql} " in shown
    psql(address, "-c", r"\l", "-c", r"\dn", "-c", r"\du", "-c", r"\df", "-c", r"\di")


def psql_script(address: Address) -> None:
    script = (
        "BEGIN;\nSELECT price FROM matrix WHERE id = :'id'::bigint;\n"
        "SELECT day, moment, tags FROM matrix WHERE id = 1;\nSELECT NULL;\nCOMMIT;\n"
    )
    assert psql(address, "-At", "-v", "id=2", "-P", "null=∅", script=script).splitlines() == [
        "BEGIN",
        "19.990000000000000000",
        '2024-03-31|2024-03-31 02:30:00.123456+00|{a,"b, {c}",NULL}',
        "∅",
        "COMMIT",
    ]


def psycopg_parameters(address: Address) -> None:
    import psycopg

    with psycopg.connect(address.url) as connection:
        found = connection.execute(
            "SELECT price, day, moment, whole FROM matrix WHERE id = %s AND day = %s", (1, DAY)
        ).fetchall()
        assert found == [(PRICES[0], DAY, AT, 2**53 + 1)]
        for _ in range(7):  # after five times, psycopg prepares it on the server
            assert connection.execute("SELECT count(*) FROM matrix WHERE id > %s", (1,)).fetchone() == (2,)
        binary = connection.execute("SELECT price, tags, bytes FROM matrix WHERE id = %s", (2,), binary=True)
        assert binary.fetchone() == (PRICES[1], [], b"")


def psycopg_transaction(address: Address) -> None:
    import psycopg

    with psycopg.connect(address.url) as connection:
        with connection.transaction():
            assert connection.execute("SELECT count(*) FROM matrix").fetchone() == (3,)
        try:
            with connection.transaction():
                connection.execute("SELECT nothing FROM matrix")
        except psycopg.errors.UndefinedColumn:
            pass
        assert connection.execute("SELECT 1").fetchone() == (1,)
        connection.rollback()
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        assert connection.execute("SELECT count(*) FROM matrix").fetchone() == (3,)


def psycopg_cursor(address: Address) -> None:
    import psycopg

    with psycopg.connect(address.url) as connection, connection.cursor("rows") as cursor:
        cursor.itersize = 1
        cursor.execute("SELECT price FROM matrix ORDER BY id")
        assert [price for (price,) in cursor] == PRICES
    out = "COPY (SELECT id, price FROM matrix ORDER BY id) TO STDOUT"
    with psycopg.connect(address.url) as connection, connection.cursor() as cursor, cursor.copy(out) as copy:
        assert list(copy.rows())[1] == ("2", "19.990000000000000000")
    with psycopg.connect(address.url) as connection, connection.pipeline():
        found = [connection.execute("SELECT whole FROM matrix WHERE id = %s", (number,)) for number in (1, 2)]
        assert [one.fetchone() for one in found] == [(2**53 + 1,), (-(2**63),)]


def psycopg2_parameters(address: Address) -> None:
    import psycopg2

    connection = psycopg2.connect(**address.named("dbname"))
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT price, day, moment, tags FROM matrix WHERE id = %s AND day = %s", (1, DAY))
            assert cursor.fetchall() == [(PRICES[0], DAY, AT, ["a", "b, {c}", None])]
        with connection, connection.cursor("rows") as cursor:
            cursor.itersize = 1
            cursor.execute("SELECT price FROM matrix ORDER BY id")
            assert [price for (price,) in cursor] == PRICES
        connection.rollback()
    finally:
        connection.close()


def asyncpg_parameters(address: Address) -> None:
    import asyncpg

    async def ask() -> None:
        connection = await asyncpg.connect(**address.named())
        try:
            row = await connection.fetchrow("SELECT price, day, moment FROM matrix WHERE id = $1 AND day = $2", 1, DAY)
            assert tuple(row) == (PRICES[0], DAY, AT)
            prepared = await connection.prepare("SELECT whole FROM matrix WHERE id = ANY($1::bigint[]) ORDER BY id")
            assert [tuple(one) for one in await prepared.fetch([1, 2])] == [(2**53 + 1,), (-(2**63),)]
            async with connection.transaction():
                found = [
                    one["price"] async for one in connection.cursor("SELECT price FROM matrix ORDER BY id", prefetch=1)
                ]
            assert found == PRICES
        finally:
            await connection.close()

    loop = asyncio.new_event_loop()  # `asyncio.run` would leave the main thread without a loop for later tests
    try:
        loop.run_until_complete(ask())
    finally:
        loop.close()


def pg8000_parameters(address: Address) -> None:
    import pg8000.dbapi

    connection = pg8000.dbapi.connect(**address.named())
    try:
        cursor = connection.cursor()
        cursor.execute("SELECT price, day, moment, tags FROM matrix WHERE id = %s AND day = %s", (1, DAY))
        assert list(cursor.fetchone()) == [PRICES[0], DAY, AT, ["a", "b, {c}", None]]
        connection.commit()
        cursor.execute("SELECT price FROM matrix ORDER BY id")
        assert [price for (price,) in cursor.fetchall()] == PRICES
        connection.rollback()
    finally:
        connection.close()


def sqlalchemy_reflection(address: Address) -> None:
    from sqlalchemy import MetaData, Table, create_engine, inspect, select

    for driver in ("psycopg", "psycopg2", "pg8000"):
        engine = create_engine(address.url.replace("postgresql://", f"postgresql+{driver}://"))
        try:
            found = inspect(engine)
            assert found.get_table_names() == ["matrix"]
            assert found.get_pk_constraint("matrix")["constrained_columns"] == ["id"]
            matrix = Table("matrix", MetaData(), autoload_with=engine)
            assert [column.name for column in matrix.columns] == ["id", *(kind.name for kind in KINDS)]
            assert (matrix.c.price.type.precision, matrix.c.price.type.scale) == (38, 18)  # type: ignore[attr-defined]
            with engine.connect() as connection:
                query = select(matrix.c.price).where(matrix.c.id.in_([1, 2])).order_by(matrix.c.id).limit(1)
                assert connection.execute(query).scalars().all() == PRICES[:1]
        finally:
            engine.dispose()


def pandas_read(address: Address) -> None:
    import pandas as pd
    from sqlalchemy import create_engine, text

    engine = create_engine(address.url.replace("postgresql://", "postgresql+psycopg://"))
    try:
        query = text("SELECT price, moment FROM matrix WHERE id < :id ORDER BY id")
        frame = pd.read_sql(query, engine, params={"id": 3}, coerce_float=False)  # decimals stay decimals
        assert list(frame["price"]) == PRICES[:2]
        assert frame["moment"][0] == pd.Timestamp(AT)
        assert len(pd.read_sql_table("matrix", engine, columns=["id"])) == 3
        assert [len(one) for one in pd.read_sql(text("SELECT id FROM matrix"), engine, chunksize=2)] == [2, 1]
    finally:
        engine.dispose()


def _java(check: str, *expected: str) -> Run:
    def run(address: Address) -> None:
        from parts import sql_clients

        assert address.parts is not None
        lines = sql_clients.java(address.parts, address.port, address.user, address.password, check)
        assert lines == list(expected), lines

    return run


def _node(check: str, expected: Any) -> Run:
    def run(address: Address) -> None:
        from parts import sql_clients

        assert address.parts is not None
        assert (
            json.loads(sql_clients.node(address.parts, address.port, address.user, address.password, check)) == expected
        )

    return run


_JDBC_TYPES = {
    "boolean": "bool",
    "bigint": "int8",
    "integer": "int4",
    "smallint": "int2",
    "real": "float4",
    "double precision": "float8",
    "timestamp with time zone": "timestamptz",
    "timestamp without time zone": "timestamp",
}


def _jdbc_type(sql: str) -> str:
    name = sql.split("(", maxsplit=1)[0].removesuffix("[]")
    return f"{'_' if sql.endswith('[]') else ''}{_JDBC_TYPES.get(name, name)}"


CHECKS = (
    Check("psql", r"`\d`, `\dt`, `\d TABLE`, lists of schemas and functions", psql_describe),
    Check("psql", "a script with a transaction and a variable", psql_script),
    Check("psycopg 3", "parameters, prepared and binary statements", psycopg_parameters),
    Check("psycopg 3", "transactions, also after an error, and repeatable read", psycopg_transaction),
    Check("psycopg 3", "server-side cursors, `COPY … TO STDOUT`, pipelines", psycopg_cursor),
    Check("psycopg2", "parameters, transactions, server-side cursors", psycopg2_parameters),
    Check("asyncpg", "parameters, prepared statements, cursors in a transaction", asyncpg_parameters),
    Check("pg8000", "parameters, transactions", pg8000_parameters),
    Check("SQLAlchemy", "reflection of tables, types and keys, with three drivers", sqlalchemy_reflection),
    Check("pandas", "`read_sql` with parameters and in chunks, `read_sql_table`", pandas_read),
    Check(
        "pgjdbc",
        "parameters, prepared statements, decimals, dates, arrays",
        _java("parameters", "19.990000000000000000", "0001-01-01", "0001-01-01T00:00:00Z", str(-(2**63)), "0", "0"),
        needs_parts=True,
    ),
    Check("pgjdbc", "fetch size in a transaction", _java("fetch size", "3"), needs_parts=True),
    Check(
        "pgjdbc",
        "metadata: schemas, tables, columns, keys, indexes, privileges",
        _java(
            "metadata",
            "alchemesh alchemesh_loading information_schema pg_catalog public",
            "matrix",
            " ".join(["id:int8", *(f"{kind.name}:{_jdbc_type(kind.sql)}" for kind in KINDS)]),
            "id",
            "id",
            "",
        ),
        needs_parts=True,
    ),
    Check("DBeaver", "the queries of its tree, by pgjdbc", _java("tree", *["true"] * 10), needs_parts=True),
    Check(
        "Node `pg`",
        "parameters, prepared statements",
        _node(
            "parameters",
            {
                "price": "12345678901234567890.123456789012345678",
                "whole": "9007199254740993",
                "moment": "2024-03-31T02:30:00.123Z",
                "tags": ["a", "b, {c}", None],
                "place": {"city": 'Köln "am" Rhein', "since": "2024-03-31", "price": 19.99},
            },
        ),
        needs_parts=True,
    ),
    Check("Node `pg`", "transactions", _node("transaction", "3"), needs_parts=True),
)
