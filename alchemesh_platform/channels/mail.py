"""Send messages through the mail server of the platform file."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from typing import TYPE_CHECKING

from alchemesh_platform.base.printable import one_line
from alchemesh_platform.base.secrets import SecretMissing, mask, resolve
from alchemesh_platform.channels.deadline import in_time
from alchemesh_platform.channels.undelivered import TIMEOUT_SECONDS, NotDelivered

if TYPE_CHECKING:
    from alchemesh_platform.platform_file.notify import Mail

SUBJECT_LENGTH = 150


class RecipientRefused(NotDelivered):
    """Raised when the mail server refuses one recipient. It may accept others."""


def with_mail_server(mail: Mail, use: Callable[[smtplib.SMTP], object]) -> None:
    """Connect to the mail server with its encryption, sign in, and use it. All of it has one deadline.

    Args:
        use: Uses the connection, as for :func:`send`.

    Raises:
        NotDelivered: when the server does not answer, or does not accept a message. The message has no secret.
        RecipientRefused: when ``use`` raises it.
    """
    password = ""

    def work() -> None:
        with _connected(mail) as server:
            if mail.user is not None and password:
                server.login(mail.user, password)
            use(server)

    try:
        password = resolve(mail.password) if mail.password is not None else ""
        in_time(work)
    except RecipientRefused as refused:
        reason = mask(refused.reason, [password] if password else [])
        raise RecipientRefused(_message(mail, reason), reason) from None
    except (OSError, smtplib.SMTPException, ValueError, SecretMissing) as error:
        reason = mask(_reason(error), [password] if password else [])
        raise NotDelivered(_message(mail, reason), reason) from None


def send(server: smtplib.SMTP, mail: Mail, message: EmailMessage) -> None:
    """Send a message to its one recipient.

    Raises:
        RecipientRefused: when the recipient's address cannot be written in a mail, or the server refuses it.
    """
    try:
        server.send_message(message)
    except smtplib.SMTPRecipientsRefused as error:
        code, text = next(iter(error.recipients.values()))
        reason = f"{code} {_text(text)}"
    except (smtplib.SMTPNotSupportedError, ValueError) as error:  # such as letters that the server does not know
        reason = str(error)
    else:
        return
    raise RecipientRefused(_message(mail, reason), reason)


def message_to(mail: Mail, recipient: str, subject: str, text: str) -> EmailMessage:
    """A message in plain text. Its subject is one line, whatever it is made of.

    Raises:
        RecipientRefused: when the recipient is not one address.
    """
    message = EmailMessage()
    message["From"], message["To"] = mail.sender, _one_address(mail, recipient)
    message["Subject"] = " ".join(one_line(subject).split())[:SUBJECT_LENGTH]
    message.set_content(text)
    return message


def _one_address(mail: Mail, recipient: str) -> Address:
    try:
        return Address(addr_spec=recipient)
    except (ValueError, IndexError, HeaderParseError):
        reason = f"{one_line(recipient)} is no address of a mail"
        raise RecipientRefused(_message(mail, reason), reason) from None


def _reason(error: Exception) -> str:
    """The reason in words: ``535 authentication failed``, ``Connection refused``."""
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_text(error.smtp_error)}" if error.smtp_code > 0 else "its answer is no SMTP"
    return str(error) or type(error).__name__


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
