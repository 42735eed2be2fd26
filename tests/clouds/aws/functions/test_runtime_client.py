"""A built package under Amazon's own runtime client for Python, `awslambdaric`.

The client polls an HTTP API for invocations, as in Lambda. A server of this test is that API.
Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from alchemesh_platform.clouds.aws.functions.package import HANDLER, Sources, build
from alchemesh_platform.clouds.aws.functions.runtime import SETTINGS
from alchemesh_platform.systems.local.jobs.entrypoint import interpreter_arguments

if TYPE_CHECKING:
    from tests.clouds.aws.emulation.harness import Cloud

pytestmark = pytest.mark.slow

LONGEST = 120.0  # seconds
SECONDS = 60.0  # of an invocation
CODE = "import sys\ndef main():\n    print('ran', sys.argv[1:])\ndef broken():\n    raise SystemExit(7)\n"


class RuntimeApi(ThreadingHTTPServer):
    """The API that the client polls."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Requests)
        self.events: queue.Queue[tuple[str, Any]] = queue.Queue()
        self.answers: queue.Queue[tuple[str, Any]] = queue.Queue()

    def invoke(self, request: str, event: Mapping[str, Any]) -> tuple[str, Any]:
        """Invoke the function: `response` and its result, or `error` and its description."""
        self.events.put((request, event))
        return self.answers.get(timeout=LONGEST)


class _Requests(BaseHTTPRequestHandler):
    server: RuntimeApi

    def do_GET(self) -> None:
        request, event = self.server.events.get()
        body = json.dumps(event).encode()
        self.send_response(200)
        self.send_header("Lambda-Runtime-Aws-Request-Id", request)
        self.send_header("Lambda-Runtime-Deadline-Ms", str(int((time.time() + SECONDS) * 1000)))
        self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:000000000000:function:gates")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()
        self.server.answers.put((self.path.rpartition("/")[2], sent))

    def log_message(self, *_parts: Any) -> None:
        """Print nothing."""


@contextmanager
def running(root: Path, variables: Mapping[str, str]) -> Iterator[RuntimeApi]:
    """The client with a function."""
    api = RuntimeApi()
    serving = threading.Thread(target=api.serve_forever, daemon=True)
    serving.start()
    environ = {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{api.server_port}",
        "AWS_LAMBDA_FUNCTION_NAME": "gates",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
        "AWS_LAMBDA_FUNCTION_VERSION": "1",
        "LAMBDA_TASK_ROOT": str(root),
        **variables,
    }
    client = subprocess.Popen([sys.executable, "-m", "awslambdaric", HANDLER], cwd=root, env=environ)
    try:
        yield api
    finally:
        client.kill()
        client.wait()
        api.shutdown()
        api.server_close()
        serving.join()


def test_a_package_runs_under_the_runtime_of_amazon(cloud: Cloud, tmp_path: Path) -> None:
    product, root, file = tmp_path / "product", tmp_path / "task", tmp_path / "package.zip"
    product.mkdir()
    (product / "job.py").write_text(CODE)
    connections = {"alchemesh_connections.json": "{}"}
    build(Sources(product, ("**/*.py",), None, "3.11", "x86_64", connections), file)
    with zipfile.ZipFile(file) as archive:
        archive.extractall(root)
    cloud.client("s3").create_bucket(Bucket="acme-reports")
    settings = {"command": interpreter_arguments("job:main"), "reports": "s3://acme-reports/runs"}
    variables = {**cloud.services.place().variables(), SETTINGS: json.dumps(settings)}
    with running(root, variables) as api:
        kind, result = api.invoke("first", {"request": "r1", "arguments": ["a"]})
        assert (kind, result) == ("response", {"run": "r1", "state": "succeeded", "exit_status": 0, "written": {}})
        kind, result = api.invoke("second", {"trigger": "schedule"})
        assert (kind, result["run"], result["state"]) == ("response", "second", "succeeded")
    report = json.loads(cloud.client("s3").get_object(Bucket="acme-reports", Key="runs/r1.json")["Body"].read())
    assert report["output"] == "ran ['a']"
    settings["command"] = interpreter_arguments("job:broken")
    with running(root, {**variables, SETTINGS: json.dumps(settings)}) as api:
        kind, result = api.invoke("third", {})
        assert (kind, result["errorType"]) == ("error", "RunFailed")
        assert result["errorMessage"] == "the code ended with exit status 7"
