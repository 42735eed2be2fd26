"""A local server of identity tokens, of the runs of a workflow, and of deployments, as a forge has it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


@contextmanager
def token_server(*successful: str) -> Iterator[tuple[list[str], dict[str, str]]]:
    """The forge's server: its requests for tokens, and the variables that name it.

    Args:
        successful: Commits of the successful runs of each workflow, or of the successful deployments to each
            environment, the newest first.
    """
    asked: list[str] = []

    class Service(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/api/v4/"):  # https://docs.gitlab.com/api/deployments/
                expected = "/api/v4/projects/42/deployments"
                asking = "environment=local&status=success&order_by=id&sort=desc&per_page=1"
                found = self.path == f"{expected}?{asking}" and self.headers["JOB-TOKEN"] == "of-gitlab"
                self.send_response(200 if found else 404)
                self.end_headers()
                self.wfile.write(json.dumps([{"id": 7, "sha": commit} for commit in successful[:1]]).encode())
                return
            if self.path.startswith("/api/"):
                expected = "/api/repos/acme/products/actions/workflows/alchemesh-deploy.yml/runs"
                found = self.path == f"{expected}?branch=main&event=push&status=success&per_page=1"
                self.send_response(200 if found and self.headers["Authorization"] == "bearer of-github" else 404)
                self.end_headers()
                runs = [{"head_sha": commit} for commit in successful[:1]]
                self.wfile.write(json.dumps({"total_count": len(successful), "workflow_runs": runs}).encode())
                return
            asked.append(f"{self.headers['Authorization']} {self.path}")
            self.send_response(200)
            self.end_headers()
            number = "" if len(asked) == 1 else f"-{len(asked)}"
            self.wfile.write(f'{{"value": "signed-by-the-forge{number}"}}'.encode())

        def log_message(self, *_arguments: Any) -> None:
            """Write nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/token?job=1"
    yield (
        asked,
        {
            "ACTIONS_ID_TOKEN_REQUEST_URL": url,
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "of-the-job",
            "GITHUB_API_URL": f"http://127.0.0.1:{server.server_port}/api",
            "GITHUB_REPOSITORY": "acme/products",
            "CI_API_V4_URL": f"http://127.0.0.1:{server.server_port}/api/v4",
            "CI_PROJECT_ID": "42",
            "CI_JOB_TOKEN": "of-gitlab",
        },
    )
    server.shutdown()
    server.server_close()
