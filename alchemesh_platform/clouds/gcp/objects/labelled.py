"""The owner of an object, which its labels name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from alchemesh_platform.clouds.gcp.emulation.types.errors import Refused
from alchemesh_platform.clouds.gcp.objects.audit_log import LOGGING_URL, last_change
from alchemesh_platform.clouds.gcp.objects.services import emulated, service_at
from alchemesh_platform.sdk.system.cloud_object import Changed, CloudObject, ObjectOwner

if TYPE_CHECKING:
    from alchemesh_platform.platform_file.models import Platform

MANAGED_BY, ALCHEMESH = "managed_by", "alchemesh"
OWNER_LABELS = ("domain", "product", "port")
FORBIDDEN = 403


def owner_in(labels: Mapping[str, Any] | None) -> ObjectOwner:
    """The owner that labels name: those of `components/alchemesh_components/gcp/labels.py`."""
    found = {name: str(value) for name, value in (labels or {}).items()}
    if found.get(MANAGED_BY) != ALCHEMESH or not all(found.get(name) for name in (*OWNER_LABELS, "environment")):
        return ObjectOwner()
    return ObjectOwner("/".join(found[name] for name in OWNER_LABELS), found["environment"])


@dataclass(frozen=True)
class Labelled(CloudObject):
    """An object whose service has labels.

    Args:
        type: Pulumi type.
        host: Address of its service: ``https://pubsub.googleapis.com``.
        version: The version of its interface, which its path starts with.
    """

    other_name = (
        "give the port or need another name, or set settings.gcp.name_prefix of the environment in the platform file"
    )
    type: str
    host: str
    version: str

    def owner(self, platform: Platform, identity: str) -> ObjectOwner | None:
        try:
            found = self.found(platform, identity)
        except Refused as error:
            if error.status == FORBIDDEN:  # the name is taken, and the labels are private: it belongs to others
                return ObjectOwner(is_hidden=True)
            raise
        return owner_in(found.get("labels")) if found is not None else None

    def found(self, platform: Platform, identity: str) -> Mapping[str, Any] | None:
        """The object as its service describes it; None if it does not exist."""
        here = emulated(platform)
        if here is None:
            return service_at(self.host).found(self.path(identity))
        kept = here.store.get(self.type, identity)
        return kept.inputs if kept is not None else None

    def delete(self, platform: Platform, identity: str) -> None:
        here = emulated(platform)
        if here is None:
            service_at(self.host).removed(self.path(identity))
        else:
            here.store.remove(self.type, identity)

    def last_change(self, platform: Platform, identity: str, since: datetime) -> Changed:
        project = (platform.settings.get("gcp") or {}).get("project")
        if emulated(platform) is not None or not isinstance(project, str):
            return Changed()
        return last_change(service_at(LOGGING_URL), project, self.logged_as(identity), since)

    def logged_as(self, identity: str) -> str:
        """The end of an object's name in the audit log. Some services log the number of the project, some its name."""
        return "/".join(identity.split("/")[2:])

    def claim(self, address: str, environment: str) -> str:
        labels = dict(zip(OWNER_LABELS, address.split("/"), strict=True))
        marks = {MANAGED_BY: ALCHEMESH, "environment": environment, **labels}
        return f"label it with {', '.join(f'{name}={value}' for name, value in marks.items())}"

    def path(self, identity: str) -> str:
        """The path of an object at its service."""
        return f"/{self.version}/{quote(identity)}"


class Subscription(Labelled):
    """A subscription."""

    kind = "subscription"


class Secret(Labelled):
    """A secret."""

    kind = "secret"


class Job(Labelled):
    """A job of Cloud Run."""

    kind = "job"


class Service(Labelled):
    """A service of Cloud Run."""

    kind = "service"


SUBSCRIPTION = Subscription("gcp:pubsub/subscription:Subscription", "https://pubsub.googleapis.com", "v1")
SECRET = Secret("gcp:secretmanager/secret:Secret", "https://secretmanager.googleapis.com", "v1")
JOB = Job("gcp:cloudrunv2/job:Job", "https://run.googleapis.com", "v2")
SERVICE = Service("gcp:cloudrunv2/service:Service", "https://run.googleapis.com", "v2")
