"""The HTTP server: REST, GraphQL, SQL over REST, and their descriptions."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from pydantic import BaseModel, TypeAdapter
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from alchemesh_platform.systems.local.data_api.http import openapi, own_statements
from alchemesh_platform.systems.local.data_api.http.configuration import (
    CONSUMER_HEADER,
    ROWS_HEADER,
    Configuration,
    Limits,
    ServedColumn,
    ServedTable,
)
from alchemesh_platform.systems.local.data_api.http.database import Database, consumer_of, fetch
from alchemesh_platform.systems.local.data_api.http.graphql.api import GraphQLApi, read_request, refusal
from alchemesh_platform.systems.local.data_api.http.kinds import kind_of
from alchemesh_platform.systems.local.data_api.http.problems import (
    CLIENT_LEFT,
    KNOWN,
    Problem,
    no_table,
    not_loaded,
    problem_of,
)
from alchemesh_platform.systems.local.data_api.http.rows import statements, tables
from alchemesh_platform.systems.local.data_api.http.rows.formats import Format, chosen
from alchemesh_platform.systems.local.data_api.http.rows.parameters import CURSOR, read_query
from alchemesh_platform.systems.local.data_api.http.rows.query import Query
from alchemesh_platform.systems.local.data_api.http.rows.streams import (
    ClientLeft,
    RowCount,
    Stream,
    started,
    unless_left,
)

_API = "/api"
_VARY = {"Vary": "Accept"}
_EMPTY = {Format.JSON: b"[]"}
_LOG = logging.getLogger("alchemesh.http")
LOOK_SECONDS = 0.5

Answer = Callable[[str, Request, bytes], Coroutine[Any, Any, Response]]


class Application:
    """The server: it serves the tables that the serving copy has, and follows their changes."""

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        self.database = Database(configuration.dsn, configuration.limits)
        self._known: list[tuple[str, str]] | None = None
        self._app = self._built({})

    @property
    def knows_columns(self) -> bool:
        """Whether it has read the columns of the serving copy, which is open once every table is loaded."""
        return self._known is not None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or run until the server stops."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await self._app(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        following = asyncio.create_task(self._follow())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        following.cancel()
        await self.database.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _follow(self) -> None:
        """Look for changed columns, at intervals. Requests that run keep the columns that they began with."""
        if all(table.columns is not None for table in self.configuration.tables):
            return
        while True:
            try:
                pool = await self.database.pool()
                async with pool.acquire(timeout=self.configuration.limits.wait_seconds) as connection:
                    found = [tuple(row) for row in await fetch(connection, statements.loaded_columns())]
                if found != self._known:
                    columns = {name: TypeAdapter(tuple[LoadedColumn, ...]).validate_json(text) for name, text in found}
                    self._app = self._built(columns)
                    self._known = found
            except KNOWN as error:
                _LOG.debug("the columns are not known: %s", error)
            await asyncio.sleep(LOOK_SECONDS)

    def _built(self, loaded: Mapping[str, tuple[LoadedColumn, ...]]) -> FastAPI:
        tables = []
        for table in self.configuration.tables:
            if table.columns is not None:
                tables.append(table.with_columns(table.columns))
            elif table.name in loaded:
                tables.append(table.with_columns(tuple(column.served() for column in loaded[table.name])))
        app = FastAPI(
            title=self.configuration.title,
            version=self.configuration.version,
            openapi_url=None,
            docs_url=None,
            redoc_url=None,
            redirect_slashes=False,
            exception_handlers={HTTPException: _refused, Exception: _failed},
        )
        api = _Api(self.configuration, tuple(tables), self.database)
        _add_routes(app, api)
        app.add_api_route("/health", api.process_health, methods=["GET"], include_in_schema=False)
        return app


class LoadedColumn(BaseModel):
    """A column as the loader notes it."""

    name: str
    type: str
    nullable: bool = True

    def served(self) -> ServedColumn:
        """The column as it is served."""
        return ServedColumn(name=self.name, type=self.type, nullable=self.nullable)


class _Api:
    """The answers of the server."""

    def __init__(self, configuration: Configuration, served: tuple[ServedTable, ...], database: Database) -> None:
        self.configuration = configuration
        self.served = served
        self.limits = configuration.limits
        self.database = database
        self.graphql = GraphQLApi(tuple(table for table in served if table.columns), database)

    async def rows(self, table: ServedTable, consumer: str, request: Request) -> Response:
        """Rows of a table: a page with its next link, or all rows as a stream."""
        format_ = chosen(request.headers.get("accept"))
        if not table.columns:  # a folder without files
            return Response(_EMPTY.get(format_, b""), headers={ROWS_HEADER: "0"}, media_type=format_.value)
        query = read_query(table, request.query_params.multi_items(), self.limits)
        if format_ is Format.JSON and query.limit is not None and query.limit <= self.limits.page_rows_max:
            return await _page(request, self.database, consumer, table, query)
        count = RowCount()
        chunks = await started(tables.stream(self.database, consumer, table, query, format_, count))
        return Stream(chunks, count, format_.value, _VARY)

    async def own_statement(self, consumer: str, request: Request, body: bytes) -> Response:
        """Rows of a consumer's own statement."""
        format_ = chosen(request.headers.get("accept"))
        statement = body.decode(errors="replace").strip().rstrip(";")
        if not statement or "\0" in statement:
            raise Problem(HTTPStatus.BAD_REQUEST, "expected one statement of SQL as the body")
        count = RowCount()
        chunks = await started(own_statements.rows(self.database, consumer, statement, format_, count))
        return Stream(chunks, count, format_.value, _VARY)

    async def graphql_answer(self, consumer: str, request: Request, body: bytes) -> Response:
        """The answer to a query of GraphQL."""
        try:
            asked = read_request(request.headers.get("content-type", ""), body)
            return await self.graphql.answer(consumer, asked, request.headers.get("accept", ""))
        except KNOWN as error:
            return refusal(problem_of(error, self.limits.statement_seconds))

    async def graphql_text(self, consumer: str, request: Request, body: bytes) -> Response:
        """The GraphQL schema."""
        return Response(self.graphql.text(), media_type="text/plain; charset=utf-8")

    async def schemas(self, consumer: str, request: Request, body: bytes) -> Response:
        """The columns of all tables."""
        return JSONResponse({table.name: _schema(table) for table in self.served})

    async def no_table(self, consumer: str, request: Request, body: bytes) -> Response:
        """The refusal of a table that does not exist, or is not loaded yet."""
        if request.path_params["table"] in self.configuration.names:
            raise not_loaded()
        raise no_table(request.path_params["table"], self.configuration.names)

    async def healthy(self, consumer: str, request: Request, body: bytes) -> Response:
        """Whether a consumer can read."""
        async with self.database.reading(consumer) as connection:
            await connection.fetchval("SELECT 1")
        return JSONResponse({"status": "ok"})

    async def description(self, consumer: str, request: Request, body: bytes) -> Response:
        """The OpenAPI document."""
        return JSONResponse(request.app.openapi())

    async def process_health(self) -> Response:
        """Whether the process reaches the serving copy."""
        try:
            pool = await self.database.pool()
            async with pool.acquire(timeout=self.limits.wait_seconds) as connection:
                await connection.fetchval("SELECT 1")
        except KNOWN as error:
            return problem_of(error, self.limits.statement_seconds).response()
        return JSONResponse({"status": "ok"})


def _add_routes(app: FastAPI, api: _Api) -> None:
    def route(path: str, answer: Answer, method: str, summary: str | None = None, **more: Any) -> None:
        async def handle(request: Request) -> Response:
            return await _answered(request, answer, api.limits)

        shown = summary is not None
        app.add_api_route(
            path, handle, methods=[method], response_model=None, include_in_schema=shown, summary=summary, **more
        )
        if method == "GET":
            app.add_api_route(path, handle, methods=["HEAD"], response_model=None, include_in_schema=False)

    for table in api.served:
        route(
            f"{_API}/tables/{table.name}",
            _rows_of(api, table),
            "GET",
            f"Rows of {table.name}",
            operation_id=f"{table.name}_rows",
            description=table.description,
            responses=openapi.responses(table),
            openapi_extra={"parameters": openapi.parameters(table, api.limits)},
        )
        route(f"{_API}/schema/{table.name}", _schema_of(table), "GET", f"Columns of {table.name}")
    route(f"{_API}/tables/{{table}}", api.no_table, "GET")
    route(f"{_API}/schema/{{table}}", api.no_table, "GET")
    route(f"{_API}/schema", api.schemas, "GET", "Columns of all tables")
    route(f"{_API}/health", api.healthy, "GET", "Whether the data API answers")
    route(f"{_API}/openapi.json", api.description, "GET")
    route(f"{_API}/graphql/schema", api.graphql_text, "GET", "The GraphQL schema")
    route(f"{_API}/graphql", api.graphql_answer, "POST", "A query of GraphQL", openapi_extra=openapi.GRAPHQL)
    if api.configuration.statements:
        route(f"{_API}/sql", api.own_statement, "POST", "A statement of SQL", openapi_extra=openapi.STATEMENT)


def _rows_of(api: _Api, table: ServedTable) -> Answer:
    async def answer(consumer: str, request: Request, body: bytes) -> Response:
        return await api.rows(table, consumer, request)

    return answer


def _schema_of(table: ServedTable) -> Answer:
    async def answer(consumer: str, request: Request, body: bytes) -> Response:
        return JSONResponse(_schema(table))

    return answer


async def _refused(request: Request, error: Exception) -> Response:
    status = HTTPStatus(getattr(error, "status_code", HTTPStatus.INTERNAL_SERVER_ERROR))
    return Problem(status, f"{request.method} {request.url.path[:200]}: {status.phrase.lower()}").response()


async def _failed(request: Request, error: Exception) -> Response:
    return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "the server failed; its log has the reason").response()


async def _answered(request: Request, answer: Answer, limits: Limits) -> Response:
    """The answer to a request, or the problem that it has."""
    try:
        consumer = consumer_of(request.headers.getlist(CONSUMER_HEADER))
        # Read the body first: after it, the connection only says that the client left.
        body = await _body(request, limits.body_bytes_max)
        return await unless_left(request, answer(consumer, request, body))
    except ClientLeft:
        return Response(status_code=CLIENT_LEFT)
    except KNOWN as error:
        return problem_of(error, limits.statement_seconds).response()


async def _page(request: Request, database: Database, consumer: str, table: ServedTable, query: Query) -> Response:
    async with database.reading(consumer) as connection:
        page = await tables.page(connection, database, table, query)
    headers = {**_VARY, ROWS_HEADER: str(len(page.rows))}
    if page.cursor is not None:
        following = request.url.remove_query_params("offset").include_query_params(**{CURSOR: page.cursor})
        headers["Link"] = f'<{following.path}?{following.query}>; rel="next"'
    body = "[" + ",\n".join(page.rows) + "]"
    return Response(body, headers=headers, media_type=Format.JSON.value)


async def _body(request: Request, bytes_max: int) -> bytes:
    """The body of a request.

    Raises:
        Problem: when it is too large. The rest is not read.
    """
    found = bytearray()
    try:
        async for piece in request.stream():
            found.extend(piece)
            if len(found) > bytes_max:
                raise Problem(
                    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                    f"the body has more than {bytes_max} bytes",
                    headers={"Connection": "close"},
                )
    except ClientDisconnect:
        raise ClientLeft from None
    return bytes(found)


def _schema(table: ServedTable) -> dict[str, Any]:
    fields = [
        {"name": column.name, "data_type": _arrow_name(column.type), "nullable": column.nullable, "type": column.type}
        for column in table.columns
    ]
    return {"fields": fields, "key": list(table.key)}


def _arrow_name(type_: str) -> str:
    from alchemesh_platform.systems.local.data_api.http.rows.arrow import arrow_type

    return str(arrow_type(kind_of(type_)))
