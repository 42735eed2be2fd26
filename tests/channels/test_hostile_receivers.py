"""A receiver may answer anything, or never end its answer: each call ends, and its message shows no secret."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

import pytest

from alchemesh_platform.base.secrets import SecretRef
from alchemesh_platform.channels import deadline
from alchemesh_platform.channels.mail import RecipientRefused, message_to, with_mail_server
from alchemesh_platform.channels.undelivered import NotDelivered
from alchemesh_platform.channels.webhook import post
from alchemesh_platform.platform_file.notify import Mail, Webhook

Answer = Callable[[socket.socket], None]
over = threading.Event()  # the test has its result


@contextmanager
def receiver(answer: Answer) -> Iterator[int]:
    """The port of a receiver that answers one connection."""

    def serve() -> None:
        with suppress(OSError):
            connection, _ = listener.accept()
            with connection:
                answer(connection)

    over.clear()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            over.set()
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def saying(*answers: bytes) -> Answer:
    def answer(connection: socket.socket) -> None:
        for each in answers:
            connection.recv(65_536)
            connection.sendall(each)

    return answer


def byte_by_byte(connection: socket.socket) -> None:
    """An answer that never ends. Each byte comes within the time limit of a socket."""
    while not over.wait(0.05):
        connection.sendall(b"x")


def reason(url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("HOOK", url)
    webhook = Webhook(url=SecretRef(secret="HOOK"))
    with pytest.raises(NotDelivered) as failed:
        post(webhook, "webhook 1", "id-1", b"{}", "application/json", datetime.now(UTC))
    assert "t0ken" not in failed.value.message
    return failed.value.reason


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (saying(b"hello\r\n\r\n"), "its answer is no HTTP (BadStatusLine)"),
        (saying(b"HTTP/1.1 200 " + b"x" * 70_000 + b"\r\n\r\n"), "its answer is no HTTP (LineTooLong)"),
        (saying(b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200 + b"\r\n"), "its answer is no HTTP (HTTPException)"),
        (saying(b""), "Remote end closed connection without response"),
        (byte_by_byte, "no whole answer within 0.5 seconds"),
    ],
    ids=["no HTTP", "long line", "many headers", "nothing", "byte by byte"],
)
def test_an_answer_that_is_no_http_or_never_ends_is_a_failure(
    answer: Answer, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadline, "DEADLINE_SECONDS", 0.5)
    with receiver(answer) as port:
        assert reason(f"http://127.0.0.1:{port}/t0ken-of-the-hook", monkeypatch) == said


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://hooks.example/t0ken", "its address does not begin with https://"),
        ("file:///etc/hostname#t0ken", "its address does not begin with https://"),
        ("https://127.0.0.1:t0ken/", "its address or a header has characters that HTTP does not allow"),
        ("https://127.0.0.1:1/t0ken\r\nX: y", "its address or a header has characters that HTTP does not allow"),
        ("https://127.0.0.1:1/t0ken-ö", "its address or a header has characters that HTTP does not allow"),
    ],
)
def test_an_address_in_a_secret_is_checked_as_one_in_the_platform_file(
    url: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An address of a file was "delivered" to, and one without encryption carried its token in clear."""
    assert reason(url, monkeypatch) == said


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda connection: connection.sendall(b"421 closed for today\r\n"), "421 closed for today"),
        (lambda connection: connection.sendall(b"hello\r\n"), "its answer is no SMTP"),
        (byte_by_byte, "no whole answer within 0.5 seconds"),
    ],
    ids=["busy", "no SMTP", "byte by byte"],
)
def test_a_mail_server_that_answers_anything_is_a_failure(
    answer: Answer, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadline, "DEADLINE_SECONDS", 0.5)
    with receiver(answer) as port:
        mail = Mail(host="127.0.0.1", port=port, encryption="none", sender="mesh@airport.example")
        with pytest.raises(NotDelivered) as failed:
            with_mail_server(mail, lambda server: server.noop())
    assert failed.value.reason == said


@pytest.mark.parametrize("address", ["a@b.example\nBcc: eve@evil.example", "", "a b", "<a@b.example>, c@d", "a\0@b"])
def test_a_recipient_that_is_not_one_address_is_refused(address: str) -> None:
    mail = Mail(host="127.0.0.1", encryption="none", sender="mesh@airport.example")
    with pytest.raises(RecipientRefused, match="is no address of a mail"):
        message_to(mail, address, "subject", "text")
