"""Ports to measure: rows in memory or in files, and the two questions that the platform asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from alchemesh_platform.data.rows import Rows
from alchemesh_platform.manifest.models import Property, QualityRule
from alchemesh_platform.quality.measuring import measured
from alchemesh_platform.quality.rows import by_rows
from alchemesh_platform.quality.rules import Verdict, verify
from alchemesh_platform.quality.statement import Counted
from alchemesh_platform.quality.tables import Deadline, Limits, MeasuredPort


def port_of(rows: Mapping[str, Rows], models: Mapping[str, Mapping[str, Property]], **more: Limits) -> MeasuredPort:
    """A port with these rows by model."""
    return MeasuredPort(
        product="retail/orders", name="shop", connection=None, models=models, read=rows.__getitem__, **more
    )


def measure_rows(rows: Rows, model: Mapping[str, Property], seconds: float = 60) -> tuple[Counted, ...]:
    """The quality of one model."""
    with by_rows(port_of({"sale": rows}, {"sale": model})) as tables:
        return measured(tables, "sale", model, seconds)


def verify_rows(
    rows: Mapping[str, Rows],
    models: Mapping[str, Mapping[str, Property]],
    rules: Sequence[QualityRule],
    patience: timedelta = timedelta(minutes=1),
) -> list[Verdict]:
    """The verdicts of a port."""
    with by_rows(port_of(rows, models)) as tables:
        return verify(tables, models, rules, Deadline(patience))
