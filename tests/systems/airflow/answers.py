"""A small HTTP server that answers as Airflow does: for its version, its faults, and the interface of Airflow 2."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, Any]


@dataclass(slots=True)
class Answering:
    """The server, and the requests that it received: method, path without the query, body.

    Args:
        answer: Returns status and document of a request.
    """

    answer: Callable[[str, str, Any], Answer]
    requests: list[tuple[str, str, Any]] = field(default_factory=list)
    signed: list[str] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)
    address: str = ""


@contextmanager
def answering(answer: Callable[[str, str, Any], Answer]) -> Iterator[Answering]:
    """Serve until the end of the block."""
    found = Answering(answer)

    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            path = self.path.partition("?")[0]
            found.requests.append((self.command, path, body))
            found.queries.append(self.path.partition("?")[2])
            found.signed.append(self.headers.get("Authorization", ""))
            status, document = found.answer(self.command, path, body)
            data = json.dumps(document).encode() if document != "" else b""
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = do_DELETE = _any

        def log_message(self, *_: Any) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found.address = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield found
        finally:
            server.shutdown()
