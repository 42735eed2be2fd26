"""Keeps the secrets of products in memory for the tasks of a local Airflow: they are in no file and no database.

The supervisor runs ``python -m alchemesh_platform.systems.airflow.keeper SOCKET DAGS`` with the secrets as variables. A
task asks with the id of its DAG, and gets the secrets that the product of this DAG names. A new secret restarts this
process only, and no run of another product. The socket is in a folder of the user's own.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socketserver
import sys
from collections.abc import Mapping
from pathlib import Path

DOCUMENT = "connections.json"  # beside the DAG
_DAG_ID = re.compile(r"[a-z0-9][a-z0-9_-]*")
_LONGEST = 256  # characters of an id
_SECONDS = 10.0  # without a question


def secrets_for(dag_id: str, dags: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The secrets that the product of a DAG names, as far as they have values."""
    if not _DAG_ID.fullmatch(dag_id):
        return {}
    try:
        names = json.loads((dags / dag_id / DOCUMENT).read_bytes())["secrets"]
    except (OSError, ValueError, KeyError):
        return {}
    return {name: environ[name] for name in names if environ.get(name)}


class _Question(socketserver.StreamRequestHandler):
    timeout = _SECONDS

    def handle(self) -> None:
        dag_id = self.rfile.readline(_LONGEST).decode(errors="replace").strip()
        self.wfile.write(json.dumps(secrets_for(dag_id, Path(sys.argv[2]), os.environ)).encode())


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 128


def main() -> None:
    """Answer until SIGTERM."""
    path = Path(sys.argv[1])
    path.unlink(missing_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    before = os.umask(0o177)
    with _Server(str(path), _Question) as server:
        os.umask(before)
        server.serve_forever()


if __name__ == "__main__":
    main()
