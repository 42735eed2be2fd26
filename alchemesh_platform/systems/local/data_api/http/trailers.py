"""Trailers over HTTP/1.1: h11 writes them, and uvicorn offers them over HTTP/2 only.

They are an extension of ASGI, https://asgi.readthedocs.io/en/latest/extensions.html#http-trailers
"""

from __future__ import annotations

from typing import Any

import h11
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from alchemesh_platform.systems.local.data_api.http.rows.streams import EXTENSION


class TrailersProtocol(H11Protocol):
    """uvicorn's HTTP/1.1 with trailers."""

    def __init__(self, config: Any, *arguments: Any, **options: Any) -> None:
        super().__init__(config, *arguments, **options)
        self.conn = connection = _Connection(h11.SERVER, config.h11_max_incomplete_event_size)
        self.app: Any = _with_trailers(self.app, connection)


class _Connection(h11.Connection):
    trailers: list[tuple[bytes, bytes]] = []  # noqa: RUF012 - replaced, never changed

    def send(self, event: Any) -> Any:
        """The bytes of an event; the end of an answer has its trailers."""
        if isinstance(event, h11.EndOfMessage) and self.trailers:
            event, self.trailers = h11.EndOfMessage(headers=self.trailers), []
        return super().send(event)


def _with_trailers(app: ASGIApp, connection: _Connection) -> ASGIApp:
    """An application that can send trailers, where the answer has chunks."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["http_version"] != "1.1" or scope["method"] == "HEAD":
            await app(scope, receive, send)
            return
        follow = False

        async def pass_on(message: Message) -> None:
            nonlocal follow
            if message["type"] == "http.response.start":
                follow = message.get("trailers", False)
            elif message["type"] == EXTENSION:
                connection.trailers = list(message["headers"])
                message = {"type": "http.response.body"}
            elif follow:
                message = {**message, "more_body": True}  # the answer ends with its trailers
            await send(message)

        await app({**scope, "extensions": {**(scope.get("extensions") or {}), EXTENSION: {}}}, receive, pass_on)

    return answer
