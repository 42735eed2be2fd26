"""Answers that are sent while they are read, and end when the client leaves."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from alchemesh_platform.systems.local.data_api.http.configuration import ROWS_HEADER

T = TypeVar("T")

EXTENSION = "http.response.trailers"  # of ASGI
CHUNK_BYTES = 256 * 1024
_CHUNKS_AHEAD = 4


@dataclass(slots=True)
class RowCount:
    """The number of rows that were sent."""

    rows: int = 0


class ClientLeft(Exception):
    """Raised when the client closes its connection before it has the answer."""


async def unless_left(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """The result of work, which is cancelled when the client leaves.

    Raises:
        ClientLeft: when it left.
    """
    working = asyncio.create_task(work)
    left = asyncio.create_task(_left(request.receive))
    try:
        await asyncio.wait((working, left), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientLeft
        return working.result()
    finally:
        for task in (working, left):
            task.cancel()
        await asyncio.gather(working, left, return_exceptions=True)


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class Stream(Response):
    """An answer of chunks, with the number of its rows after them. When the client leaves, the source is closed.

    Args:
        chunks: The chunks.
        count: The number of rows, which is complete after the last chunk.
        media_type: The media type.
        headers: Headers.
    """

    def __init__(
        self, chunks: AsyncIterator[bytes], count: RowCount, media_type: str, headers: dict[str, str] | None = None
    ) -> None:
        self.chunks = chunks
        self.count = count
        self.status_code = 200
        self.media_type = media_type
        self.background = None
        self.body = b""
        self.init_headers(headers)
        self.raw_headers = [pair for pair in self.raw_headers if pair[0] != b"content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the chunks."""
        sending = asyncio.create_task(self._send(scope, send))
        left = asyncio.create_task(_left(receive))
        try:
            await asyncio.wait((sending, left), return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                sending.result()
        finally:
            for task in (sending, left):
                task.cancel()
            await asyncio.gather(sending, left, return_exceptions=True)

    async def _send(self, scope: Scope, send: Send) -> None:
        try:
            counts = EXTENSION in (scope.get("extensions") or {})
            announced = [(b"trailer", ROWS_HEADER.encode())] if counts else []
            headers = [*self.raw_headers, *announced]
            await send(
                {"type": "http.response.start", "status": self.status_code, "headers": headers, "trailers": counts}
            )
            if scope["method"] != "HEAD":
                async for chunk in self.chunks:
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            if counts:
                number = (ROWS_HEADER.lower().encode(), str(self.count.rows).encode())
                await send({"type": EXTENSION, "headers": [number], "more_trailers": False})
        finally:
            await self.chunks.aclose()  # type: ignore[attr-defined]


async def produced(
    produce: Callable[[Callable[[bytes], Awaitable[None]]], Coroutine[Any, Any, None]],
) -> AsyncIterator[bytes]:
    """The chunks that a producer passes to a function. It waits while the client is slower than the producer."""
    queue: asyncio.Queue[bytes | None] = asyncio.Queue(_CHUNKS_AHEAD)

    async def run() -> None:
        held = bytearray()

        async def put(chunk: bytes) -> None:
            held.extend(chunk)
            if len(held) >= CHUNK_BYTES:
                await queue.put(bytes(held))
                held.clear()

        await produce(put)
        if held:
            await queue.put(bytes(held))

    producing = asyncio.create_task(run())
    ended = asyncio.create_task(_end(producing, queue))
    try:
        while (chunk := await queue.get()) is not None:
            yield chunk
        await producing
    finally:
        producing.cancel()
        ended.cancel()
        await asyncio.gather(producing, ended, return_exceptions=True)


async def _end(producing: asyncio.Task[None], queue: asyncio.Queue[bytes | None]) -> None:
    await asyncio.wait((producing,))
    await queue.put(None)


async def from_thread(chunks: Iterator[bytes], cancel: Callable[[], None]) -> AsyncIterator[bytes]:
    """The chunks of an iterator that blocks. ``cancel`` makes it stop from another thread."""
    end = object()
    waiting: asyncio.Future[Any] | None = None
    try:
        while True:
            waiting = asyncio.ensure_future(asyncio.to_thread(next, chunks, end))
            chunk = await asyncio.shield(waiting)
            waiting = None
            if chunk is end:
                return
            yield chunk
    finally:
        if waiting is not None:
            cancel()
            with contextlib.suppress(Exception):
                await waiting
        await asyncio.to_thread(chunks.close)  # type: ignore[attr-defined]


async def started(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same chunks, after the first one was read: an error before it becomes an answer of its own."""
    try:
        first = await anext(chunks, None)
    except BaseException:
        await chunks.aclose()  # type: ignore[attr-defined]
        raise
    return _after(first, chunks)


async def _after(first: bytes | None, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    try:
        if first is not None:
            yield first
            async for chunk in chunks:
                yield chunk
    finally:
        await chunks.aclose()  # type: ignore[attr-defined]


async def as_array(lines: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Lines of JSON as one JSON array."""
    begun = False
    open_line = b""
    try:
        async for chunk in lines:
            whole = open_line + chunk
            open_line = b""
            if whole.endswith(b"\n"):
                whole, open_line = whole[:-1], b"\n"
            yield (b"" if begun else b"[") + whole.replace(b"\n", b",\n")
            begun = True
        yield b"]" if begun else b"[]"
    finally:
        await lines.aclose()  # type: ignore[attr-defined]
