"""The owner of an object, which its tags name."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from alchemesh_platform.clouds.aws.services import Missing, Refused, answered, service
from alchemesh_platform.sdk.system.cloud_object import Changed, CloudObject, ObjectOwner

if TYPE_CHECKING:
    from alchemesh_platform.platform_file.models import Platform

MANAGED_BY, ALCHEMESH = "managed_by", "alchemesh"
OWNER_TAGS = ("domain", "product", "port")
EVENTS = 50  # of CloudTrail, per request


def owner_in(tags: Mapping[str, str]) -> ObjectOwner:
    """The owner that tags name: those of `components/alchemesh_components/aws/tags.py`."""
    if tags.get(MANAGED_BY) != ALCHEMESH or not all(tags.get(name) for name in (*OWNER_TAGS, "environment")):
        return ObjectOwner()
    return ObjectOwner("/".join(tags[name] for name in OWNER_TAGS), tags["environment"])


def tags_in(tags: Any) -> dict[str, str]:
    """Tags by key, from a list of a service."""
    return {str(each["Key"]): str(each["Value"]) for each in tags or ()}


@dataclass(frozen=True)
class Tagged(CloudObject):
    """An object whose service has tags.

    Args:
        service: Its service, as Amazon's client names it.
    """

    other_name = (
        "give the port or need another name, or set settings.aws.name_prefix of the environment in the platform file"
    )
    service: str

    @abstractmethod
    def tags(self, client: Any, identity: str) -> Mapping[str, str]:
        """The tags of an object. The client raises its own error when there is none."""

    @abstractmethod
    def remove(self, client: Any, identity: str) -> None:
        """Delete an object with its data."""

    def owner(self, platform: Platform, identity: str) -> ObjectOwner | None:
        try:
            client = service(platform, self.service)
            with answered(f"{self.kind} {identity}"):
                return owner_in(self.tags(client, identity))
        except Missing:
            return None
        except Refused:  # the name is taken, and the tags are private: it belongs to others
            return ObjectOwner(is_hidden=True)

    def delete(self, platform: Platform, identity: str) -> None:
        try:
            client = service(platform, self.service)
            with answered(f"{self.kind} {identity}"):
                self.remove(client, identity)
        except Missing:
            return

    def last_change(self, platform: Platform, identity: str, since: datetime) -> Changed:
        """The author and the time of the last change, from CloudTrail's event history of 90 days."""
        if platform.emulated:
            return Changed()
        trail = service(platform, "cloudtrail")
        with answered(f"the event history of {identity}"):
            found = trail.lookup_events(
                LookupAttributes=[{"AttributeKey": "ResourceName", "AttributeValue": identity}],
                StartTime=since,
                MaxResults=EVENTS,
            )
        for event in found.get("Events") or ():
            if event.get("ReadOnly") != "true":
                return Changed(event.get("Username"), event.get("EventTime"))
        return Changed()

    def claim(self, address: str, environment: str) -> str:
        owner = dict(zip(OWNER_TAGS, address.split("/"), strict=True))
        marks = {MANAGED_BY: ALCHEMESH, "environment": environment, **owner}
        return f"tag it with {', '.join(f'{name}={value}' for name, value in marks.items())}"
