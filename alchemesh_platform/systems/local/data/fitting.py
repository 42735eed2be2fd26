"""Whether rows of a model fit the table that is there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from alchemesh_platform.data.backend import Target
from alchemesh_platform.data.errors import schema_moved
from alchemesh_platform.data.types import type_in_words
from alchemesh_platform.systems.local.tables.columns import delta_type
from alchemesh_platform.systems.local.tables.evolution import same_shape


def columns_besides(target: Target, fields: Iterable[dict[str, Any]], schema: pa.Schema) -> list[pa.Field]:
    """Compare a table with the model; returns the columns that only the table has.

    Args:
        target: The write.
        fields: The columns of the table, as fields of a Delta schema.
        schema: Its Arrow schema.

    Raises:
        SchemaMoved: when rows of the model do not fit the table.
    """
    there = {field["name"]: field for field in fields}
    for name, declared in target.properties.items():
        if name not in there:
            raise schema_moved(target.port, target.model, f"it has no column {name}")
        if not same_shape(there[name]["type"], delta_type(declared, name)):
            kind = type_in_words(schema.field(name).type)
            raise schema_moved(target.port, target.model, f"column {name} is {kind} there")
        if not there[name]["nullable"] and not declared.required:
            raise schema_moved(target.port, target.model, f"column {name} is required there")
    more = [name for name in there if name not in target.properties]
    for name in more:
        if not there[name]["nullable"]:
            raise schema_moved(target.port, target.model, f"it requires a column {name}, which the model has not")
    return [schema.field(name).remove_metadata() for name in more]
