"""The types whose values the partitions of an Iceberg table keep exactly."""

from __future__ import annotations

from alchemesh_platform.manifest.models import LogicalType, Property


def why_no_partition(declared: Property) -> str | None:
    """The reason why rows cannot be grouped by a property; None if they can."""
    if declared.type is LogicalType.NUMBER and declared.precision is None:
        return "partitions would round a number without a precision to 32 bits"
    return None
