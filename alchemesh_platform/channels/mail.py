"""Send messages through the mail server of the platform file."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from typing import TYPE_CHECKING

from alchemesh_platform.base.printable import one_line
from alchemesh_platform.base.secrets import SecretMissing, mask, resolve
from alchemesh_platform.channels.undelivered import TIMEOUT_SECONDS, NotDelivered

if TYPE_CHECKING:
    from alchemesh_platform.platform_file.notify import Mail

SUBJECT_LENGTH = 150


class RecipientRefused(NotDelivered):
    """Raised when the mail server refuses one recipient. It may accept others."""


@contextmanager
def mail_server(mail: Mail) -> Iterator[smtplib.SMTP]:
    """A connection to the mail server, with its encryption, and signed in.

    Raises:
        NotDelivered: when the server does not answer, or does not accept a message. The message has no secret.
    """
    password = ""
    try:
        password = resolve(mail.password) if mail.password is not None else ""
        with _connected(mail) as server:
            if mail.user is not None and password:
                server.login(mail.user, password)
            yield server
    except smtplib.SMTPRecipientsRefused as error:
        code, text = next(iter(error.recipients.values()))
        reason = mask(f"{code} {_text(text)}", [password] if password else [])
        raise RecipientRefused(_message(mail, reason), reason) from None
    except (OSError, smtplib.SMTPException, ValueError, SecretMissing) as error:
        reason = mask(str(error) or type(error).__name__, [password] if password else [])
        raise NotDelivered(_message(mail, reason), reason) from None


def message_to(mail: Mail, recipient: str, subject: str, text: str) -> EmailMessage:
    """A message in plain text. Its subject is one line, whatever it is made of."""
    message = EmailMessage()
    message["From"], message["To"] = mail.sender, recipient
    message["Subject"] = " ".join(one_line(subject).split())[:SUBJECT_LENGTH]
    message.set_content(text)
    return message


def _connected(mail: Mail) -> smtplib.SMTP:
    if mail.encryption == "tls":
        return smtplib.SMTP_SSL(mail.host, mail.port, timeout=TIMEOUT_SECONDS, context=ssl.create_default_context())
    server = smtplib.SMTP(mail.host, mail.port, timeout=TIMEOUT_SECONDS)
    if mail.encryption == "starttls":
        server.starttls(context=ssl.create_default_context())
    return server


def _message(mail: Mail, reason: str) -> str:
    return f"the mail server {mail.host}:{mail.port} did not accept a notification: {reason}"


def _text(answer: bytes | str) -> str:
    return answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
