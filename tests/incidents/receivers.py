"""Real receivers of notifications: an HTTP server, and a mail server that speaks TLS and asks for a password."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session

USER, PASSWORD = "mesh", "correct horse"


@dataclass(frozen=True)
class Received:
    """A request that a webhook received."""

    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        return cast("dict[str, Any]", json.loads(self.body))


class Hook(ThreadingHTTPServer):
    """A webhook that keeps what it received. It answers with a chosen status, or not at all while it is ``stuck``."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _HookHandler)
        self.received: list[Received] = []
        self.status = 204
        self.on_request = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook/t0ken-of-the-hook"

    def transitions(self) -> list[list[str]]:
        """The transitions of each accepted event."""
        return [[each["transition"] for each in got.event["data"]["transitions"]] for got in self.received]


class _HookHandler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server = cast("Hook", self.server)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if server.status == 204:
            server.received.append(Received({name.lower(): value for name, value in self.headers.items()}, body))
        server.on_request.set()
        self.send_response(server.status)
        self.end_headers()

    def log_message(self, *_arguments: Any) -> None:
        """No log."""


@contextmanager
def hook() -> Iterator[Hook]:
    server = Hook()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Postbox:
    """The messages of a mail server, and the recipients that it refuses."""

    port: int = 0
    messages: list[tuple[str, EmailMessage]] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)

    async def handle_RCPT(
        self, _server: Any, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address in self.refused:
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Session, envelope: Envelope) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        message = cast("EmailMessage", message_from_bytes(content, policy=default))
        self.messages += [(recipient, message) for recipient in envelope.rcpt_tos]
        return "250 OK"

    def subjects(self) -> dict[str, list[str]]:
        """The subjects of each recipient."""
        found: dict[str, list[str]] = {}
        for recipient, message in self.messages:
            found.setdefault(recipient, []).append(str(message["Subject"]))
        return found


def _check(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
    good = isinstance(data, LoginPassword) and data.login == USER.encode() and data.password == PASSWORD.encode()
    return AuthResult(success=good, handled=False)


class _OnAFreePort(Controller):  # type: ignore[misc]
    """The controller's own check at the start connects to the port that it was given, which is 0 here."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def postbox(certificate: Path | None = None, *, tls_at_once: bool = False) -> Iterator[Postbox]:
    """A mail server. With a certificate it requires a login over STARTTLS, or over TLS from the first byte."""
    box = Postbox()
    options: dict[str, Any] = {}
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        login = {"auth_required": True, "authenticator": _check}
        options = (
            {"ssl_context": context, "auth_require_tls": False, **login}  # it knows of no TLS but STARTTLS
            if tls_at_once
            else {"tls_context": context, "require_starttls": True, **login}
        )
    controller = _OnAFreePort(box, hostname="127.0.0.1", port=0, **options)
    controller.start()
    try:
        box.port = controller.port
        yield box
    finally:
        controller.stop()
