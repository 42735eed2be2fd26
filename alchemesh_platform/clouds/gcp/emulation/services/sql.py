"""Cloud SQL: instances and their databases are stored, and no server runs.

Source: https://cloud.google.com/sql/docs/postgres/admin-api/rest/v1/instances
"""

from __future__ import annotations

import re

from alchemesh_platform.clouds.gcp.emulation.types.limits import Name, matching
from alchemesh_platform.clouds.gcp.emulation.types.resource_type import Reference, ResourceType

SERVICE = "sqladmin.googleapis.com"
INSTANCE = "gcp:sql/databaseInstance:DatabaseInstance"

# https://cloud.google.com/sql/docs/postgres/instance-settings#settings-2ndgen: with the project, 98 characters at most
INSTANCE_NAME_MAX = 84
INSTANCE_NAME = re.compile(rf"[a-z]([a-z0-9-]{{0,{INSTANCE_NAME_MAX - 2}}}[a-z0-9])?")
DATABASE_NAME_MAX = 63  # https://www.postgresql.org/docs/current/limits.html: bytes of an identifier
DATABASE_NAME = re.compile(rf"[\w-]{{1,{DATABASE_NAME_MAX}}}")
VERSION = re.compile(r"(POSTGRES|MYSQL|SQLSERVER)_\w+")

TYPES = (
    ResourceType(
        type=INSTANCE,
        id="{name}",
        service=SERVICE,
        name=Name(
            INSTANCE_NAME,
            f"1 to {INSTANCE_NAME_MAX} lowercase letters, digits and dashes, a letter first",
            INSTANCE_NAME_MAX,
            lower=True,
        ),
        replace_on=frozenset({"name", "region", "project", "masterInstanceName", "encryptionKeyName"}),
        limits=(matching("databaseVersion", VERSION, "a version such as POSTGRES_17"),),
        region="region",
        defaults={"deletionProtection": True},
        outputs={
            "connectionName": "{project}:{region}:{name}",
            "selfLink": "https://sqladmin.googleapis.com/sql/v1beta4/projects/{project}/instances/{name}",
        },
    ),
    ResourceType(
        type="gcp:sql/database:Database",
        id="projects/{project}/instances/{instance}/databases/{name}",
        service=SERVICE,
        name=Name(DATABASE_NAME, f"1 to {DATABASE_NAME_MAX} letters, digits, - and _", DATABASE_NAME_MAX),
        replace_on=frozenset({"name", "instance", "project"}),
        references=(Reference(INSTANCE, "instance"),),
        outputs={
            "selfLink": "https://sqladmin.googleapis.com/sql/v1beta4/projects/{project}/instances/{instance}"
            "/databases/{name}",
        },
    ),
)
