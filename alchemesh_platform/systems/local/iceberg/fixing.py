"""Fixes of the library: values that it changes on the way through."""

from __future__ import annotations

from functools import cache
from typing import Any


@cache
def fix() -> None:
    """Keep arrays of objects that are null: version 0.12 writes and reads them as empty arrays.

    Its projection makes these arrays again from their items, without the nulls: apache/iceberg-python#3833.
    """
    import pyarrow.compute as pc
    from pyiceberg.io import pyarrow as library

    class Projection(library.ArrowProjectionVisitor):  # type: ignore[misc, unused-ignore] # Any without the library
        def list(self, list_type: Any, list_array: Any, value_array: Any) -> Any:
            found = super().list(list_type, list_array, value_array)
            if found is None or found.null_count == list_array.null_count:
                return found
            return pc.if_else(list_array.is_valid(), found, None)

    library.ArrowProjectionVisitor = Projection
