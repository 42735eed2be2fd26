"""Limits of requests: the size of a body, the time to send a request, and the number of requests at once."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.auto import AutoHTTPProtocol

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY_MAX = 4 * 1024 * 1024  # a thousand reports with long notes
AT_ONCE = 64  # further requests are answered with 503, which clients repeat
CONNECTIONS_MAX = 512  # with and without a request: slow clients must not take the places of others
HEAD_SECONDS = 10.0  # to send the head of a request, from the connection or the answer before
BODY_SECONDS = 30.0  # to send the body of a request

_Protocol: Any = AutoHTTPProtocol  # uvicorn's, for the parser that is installed


class ImpatientProtocol(_Protocol):  # type: ignore[misc]
    """Closes a connection whose next request does not arrive in time.

    uvicorn waits for ever for the first request of a connection, and for the rest of a begun one. So silent clients
    would fill all places.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Start the time of the first request."""
        super().connection_made(transport)
        self._timer: asyncio.TimerHandle | None = None
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Start the time of the next request with its first bytes."""
        super().data_received(data)
        if self._timer is None and self._is_waiting():
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the time."""
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._timer = self.loop.call_later(HEAD_SECONDS, self._close_if_late, self.cycle)

    def _is_waiting(self) -> bool:
        """Whether no request is being answered."""
        return self.cycle is None or bool(self.cycle.response_complete)

    def _close_if_late(self, seen: object) -> None:
        """Close the connection if no request has arrived since the last one that was seen."""
        self._timer = None
        if not self._is_waiting() or self.transport.is_closing():
            return
        if self.cycle is seen:
            self.transport.close()
        else:
            self._wait()


class BodyLimit:
    """Answers 413 to a body that is too large and 408 to one that is too slow, without reading it to its end.

    Args:
        app: The application behind it.
        limit: Largest body in bytes.
        at_once: Number of requests at once; further ones are answered with 503.
    """

    def __init__(self, app: ASGIApp, limit: int = BODY_MAX, at_once: int = AT_ONCE) -> None:
        self._app, self._limit, self._at_once = app, limit, at_once
        self._now = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif self._now >= self._at_once:
            await _answer(send, 503, f"the server answers {self._at_once} requests at once: send it again later")
        else:
            self._now += 1
            try:
                await self._serve(scope, receive, send)
            finally:
                self._now -= 1

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        received, answered, whole = 0, False, False
        until = asyncio.get_running_loop().time() + BODY_SECONDS

        async def limited() -> Message:
            nonlocal received, answered, whole
            if whole:
                return await receive()
            try:
                async with asyncio.timeout_at(until):
                    message = await receive()
            except TimeoutError:
                answered = True
                await _answer(send, 408, f"the request did not arrive within {BODY_SECONDS:g} seconds")
                return {"type": "http.disconnect"}
            received += len(message.get("body", b""))
            whole = not message.get("more_body", False)
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
    if status == 503:  # noqa: PLR2004 - the one that clients repeat
        headers.append((b"retry-after", b"5"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
