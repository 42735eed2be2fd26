"""GraphQL over HTTP: queries as JSON, and as the raw body that clients of roapi send.

Source: https://graphql.github.io/graphql-over-http/draft/
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLResolveInfo,
    GraphQLSchema,
    Node,
    SelectionSetNode,
    execute_sync,
    print_schema,
    specified_rules,
    validate,
)
from graphql.validation import MaxIntrospectionDepthRule
from starlette.responses import Response

from alchemesh_platform.systems.local.data_api.http.configuration import ROWS_HEADER, ServedTable
from alchemesh_platform.systems.local.data_api.http.database import Database
from alchemesh_platform.systems.local.data_api.http.graphql import legacy
from alchemesh_platform.systems.local.data_api.http.graphql.limits import check_values, parsed
from alchemesh_platform.systems.local.data_api.http.graphql.schema import query_of, schema_of
from alchemesh_platform.systems.local.data_api.http.problems import KNOWN, Problem, problem_of
from alchemesh_platform.systems.local.data_api.http.rows import tables
from alchemesh_platform.systems.local.data_api.http.rows.paging import read_cursor
from alchemesh_platform.systems.local.data_api.http.rows.query import Query

JSON_TYPE = "application/json"
RESPONSE_TYPE = "application/graphql-response+json"
QUERY_TYPE = "application/graphql"
_ERRORS_SHOWN = 20
_RULES = (*specified_rules, MaxIntrospectionDepthRule)


@dataclass(frozen=True, slots=True)
class Request:
    """A request of GraphQL."""

    query: str
    variables: dict[str, Any] | None = None
    operation: str | None = None
    raw: bool = False


@dataclass(slots=True)
class _Context:
    """State that the resolvers of one request share: they run in a thread, and PostgreSQL in the loop."""

    connection: Any
    loop: asyncio.AbstractEventLoop
    size: int = 0
    rows: int = 0
    running: set[concurrent.futures.Future[Any]] = field(default_factory=set)
    ended: bool = False

    def wait(self, work: Any) -> Any:
        """The result of work of the loop."""
        future = asyncio.run_coroutine_threadsafe(work, self.loop)
        self.running.add(future)
        if self.ended:
            future.cancel()
        try:
            return future.result()
        except concurrent.futures.CancelledError:
            raise GraphQLError("the client left") from None
        finally:
            self.running.discard(future)

    def end(self) -> None:
        """Cancel the running statement."""
        self.ended = True
        for future in tuple(self.running):
            future.cancel()


class GraphQLApi:
    """GraphQL over the tables."""

    def __init__(self, served: Sequence[ServedTable], database: Database) -> None:
        self.limits = database.limits
        self.database = database
        self.schema: GraphQLSchema = schema_of(served, self._rows, self._page)

    def text(self) -> str:
        """The schema in GraphQL's own language."""
        return print_schema(self.schema)

    async def answer(self, consumer: str, request: Request, accept: str) -> Response:
        """The answer to a request."""
        prefers_own = RESPONSE_TYPE in accept
        try:
            document = await asyncio.to_thread(self._document, request)
        except GraphQLError as error:
            return _refused([error], prefers_own or request.raw)
        except _Invalid as invalid:
            return _refused(invalid.errors, prefers_own or request.raw)
        async with self.database.reading(consumer) as connection:
            context = _Context(connection, asyncio.get_running_loop())
            executing = asyncio.ensure_future(asyncio.to_thread(self._execute, document, request, context))
            try:
                body, failed = await asyncio.shield(executing)
            finally:
                context.end()
                await asyncio.gather(executing, return_exceptions=True)
        status = HTTPStatus.BAD_REQUEST if failed and request.raw else HTTPStatus.OK
        return Response(
            body, status, {ROWS_HEADER: str(context.rows)}, media_type=RESPONSE_TYPE if prefers_own else JSON_TYPE
        )

    def _document(self, request: Request) -> DocumentNode:
        document = parsed(request.query, self.limits)
        if request.raw:
            document = legacy.rewritten(document)
        errors = validate(self.schema, document, _RULES, max_errors=_ERRORS_SHOWN)
        if errors:
            raise _Invalid(errors)
        check_values(document, request.variables, self.limits)
        return document

    def _execute(self, document: DocumentNode, request: Request, context: _Context) -> tuple[bytes, bool]:
        result = execute_sync(
            self.schema,
            document,
            context_value=context,
            variable_values=request.variables,
            operation_name=request.operation,
        )
        answer: Any = result.formatted
        if request.raw and not result.errors and result.data is not None and len(result.data) == 1:
            (answer,) = result.data.values()  # roapi answered with the rows alone
        return _encoded(answer), bool(result.errors)

    def _rows(self, table: ServedTable, source: Any, info: GraphQLResolveInfo[Any], arguments: dict[str, Any]) -> Any:
        return self._read(table, info, arguments, _selected(info), None)[0]

    def _page(self, table: ServedTable, source: Any, info: GraphQLResolveInfo[Any], arguments: dict[str, Any]) -> Any:
        rows, cursor = self._read(table, info, arguments, _selected(info, "rows"), arguments.get("cursor"))
        return {"rows": rows, "next": cursor}

    def _read(
        self,
        table: ServedTable,
        info: GraphQLResolveInfo[Any],
        arguments: dict[str, Any],
        columns: list[str],
        cursor: str | None,
    ) -> tuple[list[Any], str | None]:
        context: _Context = info.context
        try:
            query = query_of(table, columns or table.names[:1], arguments)
            if cursor is not None:
                query = replace(query, cursor=read_cursor(table, query, cursor))
            found = context.wait(self._fetched(table, query, context))
        except KNOWN as error:
            problem = problem_of(error, self.limits.statement_seconds)
            details = {name: value for name, value in problem.document().items() if name not in ("type", "detail")}
            raise GraphQLError(problem.detail, extensions=details) from error
        return [json.loads(row) for row in found.rows], found.cursor

    async def _fetched(self, table: ServedTable, query: Query, context: _Context) -> tables.Page:
        rows_max = self.limits.graphql_rows_max
        if query.limit is not None and query.limit > rows_max:
            raise Problem(
                HTTPStatus.BAD_REQUEST,
                f"limit: expected at most {rows_max} rows, found {query.limit}",
                parameter="limit",
                hint=f"use {table.name}_page, or REST",
            )
        limited = replace(query, limit=rows_max if query.limit is None else query.limit)
        found = await tables.page(context.connection, self.database, table, limited)
        if query.limit is None and found.cursor is not None:
            raise Problem(
                HTTPStatus.BAD_REQUEST,
                f"the field has more than {rows_max} rows",
                parameter="limit",
                hint=f"give it a `limit`, or use {table.name}_page",
            )
        context.rows += len(found.rows)
        context.size += sum(map(len, found.rows))
        if context.size > self.limits.answer_bytes_max:
            raise Problem(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"the answer has more than {self.limits.answer_bytes_max} bytes",
                hint="ask for fewer rows or columns",
            )
        return found


class _Invalid(Exception):
    """Raised when a query does not fit the schema."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        self.errors = errors
        super().__init__(str(errors[0]))


def read_request(content_type: str, body: bytes) -> Request:
    """The request in a body.

    Raises:
        Problem: when it is none.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise _malformed("the body is not UTF-8") from None
    media = content_type.partition(";")[0].strip().lower()
    if media == QUERY_TYPE:
        return Request(text)
    if media != JSON_TYPE:
        return Request(text, raw=True)
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise _malformed("the body is not JSON") from None
    if not isinstance(document, dict) or not isinstance(document.get("query"), str):
        raise _malformed('expected an object with a text `query`: {"query": "{ … }"}')
    variables, operation = document.get("variables"), document.get("operationName")
    if variables is not None and not isinstance(variables, dict):
        raise _malformed("expected an object in `variables`")
    if operation is not None and not isinstance(operation, str):
        raise _malformed("expected a text in `operationName`")
    return Request(document["query"], variables, operation)


def _malformed(detail: str) -> Problem:
    return Problem(HTTPStatus.BAD_REQUEST, detail)


def refusal(problem: Problem) -> Response:
    """A problem in GraphQL's form."""
    details = {name: value for name, value in problem.document().items() if name not in ("type", "detail")}
    body = {"errors": [{"message": problem.detail, "extensions": details}]}
    return Response(json.dumps(body), problem.status, problem.headers, JSON_TYPE)


def _refused(errors: list[GraphQLError], with_status: bool) -> Response:
    body = json.dumps({"errors": [error.formatted for error in errors[:_ERRORS_SHOWN]]})
    status = HTTPStatus.BAD_REQUEST if with_status else HTTPStatus.OK
    return Response(body, status, {ROWS_HEADER: "0"}, media_type=RESPONSE_TYPE if with_status else JSON_TYPE)


def _encoded(answer: Any) -> bytes:
    """An answer as JSON, with raw JSON in its places."""
    mark, raw = secrets.token_hex(8), []

    def put(value: Any) -> str:
        raw.append(value.text)
        return f"{mark}:{len(raw) - 1}"

    text = json.dumps(answer, ensure_ascii=False, separators=(",", ":"), default=put)
    if raw:
        text = re.sub(f'"{mark}:([0-9]+)"', lambda found: raw[int(found[1])], text)
    return text.encode()


def _selected(info: GraphQLResolveInfo[Any], below: str | None = None) -> list[str]:
    """The columns that a query selects, in its order; those below a field if it is named."""
    nodes = _fields(info, info.field_nodes)
    if below is not None:
        nodes = _fields(info, [node for node in nodes if node.name.value == below])
    names = dict.fromkeys(node.name.value for node in nodes)
    return [name for name in names if not name.startswith("__")]


def _fields(info: GraphQLResolveInfo[Any], nodes: Sequence[Node]) -> list[FieldNode]:
    """All fields below nodes, whatever `@skip` and `@include` say of them."""
    found: list[FieldNode] = []
    for node in nodes:
        selections: SelectionSetNode | None = getattr(node, "selection_set", None)
        for selection in selections.selections if selections else ():
            if isinstance(selection, FieldNode):
                found.append(selection)
            elif isinstance(selection, FragmentSpreadNode):
                found += _fields(info, [info.fragments[selection.name.value]])
            else:
                found += _fields(info, [selection])
    return found
