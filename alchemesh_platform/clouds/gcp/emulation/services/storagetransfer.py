"""Storage Transfer: jobs are stored, and nothing is transferred.

Source: https://cloud.google.com/storage-transfer/docs/reference/rest/v1/transferJobs
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from alchemesh_platform.clouds.gcp.emulation.services.storage import BUCKET
from alchemesh_platform.clouds.gcp.emulation.store import Kept
from alchemesh_platform.clouds.gcp.emulation.types.errors import exists
from alchemesh_platform.clouds.gcp.emulation.types.limits import matching, one_of
from alchemesh_platform.clouds.gcp.emulation.types.resource_type import Reference, ResourceType, Values, now
from alchemesh_platform.clouds.gcp.emulation.world import World

TRANSFER_JOB = "gcp:storage/transferJob:TransferJob"
DELETED = f"{TRANSFER_JOB} that is deleted"  # the name stays in use for another 30 days
NAME_MAX = 128
NAME = re.compile(rf"(?=.{{1,{NAME_MAX}}}$)transferJobs/(?!OPI)[\w.~-]*[A-Za-z0-9]")


@dataclass(frozen=True, kw_only=True)
class TransferJob(ResourceType):
    """A transfer job. The service generates its name if the program gives none."""

    def identify(self, values: Values) -> str:
        return f"{values['project']}/{_name(values).removeprefix('transferJobs/')}"

    def make(self, world: World, values: Values, *, recreating: bool) -> None:
        identity = self.identify(values)
        if world.store.get(DELETED, identity) is not None:
            raise exists(f"transfer job {identity}, which is deleted")

    def remove(self, world: World, values: Values) -> None:
        if values.get("name"):
            world.store.put(Kept(DELETED, self.identify(values), "", {}, {}))


def _name(values: Values, world: World | None = None) -> str:
    return str(values.get("name") or f"transferJobs/{values['number']}")


TYPES = (
    TransferJob(
        type=TRANSFER_JOB,
        id="{project}/{name}",
        service="storagetransfer.googleapis.com",
        numbered=True,
        replace_on=frozenset({"name", "project"}),
        limits=(
            matching("name", NAME, f"transferJobs/ and letters, digits and -._~, {NAME_MAX} at most"),
            one_of("status", "ENABLED", "DISABLED", "DELETED"),
        ),
        references=(Reference(BUCKET, "transferSpec.gcsDataSink.bucketName"),),
        defaults={"status": "ENABLED"},
        outputs={"name": _name, "creationTime": now, "lastModificationTime": now},
    ),
)
