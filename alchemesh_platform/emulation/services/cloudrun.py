"""Cloud Run: services and jobs. Kept: no container runs.

Source: https://cloud.google.com/run/docs/reference/rest/v2/projects.locations.services
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping

from alchemesh_platform.emulation.limits import Limit, Name, labels, one_of
from alchemesh_platform.emulation.resource_type import Reference, ResourceType, Values, now, with_labels
from alchemesh_platform.emulation.services.iam import ACCOUNT, AccountReference, grant
from alchemesh_platform.emulation.world import PROJECT_NUMBER, World
from alchemesh_platform.provider.inputs import Refusal
from alchemesh_platform.provider.values import reveal

SERVICE = "run.googleapis.com"
RUN_SERVICE = "gcp:cloudrunv2/service:Service"
RUN_JOB = "gcp:cloudrunv2/job:Job"

# https://cloud.google.com/run/docs/reference/rest/v2/projects.locations.services/create: less than 50 characters
NAME_MAX = 49
NAME = Name(
    re.compile(rf"[a-z]([a-z0-9-]{{0,{NAME_MAX - 2}}}[a-z0-9])?"),
    f"1 to {NAME_MAX} lowercase letters, digits and dashes, a letter first",
    NAME_MAX,
    lower=True,
)
SERVICE_ID = "projects/{project}/locations/{location}/services/{it}"
JOB_ID = "projects/{project}/locations/{location}/jobs/{it}"
INGRESS = ("INGRESS_TRAFFIC_ALL", "INGRESS_TRAFFIC_INTERNAL_ONLY", "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER")
REPLACED = frozenset({"name", "location", "project"})


def _url(values: Values, world: World) -> str:
    """https://cloud.google.com/run/docs/triggering/https-request#deterministic"""
    return f"https://{values['name']}-{PROJECT_NUMBER}.{values['location']}.run.app"


def _uid(values: Values, world: World) -> str:
    return str(uuid.uuid4())


def _containers(*path: str) -> Limit:
    def check(inputs: Values) -> Iterator[Refusal]:
        found = reveal(inputs)
        for part in path:
            found = found.get(part) if isinstance(found, Mapping) else None
        if not found:
            yield Refusal(".".join(path), "expected a container at least")

    return check


_RUNNING = with_labels(createTime=now, updateTime=now, uid=_uid, generation=lambda values, world: "1")

TYPES = (
    ResourceType(
        type=RUN_SERVICE,
        id="projects/{project}/locations/{location}/services/{name}",
        service=SERVICE,
        name=NAME,
        replace_on=REPLACED,
        limits=(labels, one_of("ingress", *INGRESS), _containers("template", "containers")),
        references=(AccountReference(ACCOUNT, "template.serviceAccount"),),
        region="location",
        defaults={"deletionProtection": True, "ingress": INGRESS[0]},
        outputs={
            **_RUNNING,
            "uri": _url,
            "urls": lambda values, world: [_url(values, world)],
            "latestReadyRevision": "projects/{project}/locations/{location}/services/{name}/revisions/{name}-00001",
        },
    ),
    ResourceType(
        type=RUN_JOB,
        id="projects/{project}/locations/{location}/jobs/{name}",
        service=SERVICE,
        name=NAME,
        replace_on=REPLACED,
        limits=(labels, _containers("template", "template", "containers")),
        references=(AccountReference(ACCOUNT, "template.template.serviceAccount"),),
        region="location",
        defaults={"deletionProtection": True},
        outputs={**_RUNNING, "executionCount": lambda values, world: 0},
    ),
    grant(
        "gcp:cloudrunv2/serviceIamMember:ServiceIamMember",
        SERVICE_ID,
        SERVICE,
        Reference(RUN_SERVICE, "name", SERVICE_ID),
    ),
    grant("gcp:cloudrunv2/jobIamMember:JobIamMember", JOB_ID, SERVICE, Reference(RUN_JOB, "name", JOB_ID)),
)
