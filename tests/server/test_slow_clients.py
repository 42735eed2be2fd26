"""Clients that never end a request lose their places to others."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest
import uvicorn
from fastapi import FastAPI, Request

from alchemesh_platform.server import limits
from alchemesh_platform.server.serve import Listening, config_of

SECONDS = 0.5


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A server with the settings of `alchemesh server`, and less patience."""
    monkeypatch.setattr(limits, "HEAD_SECONDS", SECONDS)
    monkeypatch.setattr(limits, "BODY_SECONDS", SECONDS)
    monkeypatch.setattr(limits, "CONNECTIONS_MAX", 10)
    api = FastAPI()
    api.add_middleware(limits.BodyLimit, at_once=4)

    @api.post("/")
    async def size(request: Request) -> int:
        return len(await request.body())

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(config_of(api, Listening()))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        yield listener.getsockname()[1]
        server.should_exit = True
        thread.join()


def posted(port: int) -> int:
    return httpx.post(f"http://127.0.0.1:{port}/", content=b"abc", timeout=10).status_code


HEAD = b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 9\r\n"


@pytest.mark.parametrize(
    ("sent", "number", "answer"),
    [
        ((b"",), 12, b""),
        ((HEAD,), 12, b""),
        ((HEAD + b"\r\n123456789", HEAD), 4, b""),
        ((HEAD + b"\r\n{",), 5, b"HTTP/1.1 408"),
    ],
    ids=["silent", "half a head", "half a head after a request", "half a body"],
)
def test_clients_that_never_end_a_request_leave_room_for_others(
    port: int, sent: tuple[bytes, ...], number: int, answer: bytes
) -> None:
    """Eighty silent connections took all places of the server for ever."""
    with ExitStack() as stack:
        slow = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(number)]
        for each in slow:
            each.settimeout(20)
            for part in sent[:-1]:
                each.sendall(part)
                assert each.recv(4096).startswith(b"HTTP/1.1 200 OK")
            each.sendall(sent[-1])
        received = [b"".join(iter(lambda: each.recv(4096), b"")) for each in slow]  # noqa: B023 - read at once
        assert all(each.startswith(answer) or b" 503 " in each for each in received)
        assert sum(each.startswith(answer) for each in received) >= 4
        assert posted(port) == 200
