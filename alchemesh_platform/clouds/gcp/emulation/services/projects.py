"""Projects: their enabled services, and grants on a whole project. Both are stored.

Source: https://cloud.google.com/service-usage/docs/enable-disable
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from alchemesh_platform.clouds.gcp.emulation.services.iam import grant
from alchemesh_platform.clouds.gcp.emulation.types.limits import matching
from alchemesh_platform.clouds.gcp.emulation.types.resource_type import ResourceType, Values
from alchemesh_platform.clouds.gcp.emulation.world import PROJECT_NUMBER, World

SERVICE = "serviceusage.googleapis.com"
API = re.compile(r"[a-z][a-z0-9-]*\.googleapis\.com")


@dataclass(frozen=True, kw_only=True)
class EnabledService(ResourceType):
    """A service that a project has enabled."""

    def make(self, world: World, values: Values, *, recreating: bool) -> None:
        world.store.enable_api(str(values["project"]), str(values["service"]))

    def remove(self, world: World, values: Values) -> None:
        if values.get("disableOnDestroy") is True:
            world.store.disable_api(str(values["project"]), str(values["service"]))


def _agent(values: Values, world: World) -> str:
    """The email of a service's agent: https://cloud.google.com/iam/docs/service-agents"""
    service = str(values["service"]).removesuffix(".googleapis.com")
    if service == "storagetransfer":
        return f"project-{PROJECT_NUMBER}@storage-transfer-service.iam.gserviceaccount.com"
    return f"service-{PROJECT_NUMBER}@gcp-sa-{service}.iam.gserviceaccount.com"


TYPES = (
    EnabledService(
        type="gcp:projects/service:Service",
        id="{project}/{service}",
        service=SERVICE,
        replace_on=frozenset({"service", "project"}),
        limits=(matching("service", API, "a service such as bigquery.googleapis.com"),),
        repeatable=True,
    ),
    ResourceType(
        type="gcp:projects/serviceIdentity:ServiceIdentity",
        id="projects/{project}/services/{service}",
        service=SERVICE,
        only_replaced=True,
        limits=(matching("service", API, "a service such as pubsub.googleapis.com"),),
        outputs={"email": _agent, "member": lambda values, world: f"serviceAccount:{_agent(values, world)}"},
        repeatable=True,
    ),
    grant("gcp:projects/iAMMember:IAMMember", "{project}", "cloudresourcemanager.googleapis.com"),
)
