"""moto's S3 with a wait before each answer, as a network and a real store have it.

``python -m parts.slow_s3 PORT SECONDS``.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple

LOOPBACK = "127.0.0.1"


def serve(port: int, seconds: float) -> None:
    """Serve until the process is ended."""
    moto = DomainDispatcherApplication(create_backend_app)

    def slow(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        time.sleep(seconds)
        return moto(environ, start_response)

    run_simple(LOOPBACK, port, slow, threaded=True)


if __name__ == "__main__":
    serve(int(sys.argv[1]), float(sys.argv[2]))
