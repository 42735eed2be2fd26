"""The outbox of notifications: each receiver gets each one at least once, in order, however often a process dies.

Transitions are events in the registry. ``plan`` groups them by product and writes one row for each receiver, in one
transaction. ``deliver`` claims a row, sends it, and marks it: a kill between sending and marking sends it again, with
the same id. A receiver that does not answer is tried again later and later, and delays no other one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from sqlalchemy import Connection, delete, insert, select, update

from alchemesh_platform.base.secrets import SecretRef
from alchemesh_platform.channels.mail import RecipientRefused, message_to, send, with_mail_server
from alchemesh_platform.channels.undelivered import NotDelivered
from alchemesh_platform.channels.webhook import post
from alchemesh_platform.incidents.incident import IncidentEvent
from alchemesh_platform.incidents.notifying.message import (
    CONTENT_TYPE,
    Notification,
    Told,
    cloud_event,
    subject_of,
    text_of,
)
from alchemesh_platform.incidents.notifying.receivers import Receivers, receivers_of
from alchemesh_platform.incidents.store import incidents_named
from alchemesh_platform.registry.tables import incident_deliveries, incident_events

if TYPE_CHECKING:
    from alchemesh_platform.platform_file.notify import Mail, Notify, Webhook
    from alchemesh_platform.registry.store import Registry

KIND = "incident"
MAIL = "mail"
NEWS_FOR = timedelta(days=1)  # older transitions are no news, as when a channel is configured later
FIRST_RETRY = timedelta(minutes=1)
LONGEST_RETRY = timedelta(hours=1)
GIVEN_UP_AFTER = timedelta(days=3)
KEPT = timedelta(days=30)  # how long ended rows stay
CLAIM = timedelta(minutes=2)  # longer than sending takes
UNREADABLE = "cannot be read"
NEWEST = "another version wrote it: use the newest, pip install --upgrade alchemesh-platform"
NOT_CONFIGURED = "the platform file no longer names it"
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel of the platform file that receives incidents.

    Args:
        key: Its name in the outbox. It stays the same when other channels come and go.
        name: Its name for people.
    """

    key: str
    name: str
    webhook: Webhook | None = None
    mail: Mail | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """The notifications that wait for one receiver.

    Args:
        channel: Name of the channel.
        recipient: Address of a person; empty for a webhook.
        number: Number of notifications.
        since: Time of the oldest one.
        attempts: How often the oldest one was tried.
        next_at: Time of the next attempt.
        failure: Reason of the last failure.
    """

    channel: str
    recipient: str
    number: int
    since: datetime
    attempts: int
    next_at: datetime
    failure: str

    def as_json(self) -> dict[str, Any]:
        """As one JSON object."""
        return {
            "channel": self.channel,
            "recipient": self.recipient,
            "number": self.number,
            "since": self.since.isoformat(),
            "attempts": self.attempts,
            "next_at": self.next_at.isoformat(),
            "failure": self.failure,
        }


@dataclass(frozen=True, slots=True)
class Sent:
    """The result of a delivery.

    Args:
        number: Number of delivered notifications.
        failures: The failure of each receiver that did not accept one.
    """

    number: int = 0
    failures: tuple[NotDelivered, ...] = ()


def channels_of(notify: Notify) -> list[Channel]:
    """The channels that receive incidents."""
    found = []
    for number, webhook in enumerate(notify.webhooks, 1):
        if not webhook.kinds or KIND in webhook.kinds:
            place = webhook.url.secret if isinstance(webhook.url, SecretRef) else webhook.url
            key = f"webhook:{hashlib.sha256(place.encode()).hexdigest()[:12]}"
            found.append(Channel(key, f"webhook {number}", webhook=webhook))
    if notify.mail is not None and (not notify.mail.kinds or KIND in notify.mail.kinds):
        found.append(Channel(MAIL, MAIL, mail=notify.mail))
    return found


def plan(registry: Registry, environment: str, channels: Sequence[Channel], now: datetime) -> None:
    """Write the notifications of all transitions that have none yet, except those of snoozed incidents."""
    if not _unplanned(registry, environment):
        return
    with registry.transaction(_turn(environment)) as joined, joined.writing() as connection:
        waiting_events = _unplanned(joined, environment)
        concerned = incidents_named(joined, environment, {row.incident for row in waiting_events})
        snoozed = {each.id: each.snoozed_until for each in concerned}
        by_product: dict[str, list[Told]] = {}
        done: list[int] = []
        for row in waiting_events:
            until = snoozed.get(row.incident)
            if until is not None and now < until:
                continue
            done.append(row.number)
            if now - max(row.recorded_at, until or row.recorded_at) <= NEWS_FOR:
                with suppress(ValidationError):  # of another version: it must not hold up the later ones
                    event = IncidentEvent.model_validate_json(row.document)
                    by_product.setdefault(row.product, []).append(Told(id=row.id, event=event))
        for product, told in by_product.items():
            ports = {each.event.incident.facts.port for each in told}
            receivers = receivers_of(joined, environment, product, ports, now)
            _enqueue(connection, _notifications(environment, product, told, receivers, channels, now), now)
        _mark(connection, done, now)


def deliver(registry: Registry, environment: str, notify: Notify, now: datetime) -> Sent:
    """Deliver the notifications that are due. Receivers are called at once, so that a dead one delays no other.

    Args:
        notify: The channels of the platform file.
        now: Time of the registry.
    """
    channels = channels_of(notify)
    if not channels:
        return Sent()
    plan(registry, environment, channels, now)
    keys = {each.key for each in channels}
    due = _due(registry, environment, now)
    if not due:
        return Sent()
    _end_unnamed(registry, environment, keys, now)
    called = [each for each in channels if each.key in due]
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        results = list(pool.map(lambda each: _deliver_all(registry, environment, each, now), called))
    return Sent(sum(each.number for each in results), tuple(failure for each in results for failure in each.failures))


def waiting(registry: Registry, environment: str, notify: Notify | None) -> list[Waiting]:
    """The notifications that were tried and wait for the next attempt, by receiver."""
    names = {each.key: each.name for each in channels_of(notify)} if notify is not None else {}
    found: dict[tuple[str, str], list[Any]] = {}
    for row in _pending(registry, environment):
        if row.attempts or (row.channel, row.recipient) in found:
            found.setdefault((row.channel, row.recipient), []).append(row)
    return [
        Waiting(
            names.get(channel, channel),
            recipient,
            len(rows),
            rows[0].created_at,
            rows[0].attempts,
            rows[0].next_at,
            rows[0].failure,
        )
        for (channel, recipient), rows in found.items()
    ]


def _notifications(
    environment: str,
    product: str,
    told: Sequence[Told],
    receivers: Receivers,
    channels: Iterable[Channel],
    now: datetime,
) -> Iterator[tuple[str, str, Notification]]:
    """Channel, recipient and notification of each row."""
    shared: dict[str, Any] = {"environment": environment, "product": product, "at": now}
    for channel in channels:
        if channel.webhook is not None:
            whole = Notification(
                id=_id(channel.key, "", told),
                transitions=tuple(told),
                recipients=tuple(receivers.people),
                consumers=receivers.consumers,
                **shared,
            )
            yield channel.key, "", whole
            continue
        for person in receivers.people:
            own = person in receivers.own
            seen = tuple(
                each
                for each in told
                if own or person in receivers.by_port.get(each.event.incident.facts.port, frozenset())
            )
            if seen:
                name = _id(channel.key, person, seen)
                mailed = Notification(id=name, transitions=seen, recipients=(person,), own=own, **shared)
                yield channel.key, person, mailed


def _id(channel: str, recipient: str, told: Sequence[Told]) -> str:
    named = "\n".join((channel, recipient, *(each.id for each in told)))
    return hashlib.sha256(named.encode()).hexdigest()[:32]


def _enqueue(connection: Connection, rows: Iterable[tuple[str, str, Notification]], now: datetime) -> None:
    for channel, recipient, notification in rows:
        connection.execute(
            insert(incident_deliveries).values(
                environment=notification.environment,
                id=notification.id,
                product=notification.product,
                channel=channel,
                recipient=recipient,
                created_at=now,
                attempts=0,
                next_at=now,
                failure="",
                document=notification.model_dump_json(),
            )
        )


def _unplanned(registry: Registry, environment: str) -> Sequence[Any]:
    table = incident_events.c
    query = select(incident_events).where(table.environment == environment, table.planned_at.is_(None))
    with registry.reading() as connection:
        return connection.execute(query.order_by(table.number)).all()


def _mark(connection: Connection, numbers: Sequence[int], now: datetime) -> None:
    for start in range(0, len(numbers), 500):
        some = numbers[start : start + 500]
        connection.execute(update(incident_events).where(incident_events.c.number.in_(some)).values(planned_at=now))
    connection.execute(delete(incident_events).where(incident_events.c.planned_at < now - KEPT))
    connection.execute(delete(incident_deliveries).where(incident_deliveries.c.ended_at < now - KEPT))


def _pending(registry: Registry, environment: str, channel: str | None = None) -> Sequence[Any]:
    """The rows that are not delivered yet, in order."""
    table = incident_deliveries.c
    query = select(incident_deliveries).where(table.environment == environment, table.ended_at.is_(None))
    if channel is not None:
        query = query.where(table.channel == channel)
    with registry.reading() as connection:
        return connection.execute(query.order_by(table.number)).all()


def _due(registry: Registry, environment: str, now: datetime) -> set[str]:
    """The channels for which a notification is due."""
    return {row.channel for row in _pending(registry, environment) if row.next_at <= now}


def _end_unnamed(registry: Registry, environment: str, keys: set[str], now: datetime) -> None:
    """End the rows of channels that the platform file no longer names."""
    table = incident_deliveries.c
    gone = (table.environment == environment, table.ended_at.is_(None), table.channel.not_in(keys))
    with registry.writing() as connection:
        connection.execute(update(incident_deliveries).where(*gone).values(ended_at=now, failure=NOT_CONFIGURED))


def _deliver_all(registry: Registry, environment: str, channel: Channel, now: datetime) -> Sent:
    """Deliver what is due for one channel, until it fails. A refused recipient does not stop the others."""
    number, failures = 0, []
    while (row := _claim(registry, environment, channel, now)) is not None:
        try:
            notification = Notification.model_validate_json(row.document)
        except ValidationError:  # of another version: it must not hold up the later ones
            _set(registry, row.number, ended_at=now, claimed_until=None, failure=UNREADABLE)
            failures.append(NotDelivered(f"a notification of {row.product} {UNREADABLE}", UNREADABLE, hint=NEWEST))
            continue
        try:
            _send(channel, notification, now)
        except NotDelivered as failure:
            failures.append(failure)
            _failed(registry, row, failure, now)
            if not isinstance(failure, RecipientRefused):
                _postpone(registry, environment, channel, row, now)
                break
        else:
            _set(registry, row.number, ended_at=now, claimed_until=None, attempts=row.attempts + 1, failure="")
            number += 1
    return Sent(number, tuple(failures))


def _claim(registry: Registry, environment: str, channel: Channel, now: datetime) -> Any:
    """Claim the first row of a receiver and product that is due. A later one waits for it, so that order is kept."""
    with registry.transaction(_turn(environment)) as joined:
        heads: set[tuple[str, str]] = set()
        for row in _pending(joined, environment, channel.key):
            head = (row.recipient, row.product)
            if head in heads:
                continue
            heads.add(head)
            if row.next_at <= now and (row.claimed_until is None or row.claimed_until <= now):
                _set(joined, row.number, claimed_until=now + CLAIM)
                return row
    return None


def _send(channel: Channel, notification: Notification, now: datetime) -> None:
    if channel.webhook is not None:
        body = json.dumps(cloud_event(notification), ensure_ascii=False).encode()
        post(channel.webhook, channel.name, notification.id, body, CONTENT_TYPE, now)
    elif (mail := channel.mail) is not None:
        (recipient,) = notification.recipients
        message = message_to(mail, recipient, subject_of(notification), text_of(notification))
        message["Message-ID"] = f"<{notification.id}@{_domain(mail.sender)}>"
        with_mail_server(mail, lambda server: send(server, mail, message))


def _domain(sender: str) -> str:
    from email.utils import parseaddr

    return parseaddr(sender)[1].rpartition("@")[2] or "alchemesh"


def _failed(registry: Registry, row: Any, failure: NotDelivered, now: datetime) -> None:
    attempts = row.attempts + 1
    given_up = now - row.created_at >= GIVEN_UP_AFTER
    _set(
        registry,
        row.number,
        attempts=attempts,
        next_at=now + retry_after(attempts),
        claimed_until=None,
        ended_at=now if given_up else None,
        failure=failure.reason,
    )


def _postpone(registry: Registry, environment: str, channel: Channel, failed: Any, now: datetime) -> None:
    """Call a channel that does not answer only once for all that waits for it."""
    next_at = now + retry_after(failed.attempts + 1)
    table = incident_deliveries.c
    others = (table.environment == environment, table.channel == channel.key, table.ended_at.is_(None))
    with registry.writing() as connection:
        connection.execute(update(incident_deliveries).where(*others, table.next_at < next_at).values(next_at=next_at))


def retry_after(attempts: int) -> timedelta:
    """The time until the next attempt: a minute, then twice as long each time, up to an hour."""
    doublings = min(attempts - 1, 10)
    return min(FIRST_RETRY * (1 << doublings), LONGEST_RETRY)


def _set(registry: Registry, number: int, **values: Any) -> None:
    with registry.writing() as connection:
        connection.execute(update(incident_deliveries).where(incident_deliveries.c.number == number).values(**values))


def _turn(environment: str) -> str:
    return f"notifications {environment}"
