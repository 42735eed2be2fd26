"""Accuracy: rows that equal the row of a reference with the same key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from alchemesh_platform.base.sql import identifier
from alchemesh_platform.quality.rows import RowTables
from alchemesh_platform.quality.statement import Counted, Groups
from alchemesh_platform.quality.tables import NotMeasurable, Tables
from alchemesh_platform.quality.work import limited

if TYPE_CHECKING:
    from alchemesh_platform.data.rows import Rows
    from alchemesh_platform.manifest.models import Property

ACCURACY = "accuracy"
NOTHING_COMPARED = "no row has a key of the reference"


def accuracy(
    tables: Tables, model: str, properties: Mapping[str, Property], reference: Rows, seconds: float
) -> Counted:
    """The rows that equal the reference, of those whose key is in it. All other properties that both have are compared.

    Args:
        tables: The tables of the port.
        model: The model, which has a key.
        properties: Its properties.
        reference: The rows of the reference.
        seconds: The time limit.

    Raises:
        TooSlow: when the comparison does not end in time.
        NoRoom: when it needs more memory and disk than it may have.
        Exception: when the rows cannot be read or compared.
    """
    key = [name for name, declared in properties.items() if declared.key]
    known = set(reference.schema.names)
    if lacking := [name for name in key if name not in known]:
        return Counted(ACCURACY, unknown=f"the reference has no property {lacking[0]}, which is part of the key")
    compared = [name for name in properties if name not in key and name in known]
    if not compared:
        return Counted(ACCURACY, unknown="the reference has no property of the model besides its key")
    if not isinstance(tables, RowTables):
        try:
            opened = tables.by_rows(model)
        except NotMeasurable as reason:
            return Counted(ACCURACY, unknown=str(reason))
        with opened as rows:
            return accuracy(rows, model, properties, reference, seconds)
    with limited(tables.work, seconds):
        view, other = tables.view(model), tables.loaded(f"reference of {model}", reference)
        groups = Groups(tuple(key))
        repeated = tables.counted(other, (), (groups,)).groups[groups].repeated
        if repeated:
            return Counted(ACCURACY, unknown=f"{repeated:,} keys occur more than once in the reference")
        columns = {name: (f"here.{identifier(name)}", f"there.{identifier(name)}") for name in (*key, *compared)}
        same = " AND ".join(f"{here} = {there}" for here, there in (columns[name] for name in key))
        pairs = (columns[name] for name in compared)
        equal = " AND ".join(f"{here} IS NOT DISTINCT FROM {there}" for here, there in pairs)
        joined = f"{view} AS here JOIN {other} AS there ON {same}"
        query = f"SELECT count(*), count(*) FILTER (WHERE {equal}) FROM {joined}"  # noqa: S608 - quoted names
        ((total, good),) = tables.work.execute(query).fetchall()
    return Counted(ACCURACY, good, total) if total else Counted(ACCURACY, unknown=NOTHING_COMPARED)
