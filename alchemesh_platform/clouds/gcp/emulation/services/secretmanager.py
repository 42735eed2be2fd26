"""Secret Manager: secrets and versions are stored, without their values.

Source: https://cloud.google.com/secret-manager/docs
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from alchemesh_platform.clouds.gcp.emulation.services.iam import grant
from alchemesh_platform.clouds.gcp.emulation.types.limits import Name, labels
from alchemesh_platform.clouds.gcp.emulation.types.resource_type import (
    Reference,
    ResourceType,
    Values,
    now,
    with_labels,
)
from alchemesh_platform.clouds.gcp.emulation.world import World
from alchemesh_platform.provider.inputs import Refusal

SERVICE = "secretmanager.googleapis.com"
SECRET = "gcp:secretmanager/secret:Secret"  # noqa: S105 - a type
SECRET_MEMBER = "gcp:secretmanager/secretIamMember:SecretIamMember"  # noqa: S105 - a type
VERSION = "gcp:secretmanager/secretVersion:SecretVersion"

# https://cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets/create
SECRET_ID_MAX = 255
SECRET_ID = re.compile(rf"[\w-]{{1,{SECRET_ID_MAX}}}")
SECRET_ID_FORMAT = "projects/{project}/secrets/{it}"  # noqa: S105 - a format


@dataclass(frozen=True, kw_only=True)
class SecretVersion(ResourceType):
    """A version of a secret. Versions count from 1, and no number is used twice."""

    def number(self, values: Values, world: World) -> int:
        versions = [kept.id for kept in world.store.all(VERSION) if kept.id.startswith(f"{values['secret']}/versions/")]
        return max((int(version.rpartition("/")[2]) for version in versions), default=0) + 1


def _one_content(inputs: Values) -> Iterator[Refusal]:
    given = [name for name in ("secretData", "secretDataWo") if inputs.get(name) is not None]
    if len(given) != 1:
        yield Refusal("secretData", "expected one of secretData and secretDataWo")


TYPES = (
    ResourceType(
        type=SECRET,
        id="projects/{project}/secrets/{secretId}",
        service=SERVICE,
        name=Name(
            SECRET_ID,
            f"1 to {SECRET_ID_MAX} letters, digits, - and _",
            SECRET_ID_MAX,
            property="secretId",
            automatic=False,
        ),
        replace_on=frozenset({"secretId", "project", "replication"}),
        limits=(labels,),
        outputs=with_labels(name="projects/{project}/secrets/{secretId}", createTime=now),
    ),
    SecretVersion(
        type=VERSION,
        id="{secret}/versions/{number}",
        service=SERVICE,
        numbered=True,
        replace_on=frozenset({"secret", "secretData", "secretDataWoVersion", "isSecretDataBase64"}),
        limits=(_one_content,),
        references=(Reference(SECRET, "secret"),),
        outputs={"name": "{secret}/versions/{number}", "version": "{number}", "createTime": now},
    ),
    grant(
        SECRET_MEMBER,
        SECRET_ID_FORMAT,
        SERVICE,
        Reference(SECRET, "secretId", SECRET_ID_FORMAT),
    ),
)
