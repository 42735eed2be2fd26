"""Items reach a webhook and a mail server once each; a channel that is down keeps its items for the next delivery."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_string
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pydantic import ValidationError

from alchemesh_platform.base.secrets import SecretRef
from alchemesh_platform.observed.notifications import NOTIFY, Delivered, deliver
from alchemesh_platform.platform_file.notify import Mail, Notify, Webhook
from alchemesh_platform.registry.audit import acts_of
from tests.access.airport import AMELIA, BESSIE, KATHERINE, RESTRICTED, Airport
from tests.access.conftest import airport, clock, environment, fresh_url, registry, registry_url
from tests.incidents.receivers import postbox

__all__ = ["airport", "clock", "environment", "fresh_url", "registry", "registry_url"]


class Hook(ThreadingHTTPServer):
    """A webhook that keeps the received bodies, and answers with a chosen status."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _HookHandler)
        self.bodies: list[dict[str, Any]] = []
        self.status = 204

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook/t0ken-of-the-hook"


class _HookHandler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server = self.server
        assert isinstance(server, Hook)
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if server.status == 204:
            server.bodies.append(body)
        self.send_response(server.status)
        self.send_header("Location", f"http://127.0.0.1:{server.server_port}/elsewhere")
        self.end_headers()

    def log_message(self, *_arguments: Any) -> None:
        """No log."""


class Postbox(socketserver.ThreadingTCPServer):
    """A mail server that keeps each message with its recipient."""

    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _MailHandler)
        self.messages: list[tuple[str, str]] = []


class _MailHandler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        def answer(text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

        answer("220 ready")
        recipient = ""
        while line := self.rfile.readline().decode().strip():
            if line.upper().startswith("RCPT TO:"):
                recipient = line[8:].strip("<>")
            if line.upper() == "DATA":
                answer("354 go on")
                lines: list[str] = []
                while (text := self.rfile.readline().decode().rstrip("\r\n")) != ".":
                    lines.append(text)
                server = self.server
                assert isinstance(server, Postbox)
                server.messages.append((recipient, "\n".join(lines)))
            answer("221 bye" if line.upper() == "QUIT" else "250 ok")


@contextmanager
def running(server: Any) -> Iterator[Any]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def delivered(airport: Airport, notify: Notify) -> Delivered:
    return deliver(airport.registry, airport.environment, notify, airport.clock())


def test_a_webhook_receives_each_item_once(airport: Airport) -> None:
    request = airport.ask()
    with running(Hook()) as hook:
        notify = Notify(webhooks=(Webhook(url=hook.url),))
        assert delivered(airport, notify) == Delivered(1)
        assert delivered(airport, notify) == Delivered(0)
        (body,) = hook.bodies
        assert (body["kind"], body["request"], body["recipients"]) == ("decision wanted", request.address, [AMELIA])
        assert body["environment"] == airport.environment
        airport.by(AMELIA).approve(request.address)
        assert delivered(airport, notify) == Delivered(1)
        assert hook.bodies[1]["kind"] == "decided"
    sent = [act for act in acts_of(airport.registry, airport.environment) if act.operation == NOTIFY]
    assert [act.detail["channel"] for act in sent] == ["webhook 1", "webhook 1"]
    assert "t0ken" not in "".join(act.model_dump_json() for act in sent)


@pytest.mark.parametrize("status", [500, 302])
def test_a_webhook_that_fails_gets_the_item_again_and_its_address_is_not_printed(
    airport: Airport, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    airport.ask()
    with running(Hook()) as hook:
        monkeypatch.setenv("HOOK", hook.url)
        notify = Notify(webhooks=(Webhook(url=SecretRef(secret="HOOK")),))
        hook.status = status
        failed = delivered(airport, notify)
        assert (failed.sent, [failure.message for failure in failed.failures]) == (
            0,
            [f"webhook 1 did not accept a notification: status {status}"],
        )
        hook.status = 204
        assert delivered(airport, notify) == Delivered(1)
    gone = delivered(airport, Notify(webhooks=(Webhook(url=SecretRef(secret="HOOK"), kinds=("decided",)),)))
    assert gone == Delivered(0)


def test_mail_goes_to_the_people_that_an_item_is_for(airport: Airport) -> None:
    request = airport.by(BESSIE).ask(RESTRICTED, _punctuality(), "line one\r\nBcc: stranger@example.com")
    with running(Postbox()) as box:
        mail = Mail(host="127.0.0.1", port=box.server_address[1], encryption="none", sender="mesh@airport.example")
        assert delivered(airport, Notify(mail=mail)) == Delivered(1)
        assert delivered(airport, Notify(mail=mail)) == Delivered(0)
        ((recipient, text),) = box.messages
    message = message_from_string(text, policy=default)
    assert recipient == AMELIA
    assert (message["To"], message["From"], message["Bcc"]) == (AMELIA, "mesh@airport.example", None)
    assert message["Subject"].startswith(
        f"[{airport.environment}] decision wanted: data_product:operations/punctuality"
    )
    assert f"alchemesh access approve {request.address}" in message.get_content()


def test_a_refused_recipient_stops_no_other_item_and_nobody_gets_one_twice(airport: Airport) -> None:
    """The first item with a refused recipient stopped all mail, and each delivery sent it to the others again."""
    request = airport.ask()
    with postbox() as box:
        mail = Mail(host="127.0.0.1", port=box.port, encryption="none", sender="mesh@airport.example")
        box.refused.add(AMELIA)
        refused = delivered(airport, Notify(mail=mail))
        assert (refused.sent, len(refused.failures), box.messages) == (0, 1, [])
        airport.by(AMELIA).approve(request.address)
        assert delivered(airport, Notify(mail=mail)).sent == 1
        assert delivered(airport, Notify(mail=mail)).sent == 0
        assert list(box.subjects()) == [BESSIE]


def test_only_chosen_kinds_are_sent(airport: Airport) -> None:
    airport.ask()
    with running(Hook()) as hook:
        assert delivered(airport, Notify(webhooks=(Webhook(url=hook.url, kinds=("notice",)),))) == Delivered(0)
        assert hook.bodies == []


def test_a_channel_without_encryption_is_refused_outside_of_this_machine() -> None:
    with pytest.raises(ValidationError, match="expected an address that begins with https://"):
        Webhook(url="http://hooks.example/in")
    with pytest.raises(ValidationError, match="expected starttls or tls"):
        Mail(host="mail.example", encryption="none", sender="mesh@airport.example")


def _punctuality() -> Any:
    from tests.access.airport import PUNCTUALITY

    return PUNCTUALITY


def test_a_stranger_gets_no_message(airport: Airport) -> None:
    airport.ask()
    with running(Hook()) as hook:
        delivered(airport, Notify(webhooks=(Webhook(url=hook.url),)))
        assert KATHERINE not in hook.bodies[0]["recipients"]
