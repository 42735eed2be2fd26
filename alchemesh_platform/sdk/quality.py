"""Measure the rows of a storage: what a component's function in ``ComponentSpec.measure`` receives and returns.

A storage whose rows the product's code can read names ``"alchemesh_platform.sdk.quality:by_rows"``. A storage that
counts by itself, such as a database, subclasses :class:`Tables`.
"""

from alchemesh_platform.quality.dialect import Dialect
from alchemesh_platform.quality.rows import RowTables, by_rows
from alchemesh_platform.quality.statement import Counts, Grouped, Groups, Sum, counts_of, select_of
from alchemesh_platform.quality.tables import (
    Deadline,
    Limits,
    Measure,
    MeasuredPort,
    NotMeasurable,
    NotRun,
    Tables,
    TooSlow,
)

__all__ = [
    "Counts",
    "Deadline",
    "Dialect",
    "Grouped",
    "Groups",
    "Limits",
    "Measure",
    "MeasuredPort",
    "NotMeasurable",
    "NotRun",
    "RowTables",
    "Sum",
    "Tables",
    "TooSlow",
    "by_rows",
    "counts_of",
    "select_of",
]
