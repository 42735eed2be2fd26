"""The health check of a data API names the answer of a protocol that refuses."""

from __future__ import annotations

import http.server
import threading

from alchemesh_platform.sdk.connections.data_api import DataApiConnection
from alchemesh_platform.systems.local.data_api.health import first_refusal


class Refuses(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(502)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


def test_an_answer_without_a_body_is_named_by_its_status() -> None:
    """The reason of an unknown lag ended after the number."""
    with http.server.HTTPServer(("127.0.0.1", 0), Refuses) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        rest = f"http://127.0.0.1:{server.server_port}/api"
        refusal = first_refusal(DataApiConnection(rest=rest, tables=("flight",)), 10)
        server.shutdown()

    assert refusal == "REST: 502 Bad Gateway"
