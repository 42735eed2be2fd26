"""A program `alchemesh` for scripts, whose commands are forked from a process that has imported the platform."""

from __future__ import annotations

import atexit
import json
import shutil
import socketserver
import sys
import tempfile
from functools import cache
from pathlib import Path
from threading import Thread

from tests.commands import run_command

CLIENT = """\
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as server:
    server.connect({server!r})
    server.sendall(json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode())
    server.shutdown(socket.SHUT_WR)
    code, out, err = json.loads(b"".join(iter(lambda: server.recv(65536), b"")))
sys.stdout.write(out)
sys.stderr.write(err)
sys.exit(code)
"""


def program(folder: Path) -> str:
    """The command of the program, for a shell; its code is in a folder."""
    file = folder / "alchemesh.py"
    file.write_text(CLIENT.format(server=_server()), "utf-8")
    return f"{sys.executable} -I -S {file}"


@cache
def _server() -> str:
    """The socket of this process that runs commands."""

    class Run(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            arguments, folder, environ = json.load(self.rfile)
            done = run_command(arguments, Path(folder), environ)
            self.wfile.write(json.dumps([done.returncode, done.stdout, done.stderr]).encode())

    folder = tempfile.mkdtemp(prefix="alchemesh-")  # the path of a socket is short
    server = socketserver.ThreadingUnixStreamServer(f"{folder}/commands", Run)
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return f"{folder}/commands"
