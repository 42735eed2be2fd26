"""The resource types that the emulated provider covers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from alchemesh_platform.clouds.gcp.emulation.services import (
    artifactregistry,
    bigquery,
    billing,
    cloudrun,
    cloudscheduler,
    datacatalog,
    kms,
    monitoring,
    projects,
    pubsub,
    secretmanager,
    serviceaccount,
    sql,
    storage,
    storagetransfer,
)
from alchemesh_platform.clouds.gcp.emulation.types.resource_type import ResourceType

_BY_SERVICE: tuple[Iterable[ResourceType], ...] = (
    storage.TYPES,
    bigquery.TYPES,
    pubsub.TYPES,
    serviceaccount.TYPES,
    projects.TYPES,
    secretmanager.TYPES,
    cloudrun.TYPES,
    cloudscheduler.TYPES,
    storagetransfer.TYPES,
    artifactregistry.TYPES,
    kms.TYPES,
    monitoring.TYPES,
    sql.TYPES,
    billing.TYPES,
    datacatalog.TYPES,
)
TYPES: Mapping[str, ResourceType] = {type_.type: type_ for types in _BY_SERVICE for type_ in types}


def identity_of(pulumi_type: str, inputs: Mapping[str, Any]) -> str | None:
    """The service's id of a resource; None if the service generates it, or the type is unknown.

    Args:
        pulumi_type: ``gcp:storage/bucket:Bucket``.
        inputs: Its inputs, with project and region.
    """
    known = TYPES.get(pulumi_type)
    if known is None or known.repeatable:
        return None
    try:
        return known.identify({**known.defaults, **inputs})
    except KeyError:
        return None
