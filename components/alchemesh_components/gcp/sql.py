"""SQL statements of components for BigQuery. Names come from manifests, whose patterns exclude quotes."""

from __future__ import annotations

from alchemesh_platform.sdk.models import LogicalType, Property, SemanticModel

NESTED = (LogicalType.OBJECT, LogicalType.ARRAY)


def select(model: SemanticModel, table: str, *, flat: bool = False) -> str:
    """The properties of a model, by name, from its table.

    Args:
        table: ``project.dataset.table``.
        flat: Whether to return objects and arrays as JSON texts.
    """
    columns = ", ".join(_column(name, declared, flat=flat) for name, declared in model.properties.items())
    return f"SELECT {columns} FROM `{table}`"  # noqa: S608 - see above


def export(model: SemanticModel, table: str, folder: str) -> str:
    """Write a model's rows into a folder of a bucket, as Parquet. It overwrites existing files.

    Source: https://cloud.google.com/bigquery/docs/reference/standard-sql/export-statements
    """
    options = f"uri='{folder}/*.parquet', format='PARQUET', overwrite=true"
    return f"EXPORT DATA OPTIONS({options}) AS {select(model, table, flat=True)};"


def _column(name: str, declared: Property, *, flat: bool) -> str:
    return f"TO_JSON_STRING(`{name}`) AS `{name}`" if flat and declared.type in NESTED else f"`{name}`"
