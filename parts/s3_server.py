"""moto's S3, one request after another, optionally with a delay before each answer, like a real store.

``python -m parts.s3_server PORT SECONDS``.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple

LOOPBACK = "127.0.0.1"


def serve(port: int, seconds: float) -> None:
    """Serve until the process ends."""
    moto = DomainDispatcherApplication(create_backend_app)
    # moto handles a conditional write in two steps: it would accept two at once.
    turn = threading.Lock()

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        time.sleep(seconds)
        with turn:
            return moto(environ, start_response)

    run_simple(LOOPBACK, port, answer, threaded=True)


if __name__ == "__main__":
    serve(int(sys.argv[1]), float(sys.argv[2]))
