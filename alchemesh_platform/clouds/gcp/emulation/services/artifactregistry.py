"""Artifact Registry: repositories are stored, images are not.

Source: https://cloud.google.com/artifact-registry/docs/reference/rest/v1/projects.locations.repositories
"""

from __future__ import annotations

import re

from alchemesh_platform.clouds.gcp.emulation.services.iam import grant
from alchemesh_platform.clouds.gcp.emulation.types.limits import Name, labels, one_of
from alchemesh_platform.clouds.gcp.emulation.types.resource_type import Reference, ResourceType, now, with_labels

SERVICE = "artifactregistry.googleapis.com"
REPOSITORY = "gcp:artifactregistry/repository:Repository"
REPOSITORY_ID_MAX = 63
REPOSITORY_ID = re.compile(rf"[a-z]([a-z0-9-]{{0,{REPOSITORY_ID_MAX - 2}}}[a-z0-9])?")
ON_REPOSITORY = "projects/{project}/locations/{location}/repositories/{it}"
FORMATS = ("DOCKER", "MAVEN", "NPM", "PYTHON", "APT", "YUM", "GO", "KFP", "GENERIC")

TYPES = (
    ResourceType(
        type=REPOSITORY,
        id="projects/{project}/locations/{location}/repositories/{repositoryId}",
        service=SERVICE,
        name=Name(
            REPOSITORY_ID,
            f"1 to {REPOSITORY_ID_MAX} lowercase letters, digits and dashes, a letter first",
            REPOSITORY_ID_MAX,
            property="repositoryId",
            automatic=False,
        ),
        replace_on=frozenset({"repositoryId", "format", "location", "project", "kmsKeyName", "mode"}),
        limits=(labels, one_of("format", *FORMATS)),
        region="location",
        outputs=with_labels(
            name="{repositoryId}",
            createTime=now,
            updateTime=now,
            registryUri=lambda values, world: (
                f"{values['location']}-{str(values['format']).lower()}.pkg.dev/{values['project']}/{values['repositoryId']}"
            ),
        ),
    ),
    grant(
        "gcp:artifactregistry/repositoryIamMember:RepositoryIamMember",
        ON_REPOSITORY,
        SERVICE,
        Reference(REPOSITORY, "repository", ON_REPOSITORY),
    ),
)
