"""Projects: the services that they have enabled, and grants on a whole project. Kept.

Source: https://cloud.google.com/service-usage/docs/enable-disable
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from alchemesh_platform.emulation.limits import matching
from alchemesh_platform.emulation.resource_type import ResourceType, Values
from alchemesh_platform.emulation.services.iam import grant
from alchemesh_platform.emulation.world import World

SERVICE = "serviceusage.googleapis.com"
API = re.compile(r"[a-z][a-z0-9-]*\.googleapis\.com")


@dataclass(frozen=True, kw_only=True)
class EnabledService(ResourceType):
    """A service that a project has enabled."""

    def make(self, world: World, values: Values, *, again: bool) -> None:
        world.store.enable_api(str(values["project"]), str(values["service"]))

    def remove(self, world: World, values: Values) -> None:
        if values.get("disableOnDestroy") is True:
            world.store.disable_api(str(values["project"]), str(values["service"]))


TYPES = (
    EnabledService(
        type="gcp:projects/service:Service",
        id="{project}/{service}",
        service=SERVICE,
        replace_on=frozenset({"service", "project"}),
        limits=(matching("service", API, "a service such as bigquery.googleapis.com"),),
        repeatable=True,
    ),
    grant("gcp:projects/iAMMember:IAMMember", "{project}", "cloudresourcemanager.googleapis.com"),
)
