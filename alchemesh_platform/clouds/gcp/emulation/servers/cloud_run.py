"""Cloud Run's services on this machine: one process for an environment, with a port for each service.

It answers as Cloud Run does: it checks the identity token and the right to invoke, starts an instance at the first
request, and passes the token on without its signature. There is no container engine: an instance is the image's own
entry point, as the image's user, in an enclosure with the folders of the image. The platform's data API is the only
image whose program is on this machine.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from alchemesh_platform.clouds.gcp.data_api.configuration import HOST_VARIABLE, PORT_VARIABLE
from alchemesh_platform.clouds.gcp.emulation.identity_tokens import TokenRefused, claims_of
from alchemesh_platform.clouds.gcp.emulation.servers.container import NoContainer, container_command
from alchemesh_platform.clouds.gcp.emulation.store import Store
from alchemesh_platform.machine.files import write_if_changed
from alchemesh_platform.machine.servers.ports import free_port

HOST = "127.0.0.1"
SERVICES = "/services"
SERVICES_FILE, LOG_FILE = "services.json", "instance.log"
START_SECONDS = 240.0  # https://cloud.google.com/run/docs/configuring/healthchecks
IDLE_SECONDS = (
    900.0  # https://cloud.google.com/run/docs/about-instance-autoscaling: Cloud Run keeps an idle instance 15 min
)
RUN_SERVICE = "gcp:cloudrunv2/service:Service"
INVOKER = "gcp:cloudrunv2/serviceIamMember:ServiceIamMember"
INVOKER_ROLE = "roles/run.invoker"
# https://cloud.google.com/run/docs/authenticating/service-to-service
CHECKED_FIRST, CHECKED = "X-Serverless-Authorization", "Authorization"
NO_SIGNATURE = "SIGNATURE_REMOVED_BY_GOOGLE"
_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "host"})
_UNTIL = re.compile(r'request\.time < timestamp\("(?P<end>[^"]+)"\)')
_CHUNK = 64 * 1024
_STARTER = ThreadPoolExecutor(1)


class NotServed(Exception):
    """Raised when a request is not passed on. ``status`` is Cloud Run's."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        self.status = status
        super().__init__(message)


@dataclass(slots=True)
class Service:
    """One service: its address, and its instance if one runs.

    Args:
        store: Folder of the emulated cloud that has the service.
        id: The service's id there.
        port: Its port.
        folder: Folder for its files.
        variables: Variables that point an instance to the emulators.
    """

    store: Path
    id: str
    port: int
    folder: Path
    variables: Mapping[str, str]
    _process: subprocess.Popen[bytes] | None = None
    _revision: str = ""
    _instance_port: int = 0
    _used: float = field(default_factory=time.monotonic)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{HOST}:{self.port}"

    def check(self, header: str | None) -> None:
        """Check the identity token of a request, and the right to invoke.

        Raises:
            NotServed: when the token is wrong, or its owner may not invoke the service.
        """
        token = (header or "").partition(" ")[2].strip()
        if not token:
            raise NotServed(HTTPStatus.FORBIDDEN, "the request was not authenticated: it has no identity token")
        try:
            email = str(claims_of(self.store, token, self.url)["email"])
        except TokenRefused as error:
            raise NotServed(HTTPStatus.UNAUTHORIZED, f"the identity token is refused: {error}") from error
        if not any(self._may_invoke(email)):
            raise NotServed(HTTPStatus.FORBIDDEN, f"{email} has no right to invoke the service")

    def _may_invoke(self, email: str) -> Iterator[bool]:
        known = {f"{kind}:{email}" for kind in ("user", "serviceAccount")}
        for kept in Store(self.store).all(INVOKER):
            bound = kept.id.startswith(f"{self.id}/") and kept.inputs["role"] == INVOKER_ROLE
            yield bound and kept.inputs["member"] in known and _still(kept.inputs.get("condition"))

    def instance(self) -> int:
        """The port of an instance of the current revision. It starts if none runs.

        Raises:
            NotServed: when the service is gone, or its instance does not start.
        """
        with self._lock:
            self._used = time.monotonic()
            kept = Store(self.store).get(RUN_SERVICE, self.id)
            if kept is None:
                raise NotServed(HTTPStatus.NOT_FOUND, f"there is no service {self.id}")
            template = kept.inputs["template"]
            revision = hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()[:16]
            if self._process is None or self._process.poll() is not None or revision != self._revision:
                self._end()
                self._start(template["containers"][0], revision)
            return self._instance_port

    def end_idle(self) -> None:
        """End an instance that nobody uses."""
        with self._lock:
            if self._process is not None and time.monotonic() - self._used > IDLE_SECONDS:
                self._end()

    def end(self) -> None:
        """End the instance."""
        with self._lock:
            self._end()

    def _start(self, container: Mapping[str, Any], revision: str) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._instance_port, self._revision = free_port(HOST), revision
        given = {variable["name"]: str(variable.get("value", "")) for variable in container.get("envs") or ()}
        # A container has a network of its own; here, only this machine reaches an instance.
        listening = {HOST_VARIABLE: HOST, PORT_VARIABLE: str(self._instance_port)}
        variables = {**given, **self.variables, **listening, "K_REVISION": revision}
        try:
            command = container_command(variables, self.folder)
        except NoContainer as error:
            raise NotServed(HTTPStatus.SERVICE_UNAVAILABLE, str(error)) from error
        with (self.folder / LOG_FILE).open("ab") as log:
            # The enclosure ends with the thread that started it, so this is not the thread of the request.
            started = _STARTER.submit(
                lambda: subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
            )
            self._process = started.result()
        path = ((container.get("startupProbe") or {}).get("httpGet") or {}).get("path", "/")
        deadline = time.monotonic() + START_SECONDS
        while not _answers(f"http://{HOST}:{self._instance_port}{path}"):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self._end()
                raise NotServed(
                    HTTPStatus.SERVICE_UNAVAILABLE, f"the instance does not start: see {self.folder / LOG_FILE}"
                )
            time.sleep(0.05)

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _still(condition: Mapping[str, Any] | None) -> bool:
    """Whether a binding holds now. A condition of another form than the platform's does not."""
    if condition is None:
        return True
    found = _UNTIL.fullmatch(str(condition.get("expression")))
    return found is not None and datetime.now(UTC) < datetime.fromisoformat(found["end"])


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - our own server
            return bool(answer.status == HTTPStatus.OK)
    except OSError:
        return False


def log_of(folder: Path, store: str, identity: str) -> Path:
    """The log of the instances of a service.

    Args:
        folder: The folder of the emulated Cloud Run.
        store: The emulated cloud that has the service.
        identity: The service's id there.
    """
    return folder / hashlib.sha256(f"{store}{identity}".encode()).hexdigest()[:16] / LOG_FILE


class CloudRun:
    """The services of an environment. Their ports outlive the process.

    Args:
        folder: Folder for its files.
        variables: Variables that point instances to the emulators.
    """

    def __init__(self, folder: Path, variables: Mapping[str, str]) -> None:
        self.folder = folder
        self.variables = dict(variables)
        self._services: dict[tuple[str, str], Service] = {}
        self._servers: dict[tuple[str, str], ThreadingHTTPServer] = {}
        self._lock = threading.Lock()
        for known in self._known():
            with suppress(OSError):  # another process has its port now
                self.serve(known["store"], known["id"], known["port"])

    def serve(self, store: str, identity: str, port: int | None = None) -> int:
        """Serve a service on a port of its own, which it keeps. Returns the port."""
        key = (store, identity)
        with self._lock:
            if key not in self._services:
                chosen = port or free_port(HOST)
                folder = log_of(self.folder, store, identity).parent
                service = Service(Path(store), identity, chosen, folder, self.variables)
                server = _Server((HOST, chosen), _proxy(service))
                threading.Thread(target=server.serve_forever, daemon=True).start()
                self._services[key], self._servers[key] = service, server
                self._note()
            return self._services[key].port

    def remove(self, store: str, identity: str) -> None:
        """End a service."""
        with self._lock:
            service = self._services.pop((store, identity), None)
            server = self._servers.pop((store, identity), None)
            self._note()
        if service is not None and server is not None:
            server.shutdown()
            server.server_close()
            service.end()

    def end(self) -> None:
        """End all instances."""
        for service in list(self._services.values()):
            service.end()

    def end_idle(self) -> None:
        """End the instances that nobody uses."""
        for service in list(self._services.values()):
            service.end_idle()

    def _known(self) -> list[dict[str, Any]]:
        file = self.folder / SERVICES_FILE
        found: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else []
        return found

    def _note(self) -> None:
        known = [{"store": store, "id": id_, "port": one.port} for (store, id_), one in self._services.items()]
        write_if_changed(self.folder / SERVICES_FILE, json.dumps(known, indent=1) + "\n")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in the standard library
        """Log nothing: the log of an instance has its requests."""

    def body(self) -> bytes:
        """The body of the request."""
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def say(self, status: HTTPStatus, text: str) -> None:
        """Answer with a text."""
        content = f"{text}\n".encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def _proxy(service: Service) -> type[_Handler]:
    """The handler of a service's requests."""

    class Proxy(_Handler):
        def _pass_on(self) -> None:
            checked = CHECKED_FIRST if CHECKED_FIRST in self.headers else CHECKED
            try:
                body = self.body()
                service.check(self.headers.get(checked))
                port = service.instance()
            except NotServed as error:
                self.say(error.status, str(error))
                return
            upstream = http.client.HTTPConnection(HOST, port, timeout=START_SECONDS)
            try:
                upstream.putrequest(self.command, self.path, skip_accept_encoding=True)
                for name, value in self.headers.items():
                    if name.lower() not in _HOP_BY_HOP:
                        upstream.putheader(name, _unsigned(value) if name.lower() == checked.lower() else value)
                upstream.endheaders(body or None)
                answer = upstream.getresponse()
                self.send_response_only(answer.status, answer.reason)
                for name, value in answer.getheaders():
                    if name.lower() not in _HOP_BY_HOP:
                        self.send_header(name, value)
                chunked = answer.length is None and self.command != "HEAD"
                for name, value in (("Transfer-Encoding", "chunked"),) if chunked else ():
                    self.send_header(name, value)
                self.send_header("Connection", "close")
                self.end_headers()
                while chunk := answer.read1(_CHUNK):
                    self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk) if chunked else chunk)
                if chunked:
                    self.wfile.write(b"0\r\n\r\n")
            except (OSError, http.client.HTTPException) as error:
                self.close_connection = True
                sys.stderr.write(f"{self.command} {self.path.partition('?')[0]}: {error}\n")
            finally:
                upstream.close()

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = do_PATCH = _pass_on

    return Proxy


def _unsigned(header: str) -> str:
    """A token as Cloud Run passes it on."""
    return f"{header.rpartition('.')[0]}.{NO_SIGNATURE}"


def _control(cloud_run: CloudRun) -> type[_Handler]:
    """The handler of the emulated provider's requests."""

    class Control(_Handler):
        def do_GET(self) -> None:
            self.say(HTTPStatus.OK, "emulated Cloud Run")

        def do_PUT(self) -> None:
            asked = json.loads(self.body())
            self.say(HTTPStatus.OK, json.dumps({"port": cloud_run.serve(asked["store"], asked["id"])}))

        def do_DELETE(self) -> None:
            asked = json.loads(self.body())
            cloud_run.remove(asked["store"], asked["id"])
            self.say(HTTPStatus.OK, "{}")

    return Control


def main() -> int:
    """Run until a signal."""
    parser = argparse.ArgumentParser(prog="cloud_run", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="Port of the emulated provider's requests.")
    parser.add_argument("--folder", type=Path, required=True, help="Folder for its files.")
    parser.add_argument("--variable", action="append", default=[], help="Variable of instances: NAME.")
    asked = parser.parse_args()
    cloud_run = CloudRun(asked.folder, {name: os.environ[name] for name in asked.variable})
    control = _Server((HOST, asked.port), _control(cloud_run))
    threading.Thread(target=control.serve_forever, daemon=True).start()
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, frame: stopping.set())
    while not stopping.wait(30):
        cloud_run.end_idle()
    cloud_run.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
