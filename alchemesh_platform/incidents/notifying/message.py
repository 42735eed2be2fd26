"""A notification: the transitions of one product's incidents, as a CloudEvent and as a mail. No side effects."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from alchemesh_platform.base.printable import one_line
from alchemesh_platform.base.time_zone import moment_in_utc
from alchemesh_platform.incidents.incident import IncidentEvent

TYPE = "alchemesh.product.incidents.v1"
CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"


class Told(BaseModel):
    """A transition in a notification."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(description="Id of the transition.")
    event: IncidentEvent


class Notification(BaseModel):
    """The transitions of one product's incidents that one receiver is notified of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    environment: str
    product: str
    at: datetime
    recipients: tuple[str, ...] = ()
    consumers: dict[str, tuple[str, ...]] = Field(default={}, description="Port: consumers with a grant.")
    own: bool = Field(default=True, description="Whether the recipient belongs to the product, and not to a consumer.")
    transitions: tuple[Told, ...]

    @property
    def summary(self) -> str:
        """The transitions in one line: ``aviation/flights: 2 incidents opened, 1 closed``."""
        counts = Counter(each.event.transition for each in self.transitions)
        parts = [f"{number} {kind}" for kind, number in counts.items()]
        first, _, kind = parts[0].partition(" ")
        noun = "incident" if first == "1" else "incidents"
        return f"{self.product}: {', '.join([f'{first} {noun} {kind}', *parts[1:]])}"


def cloud_event(notification: Notification) -> dict[str, Any]:
    """The notification as a CloudEvent 1.0 in JSON.

    Source: https://github.com/cloudevents/spec (formats/json-format.md).
    """
    return {
        "specversion": "1.0",
        "id": notification.id,
        "source": f"/alchemesh/{notification.environment}",
        "type": TYPE,
        "subject": notification.product,
        "time": notification.at.isoformat(),
        "datacontenttype": "application/json",
        "data": {
            "environment": notification.environment,
            "product": notification.product,
            "summary": notification.summary,
            "recipients": list(notification.recipients),
            "consumers": {port: list(names) for port, names in notification.consumers.items()},
            "transitions": [_transition(each) for each in notification.transitions],
        },
    }


def _transition(each: Told) -> dict[str, Any]:
    event = each.event
    return {
        "id": each.id,
        "transition": event.transition,
        "at": event.at.isoformat(),
        "incident": event.incident.as_json(),
    }


def subject_of(notification: Notification) -> str:
    """The subject of a mail."""
    return f"[{notification.environment}] {notification.summary}"


def text_of(notification: Notification) -> str:
    """The text of a mail. Every text of other people is one line, so that none looks like a line of the platform.

    Consumers do not get the reason: it may quote values of a table that they cannot read.
    """
    lines = [] if notification.own else [f"You consume {one_line(notification.product)}.", ""]
    for each in notification.transitions:
        event, facts = each.event, each.event.incident.facts
        lines.append(f"{event.transition}  {one_line(f'{facts.name} of {facts.asset or facts.port}')}")
        lines.append(f"  at        {moment_in_utc(event.at)}")
        lines.append(f"  promised  {one_line(facts.promise)}")
        if facts.value:
            lines.append(f"  measured  {one_line(facts.value)}")
        if facts.reason and notification.own:
            lines.append(f"  reason    {one_line(facts.reason)}")
        lines.append(f"  incident  {event.incident.id}")
        lines.append("")
    shown = "incidents show ID" if notification.own else f"status {one_line(notification.product)}"
    return "\n".join([*lines, f"Next: alchemesh {shown} -e {one_line(notification.environment)}", ""])
