"""Limits of requests: the size of a body, and the number of requests at once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY_MAX = 4 * 1024 * 1024  # a thousand reports with long notes
AT_ONCE = 64  # further requests are answered with 503, which clients repeat


class BodyLimit:
    """Answers 413 to a body that is too large, without reading it to its end.

    Args:
        app: The application behind it.
        limit: Largest body in bytes.
    """

    def __init__(self, app: ASGIApp, limit: int = BODY_MAX) -> None:
        self._app, self._limit = app, limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        received, answered = 0, False

        async def limited() -> Message:
            nonlocal received, answered
            message = await receive()
            received += len(message.get("body", b""))
            if received <= self._limit:
                return message
            if not answered:
                answered = True
                await _answer(send, 413, f"a request has at most {self._limit:,} bytes")
            return {"type": "http.disconnect"}

        async def until_answered(message: Message) -> None:
            if not answered:
                await send(message)

        await self._app(scope, limited, until_answered)


async def _answer(send: Send, status: int, message: str) -> None:
    body = json.dumps({"message": message, "hint": None}).encode()
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
