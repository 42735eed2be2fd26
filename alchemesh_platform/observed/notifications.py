"""Sends the items of all inboxes to the webhooks and the mail server of the platform file, each once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from functools import partial
from smtplib import SMTP
from typing import TYPE_CHECKING

from sqlalchemy import select

from alchemesh_platform.channels.mail import RecipientRefused, message_to, send, with_mail_server
from alchemesh_platform.channels.undelivered import NotDelivered
from alchemesh_platform.channels.webhook import SENDER, post
from alchemesh_platform.observed.inbox import RECENT, SOON, Item, all_items
from alchemesh_platform.registry.audit import Act, record_act
from alchemesh_platform.registry.tables import acts

if TYPE_CHECKING:
    from alchemesh_platform.platform_file.notify import Mail, Notify, Webhook
    from alchemesh_platform.registry.store import Registry

NOTIFY = "notify"  # the operation of the acts that record a delivery
_REMEMBERED = 2 * (RECENT + SOON)  # an item is in an inbox for a shorter time


@dataclass(frozen=True, slots=True)
class Channel:
    """One place that items are sent to.

    Args:
        name: Its name in the audit log; it contains no secret.
        kinds: The kinds of items to send; all if empty.
        send: Sends one item. Returns the recipients that refused it, if others accepted it.
    """

    name: str
    kinds: tuple[str, ...]
    send: Callable[[Item], Sequence[RecipientRefused]]


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
    sent, failures = 0, list[NotDelivered]()
    done = _delivered(registry, environment, now - _REMEMBERED)
    items = all_items(registry, environment, now)
    for channel in _channels(environment, notify, now):
        for item in items:
            if (item.id, channel.name) in done or (channel.kinds and item.kind not in channel.kinds):
                continue
            try:
                failures += channel.send(item)
            except RecipientRefused as failure:  # nobody has the item: the next delivery repeats it
                failures.append(failure)
                continue
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


def _channels(environment: str, notify: Notify, now: datetime) -> Iterator[Channel]:
    for number, webhook in enumerate(notify.webhooks, 1):
        name = f"webhook {number}"
        yield Channel(name, webhook.kinds, partial(_post, webhook, name, environment, now))
    if notify.mail is not None:
        yield Channel("mail", notify.mail.kinds, partial(_mail, notify.mail, environment))


def _post(webhook: Webhook, name: str, environment: str, now: datetime, item: Item) -> Sequence[RecipientRefused]:
    body = {"environment": environment, "recipients": list(item.recipients), **item.as_json(), "id": item.id}
    post(webhook, name, item.id, json.dumps(body).encode(), "application/json", now)
    return ()


def _mail(mail: Mail, environment: str, item: Item) -> Sequence[RecipientRefused]:
    """Send an item to each recipient. Those who accepted it get it once, whoever refuses it."""
    refused: list[RecipientRefused] = []

    def send_all(server: SMTP) -> None:
        for recipient in item.recipients:
            try:
                send(server, mail, _message(mail, environment, item, recipient))
            except RecipientRefused as failure:
                refused.append(failure)

    if item.recipients:
        with_mail_server(mail, send_all)
    if refused and len(refused) == len(item.recipients):
        raise refused[0]
    return refused


def _message(mail: Mail, environment: str, item: Item, recipient: str) -> EmailMessage:
    following = f"\n\nnext: {item.remedy!s}" if item.remedy is not None else ""
    text = f"{item.sentence}{following}\n\nAll items: alchemesh inbox -e {environment}\n"
    return message_to(mail, recipient, f"[{environment}] {item.kind}: {item.sentence}", text)
