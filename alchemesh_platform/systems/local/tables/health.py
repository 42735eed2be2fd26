"""The health of tables, whatever their format."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from alchemesh_platform.sdk.observation import Observation, TableObservation

Place = TypeVar("Place")


def health_of(
    places: Mapping[str, Place],
    observe: Callable[[Place], TableObservation | None],
    missing: Callable[[Place], Sequence[str]],
) -> Observation:
    """Whether all tables and their files exist, with what each table holds.

    Args:
        places: The place of each table by its name.
        observe: Reads the metadata of a table; None if there is no table.
        missing: The files of a table that do not exist.
    """
    tables = {name: observe(place) for name, place in places.items()}
    gone = [name for name, table in tables.items() if table is None]
    if gone:
        return Observation("unhealthy", f"no table for {', '.join(gone)}")
    lost = {name: files for name, place in places.items() if (files := missing(place))}
    if lost:
        words = ", ".join(f"{len(files)} of table {name}, such as {files[0]}" for name, files in lost.items())
        return Observation("unhealthy", f"missing files: {words}")
    return Observation("healthy", "", {name: table for name, table in tables.items() if table is not None})
