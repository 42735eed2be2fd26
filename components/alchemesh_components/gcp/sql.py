"""SQL statements of components for BigQuery. Names come from manifests, whose patterns exclude quotes."""

from __future__ import annotations

from alchemesh_platform.sdk.models import SemanticModel


def select(model: SemanticModel, table: str) -> str:
    """The properties of a model, by name, from its table.

    Args:
        table: ``project.dataset.table``.
    """
    columns = ", ".join(f"`{name}`" for name in model.properties)
    return f"SELECT {columns} FROM `{table}`"  # noqa: S608 - see above
