"""Sends the items of all inboxes to the webhooks and the mail server of the platform file, each once."""

from __future__ import annotations

import json
import smtplib
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import select

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.secrets import SecretRef, mask, resolve
from alchemesh_platform.observed.inbox import RECENT, SOON, Item, all_items
from alchemesh_platform.registry.audit import Act, record_act
from alchemesh_platform.registry.tables import acts

if TYPE_CHECKING:
    from alchemesh_platform.platform_file.notify import Mail, Notify, Webhook
    from alchemesh_platform.registry.store import Registry

NOTIFY = "notify"  # the operation of the acts that record a delivery
SENDER = "alchemesh"
TIMEOUT_SECONDS = 10.0
_REMEMBERED = 2 * (RECENT + SOON)  # an item is in an inbox for a shorter time
_SUBJECT_LENGTH = 150


class NotDelivered(Failure):
    """Raised when a webhook or a mail server does not accept an item. The next delivery sends it again."""


@dataclass(frozen=True, slots=True)
class Channel:
    """One place that items are sent to.

    Args:
        name: Its name in the audit log; it contains no secret.
        kinds: The kinds of items to send; all if empty.
        send: Sends one item.
    """

    name: str
    kinds: tuple[str, ...]
    send: Callable[[Item], None]


@dataclass(frozen=True, slots=True)
class Delivered:
    """The result of a delivery.

    Args:
        sent: Number of sent items, over all channels.
        failures: The reason of each channel that failed. Its other items are sent by the next delivery.
    """

    sent: int = 0
    failures: tuple[NotDelivered, ...] = ()


def deliver(registry: Registry, environment: str, notify: Notify, now: datetime) -> Delivered:
    """Send every item that was not sent before. The audit log records each delivery.

    Args:
        registry: Registry of the environment.
        environment: Name of the environment.
        notify: The channels.
        now: The time, with its time zone.
    """
    sent, failures = 0, []
    done = _delivered(registry, environment, now - _REMEMBERED)
    items = all_items(registry, environment, now)
    for channel in _channels(environment, notify):
        for item in items:
            if (item.id, channel.name) in done or (channel.kinds and item.kind not in channel.kinds):
                continue
            try:
                channel.send(item)
            except NotDelivered as failure:
                failures.append(failure)
                break  # the channel is down: the next delivery continues here
            sent += 1
            record_act(registry, _act(environment, item, channel, now))
    return Delivered(sent, tuple(failures))


def _delivered(registry: Registry, environment: str, since: datetime) -> set[tuple[str, str]]:
    query = select(acts.c.document).where(
        acts.c.environment == environment, acts.c.operation == NOTIFY, acts.c.at >= since
    )
    with registry.reading() as connection:
        recorded = [Act.model_validate_json(document) for (document,) in connection.execute(query)]
    return {(act.address, str(act.detail.get("channel"))) for act in recorded}


def _act(environment: str, item: Item, channel: Channel, now: datetime) -> Act:
    return Act(
        environment=environment,
        product=item.port.rpartition("/")[0],
        operation=NOTIFY,
        address=item.id,
        actor=SENDER,
        issuer=SENDER,
        detail={"channel": channel.name, "recipients": list(item.recipients)},
        at=now,
    )


def _channels(environment: str, notify: Notify) -> Iterator[Channel]:
    for number, webhook in enumerate(notify.webhooks, 1):
        name = f"webhook {number}"
        yield Channel(name, webhook.kinds, partial(_post, webhook, name, environment))
    if notify.mail is not None:
        yield Channel("mail", notify.mail.kinds, partial(_mail, notify.mail, environment))


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Refuses redirects: they could lead to another host, also inside the network of the platform."""

    def redirect_request(self, *_arguments: object) -> None:
        return None


def _post(webhook: Webhook, name: str, environment: str, item: Item) -> None:
    url = resolve(webhook.url) if isinstance(webhook.url, SecretRef) else webhook.url
    body = {"environment": environment, "recipients": list(item.recipients), **item.as_json(), "id": item.id}
    request = urllib.request.Request(  # noqa: S310 - the platform file allows https, and http on this machine
        url, json.dumps(body).encode(), {"Content-Type": "application/json", "User-Agent": SENDER}, method="POST"
    )
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=TIMEOUT_SECONDS):
            pass
    except (OSError, ValueError) as error:
        reason = f"status {error.code}" if isinstance(error, urllib.error.HTTPError) else mask(str(error), [url])
        raise NotDelivered(
            f"{name} did not accept a notification: {reason}", hint="the next delivery repeats it"
        ) from None


def _mail(mail: Mail, environment: str, item: Item) -> None:
    if not item.recipients:
        return
    password = resolve(mail.password) if mail.password is not None else None
    try:
        with _connected(mail) as server:
            if mail.user is not None and password is not None:
                server.login(mail.user, password)
            for recipient in item.recipients:
                server.send_message(_message(mail, environment, item, recipient))
    except (OSError, smtplib.SMTPException, ValueError) as error:
        reason = mask(str(error) or type(error).__name__, [password] if password else [])
        raise NotDelivered(
            f"the mail server {mail.host}:{mail.port} did not accept a notification: {reason}",
            hint="the next delivery repeats it",
        ) from None


def _connected(mail: Mail) -> smtplib.SMTP:
    if mail.encryption == "tls":
        return smtplib.SMTP_SSL(mail.host, mail.port, timeout=TIMEOUT_SECONDS, context=ssl.create_default_context())
    server = smtplib.SMTP(mail.host, mail.port, timeout=TIMEOUT_SECONDS)
    if mail.encryption == "starttls":
        server.starttls(context=ssl.create_default_context())
    return server


def _message(mail: Mail, environment: str, item: Item, recipient: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"] = mail.sender, recipient
    message["Subject"] = " ".join(f"[{environment}] {item.kind}: {item.sentence}".split())[:_SUBJECT_LENGTH]
    following = f"\n\nnext: {item.remedy!s}" if item.remedy is not None else ""
    message.set_content(f"{item.sentence}{following}\n\nAll items: alchemesh inbox -e {environment}\n")
    return message
