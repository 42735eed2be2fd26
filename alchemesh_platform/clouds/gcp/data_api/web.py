"""The HTTP server of an instance: the data API's own, behind the identity that Cloud Run has checked."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Collection
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse

from alchemesh_platform.clouds.gcp.data_api.configuration import READY_PATH
from alchemesh_platform.clouds.gcp.data_api.identity import Caller, caller_of
from alchemesh_platform.systems.local.data_api.http.configuration import CONSUMER_HEADER
from alchemesh_platform.systems.local.data_api.http.problems import Problem, no_answer, not_loaded

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HEADER = CONSUMER_HEADER.lower().encode()
_READING = ("GET", "HEAD")
_DESCRIBED = ("/api/schema", "/api/openapi.json", "/api/health")


class Guarded:
    """The data API, for callers whose identity Cloud Run has checked.

    Args:
        application: The data API.
        protocols: The offered protocols. Paths of others are refused.
        ready: Whether the instance can answer.
        add_role: Makes the role of a caller in PostgreSQL.
        log: Receives a line for each request.
    """

    def __init__(
        self,
        application: ASGIApp,
        *,
        protocols: Collection[str],
        ready: Callable[[], bool],
        add_role: Callable[[str], None],
        log: Callable[[str], None],
    ) -> None:
        self._application = application
        self._protocols = frozenset(protocols)
        self._ready = ready
        self._add_role = add_role
        self._log = log
        self._known: set[str] = set()
        self._adding = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or run until the server stops."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        if scope["path"] == READY_PATH:
            if await asyncio.to_thread(self._ready):
                await JSONResponse({"status": "ok"})(scope, receive, send)
            else:
                await not_loaded().response()(scope, receive, send)
            return
        try:
            caller = caller_of(scope["headers"])
            if not offered(self._protocols, scope["method"], scope["path"]):
                raise Problem(HTTPStatus.NOT_FOUND, f"{scope['method']} {scope['path'][:200]}: not found")
            await self._with_role(caller)
        except Problem as problem:
            await problem.response()(scope, receive, send)
            return
        headers = [(name, value) for name, value in scope["headers"] if name.lower() != _HEADER]
        headers.append((_HEADER, caller.role.encode()))
        counted = _Counted(send)
        began = time.monotonic()
        try:
            await self._application({**scope, "headers": headers}, receive, counted)
        finally:
            self._log(_line(caller, scope, counted, time.monotonic() - began))

    async def _with_role(self, caller: Caller) -> None:
        if caller.role in self._known:
            return
        import psycopg

        async with self._adding:
            try:
                await asyncio.to_thread(self._add_role, caller.role)
            except (psycopg.Error, OSError) as error:
                raise no_answer() from error
        self._known.add(caller.role)


class _Counted:
    """Counts what is sent."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0
        self.bytes = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif message["type"] == "http.response.body":
            self.bytes += len(message.get("body", b""))
        await self._send(message)


def offered(protocols: Collection[str], method: str, path: str) -> bool:
    """Whether a request belongs to an offered protocol, or asks for the description of the tables."""
    if any(path == known or path.startswith(f"{known}/") for known in _DESCRIBED):
        return method in _READING
    if path.startswith("/api/tables/"):
        return "rest" in protocols and method in _READING
    if path == "/api/sql":
        return "rest" in protocols and method == "POST"
    if path == "/api/graphql/schema":
        return "graphql" in protocols and method in _READING
    return path == "/api/graphql" and "graphql" in protocols and method == "POST"


def _line(caller: Caller, scope: Scope, counted: _Counted, seconds: float) -> str:
    """A line of Cloud Logging: the use of the API by a consumer. A query may hold values of rows, so it is left out.

    Source: https://cloud.google.com/run/docs/logging#using-json
    """
    return json.dumps(
        {
            "severity": "INFO",
            "message": f"{scope['method']} {scope['path']} {counted.status}",
            "consumer": caller.name,
            "method": scope["method"],
            "path": scope["path"],
            "status": counted.status,
            "bytes": counted.bytes,
            "seconds": round(seconds, 4),
        }
    )


def ready_when(loaded: Callable[[], bool], give_up_seconds: float) -> Callable[[], bool]:
    """A function that says whether an instance can answer: its tables are loaded, or take too long for a probe.

    Args:
        loaded: Whether each table is loaded, or cannot be.
        give_up_seconds: Time after which requests are answered anyway: 503 for a table that is not loaded.
    """
    deadline = time.monotonic() + give_up_seconds
    return lambda: loaded() or time.monotonic() > deadline
