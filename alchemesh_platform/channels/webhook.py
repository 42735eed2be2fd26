"""Send a body to a webhook of the platform file, signed if the webhook has a key.

Source: https://www.standardwebhooks.com (the headers, and the signed text).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import http.client
import urllib.error
import urllib.request
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from alchemesh_platform.base.secrets import SecretMissing, SecretRef, mask, resolve
from alchemesh_platform.base.web_address import is_protected
from alchemesh_platform.channels.deadline import in_time
from alchemesh_platform.channels.undelivered import TIMEOUT_SECONDS, NotDelivered

if TYPE_CHECKING:
    from alchemesh_platform.platform_file.notify import Webhook

SENDER = "alchemesh"
KEY_PREFIX = "whsec_"  # what follows is base64


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Refuses redirects: they could lead to another host, also inside the network of the platform."""

    def redirect_request(self, *_arguments: object) -> None:
        return None


def post(webhook: Webhook, name: str, id: str, body: bytes, content_type: str, now: datetime) -> None:  # noqa: A002
    """Send a body to a webhook.

    Args:
        webhook: The webhook.
        name: Its name in messages; it contains no secret.
        id: Id of the notification. Receivers use it to ignore repetitions.
        body: The body.
        content_type: Media type of the body.
        now: The time, which the signature covers.

    Raises:
        NotDelivered: when the webhook does not accept it. The message has no part of a secret.
    """
    secrets: list[str] = []
    try:
        url = resolve(webhook.url) if isinstance(webhook.url, SecretRef) else webhook.url
        secrets.append(url)
        headers = {"Content-Type": content_type, "User-Agent": SENDER}
        if webhook.signature is not None:
            key = resolve(webhook.signature)
            secrets.append(key)
            headers |= signature(key, id, now, body)
        call(url, body, headers)
    except (OSError, ValueError, SecretMissing) as error:
        reason = mask(reason_of(error), secrets)
        raise NotDelivered(f"{name} did not accept a notification: {reason}", reason) from None


def call(url: str, body: bytes, headers: Mapping[str, str], seconds: float = TIMEOUT_SECONDS) -> None:
    """Send a POST request, and wait for the head of its answer.

    Args:
        url: An address with https, or of this machine.
        seconds: The longest pause of the receiver. The whole call has a deadline too.

    Raises:
        OSError: when the receiver does not answer, or does not accept it.
        ValueError: when the address cannot be called, or the answer is no HTTP. Its text has no part of the address.
    """
    if not is_protected(url):
        raise ValueError("its address does not begin with https://")

    def send() -> None:
        request = urllib.request.Request(url, body, dict(headers), method="POST")  # noqa: S310 - checked above
        with no_redirects().open(request, timeout=seconds):
            pass

    try:
        in_time(send)
    except (http.client.InvalidURL, UnicodeError):
        raise ValueError("its address or a header has characters that HTTP does not allow") from None
    except http.client.HTTPException as error:
        if isinstance(error, OSError):  # a closed connection has words of its own
            raise
        raise ValueError(f"its answer is no HTTP ({type(error).__name__})") from None


def reason_of(error: Exception) -> str:
    """The reason of a failed request in words: ``status 503``, ``Connection refused``."""
    if isinstance(error, urllib.error.HTTPError):
        return f"status {error.code}"
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    text = cause.strerror if isinstance(cause, OSError) and cause.strerror else str(cause)
    return text or type(cause).__name__


def no_redirects() -> urllib.request.OpenerDirector:
    """An opener that follows no redirect."""
    return urllib.request.build_opener(_NoRedirect)


def signature(key: str, id: str, now: datetime, body: bytes) -> dict[str, str]:  # noqa: A002 - the header's name
    """The headers that prove to a receiver that a body comes from this platform, and when it was sent.

    Args:
        key: The shared key: a text, or ``whsec_`` and base64.
    """
    sent_at = str(int(now.timestamp()))
    digest = hmac.new(_key(key), f"{id}.{sent_at}.".encode() + body, hashlib.sha256).digest()
    signed = f"v1,{base64.b64encode(digest).decode()}"
    return {"webhook-id": id, "webhook-timestamp": sent_at, "webhook-signature": signed}


def _key(text: str) -> bytes:
    if not text.startswith(KEY_PREFIX):
        return text.encode()
    try:
        return base64.b64decode(text.removeprefix(KEY_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"the key of the signature begins with {KEY_PREFIX}, but no base64 follows") from None
