"""Cloud Run: services and jobs are stored. Only the platform's data API runs, see ``servers/cloud_run.py``.

As with the real service, the image and a version of each secret must exist. Values of secrets are not emulated: a
secret exists if this process has its environment variable, as `alchemesh run` reads it.

Source: https://cloud.google.com/run/docs/reference/rest/v2/projects.locations.services
"""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from alchemesh_platform.clouds.gcp.emulation.servers.cloud_run import HOST, RUN_SERVICE, SERVICES
from alchemesh_platform.clouds.gcp.emulation.servers.container import runs_here
from alchemesh_platform.clouds.gcp.emulation.services.iam import ACCOUNT, AccountReference, grant
from alchemesh_platform.clouds.gcp.emulation.services.secretmanager import (
    SECRET,
    SECRET_ID_FORMAT,
    SECRET_MEMBER,
    VERSION,
)
from alchemesh_platform.clouds.gcp.emulation.types.errors import NotReady
from alchemesh_platform.clouds.gcp.emulation.types.limits import Limit, Name, labels, one_of
from alchemesh_platform.clouds.gcp.emulation.types.resource_type import (
    Reference,
    ResourceType,
    Values,
    now,
    with_labels,
)
from alchemesh_platform.clouds.gcp.emulation.world import PROJECT_NUMBER, World
from alchemesh_platform.provider.inputs import Refusal
from alchemesh_platform.provider.values import reveal

SERVICE = "run.googleapis.com"
RUN_JOB = "gcp:cloudrunv2/job:Job"

# https://cloud.google.com/run/docs/reference/rest/v2/projects.locations.services/create: less than 50 characters
NAME_MAX = 49
NAME = Name(
    re.compile(rf"[a-z]([a-z0-9-]{{0,{NAME_MAX - 2}}}[a-z0-9])?"),
    f"1 to {NAME_MAX} lowercase letters, digits and dashes, a letter first",
    NAME_MAX,
    lower=True,
)
SERVICE_PATH = "projects/{project}/locations/{location}/services/{name}"
SERVICE_ID = "projects/{project}/locations/{location}/services/{it}"
JOB_ID = "projects/{project}/locations/{location}/jobs/{it}"
INGRESS = ("INGRESS_TRAFFIC_ALL", "INGRESS_TRAFFIC_INTERNAL_ONLY", "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER")
ACCESSOR = "roles/secretmanager.secretAccessor"
# https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto
NOT_FOUND, FAILED_PRECONDITION, INTERNAL = 5, 9, 13
REPLACED = frozenset({"name", "location", "project"})


def service_url(values: Values, world: World) -> str:
    """The address of a service; that of this machine, if its program is here.

    Source: https://cloud.google.com/run/docs/triggering/https-request#deterministic
    """
    if runs_here(values["template"]["containers"][0]):
        return f"http://{HOST}:{world.run().json('PUT', SERVICES, _asked(world, values))['port']}"
    return f"https://{values['name']}-{PROJECT_NUMBER}.{values['location']}.run.app"


def _asked(world: World, values: Values) -> dict[str, str]:
    identity = SERVICE_PATH.format_map(values)
    return {"store": str(world.store.path.parent.resolve()), "id": identity}


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


@dataclass(frozen=True, kw_only=True)
class Running(ResourceType):
    """A service or a job. After its creation, it resolves its image, its account and its secrets.

    Args:
        what: Name of the type in messages of the real provider.
        task: Path of the object with its containers and its account.
        no_image: Code of the error for a missing image, and the prefix of its message.
    """

    what: str
    task: tuple[str, ...]
    no_image: tuple[int, str]

    def settle(self, world: World, values: Values) -> None:
        task: Any = values
        for part in self.task:
            task = task[part]
        container = task["containers"][0]
        secrets = [
            (at, variable)
            for at, variable in enumerate(container.get("envs") or ())
            if (variable.get("valueSource") or {}).get("secretKeyRef")
        ]
        troubles = {
            variable["name"]: f"spec.template.spec.containers[0].env[{at}].value_from.secret_key_ref.name: {trouble}"
            for at, variable in secrets
            if (trouble := _trouble(variable, task.get("serviceAccount"), values["project"], world))
        }
        if troubles:
            names = " and ".join(f"{name}=…" for name in troubles)
            hint = f"values of secrets are not emulated: `export {names}` gives them here; then run again"
            raise NotReady(self.what, FAILED_PRECONDITION, "\n".join(troubles.values()), hint=hint)
        if world.store.image_absent(container["image"]):
            code, before = self.no_image
            raise NotReady(self.what, code, f"{before.format_map(values)}Image '{container['image']}' not found.")


@dataclass(frozen=True, kw_only=True)
class RunService(Running):
    """A service."""

    def computed_anew(self, values: Values, world: World) -> dict[str, Any]:
        found = super().computed_anew(values, world)
        if not runs_here(values["template"]["containers"][0]):
            return found
        # A service that was created before its program was on this machine has an address of Google Cloud.
        return {**found, "uri": service_url(values, world), "urls": [service_url(values, world)]}

    def remove(self, world: World, values: Values) -> None:
        if runs_here(values["template"]["containers"][0]):
            world.run().call("DELETE", SERVICES, _asked(world, values))


def _trouble(variable: Values, account: object, project: str, world: World) -> str | None:
    """The reason why a variable cannot be read from Secret Manager."""
    reference = variable["valueSource"]["secretKeyRef"]
    identity = SECRET_ID_FORMAT.format(project=project, it=str(reference["secret"]).rpartition("/")[2])
    version = f"{identity.replace(project, str(PROJECT_NUMBER), 1)}/versions/{reference['version']}"
    there = os.environ.get(variable["name"]) or any(
        kept.id.startswith(f"{identity}/versions/") for kept in world.store.all(VERSION)
    )
    if world.store.get(SECRET, identity) is None or not there:
        return f"Secret {version} was not found"
    if world.store.get(SECRET_MEMBER, f"{identity}/{ACCESSOR}/serviceAccount:{account}") is None:
        return f"Permission denied on secret: {version} for Revision service account {account}."
    return None


_RUNNING = with_labels(createTime=now, updateTime=now, uid=_uid, generation=lambda values, world: "1")

TYPES = (
    RunService(
        type=RUN_SERVICE,
        what="Service",
        task=("template",),
        no_image=(INTERNAL, "Revision '{name}-00001-emu' is not ready and cannot serve traffic. "),
        id=SERVICE_PATH,
        service=SERVICE,
        name=NAME,
        replace_on=REPLACED,
        limits=(labels, one_of("ingress", *INGRESS), _containers("template", "containers")),
        references=(AccountReference(ACCOUNT, "template.serviceAccount"),),
        region="location",
        defaults={"deletionProtection": True, "ingress": INGRESS[0]},
        outputs={
            **_RUNNING,
            "uri": service_url,
            "urls": lambda values, world: [service_url(values, world)],
            "latestReadyRevision": "projects/{project}/locations/{location}/services/{name}/revisions/{name}-00001",
        },
    ),
    Running(
        type=RUN_JOB,
        what="Job",
        task=("template", "template"),
        no_image=(NOT_FOUND, ""),
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
