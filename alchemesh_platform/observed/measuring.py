"""Opens the storage of an output port for measuring, by the function that its component names."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, cast

from alchemesh_platform.base.packages.conduct import contained
from alchemesh_platform.base.packages.reference import load_reference
from alchemesh_platform.quality.tables import Limits, Measure, MeasuredPort, NotMeasurable, Tables

if TYPE_CHECKING:
    from alchemesh_platform.manifest.models import Property
    from alchemesh_platform.observed.observing import Specs
    from alchemesh_platform.sdk.connections.ports import OutputPort


def unmeasured_reason(component: str, specs: Specs) -> str:
    """The reason why no rows of a component can be counted; empty if they can."""
    spec = specs.get(component)
    if spec is None:
        return f"component {component} is not installed here"
    return "" if spec.measure else f"component {component} has no measurement of its rows"


def open_tables(
    component: str,
    specs: Specs,
    product: str,
    name: str,
    port: OutputPort,
    models: Mapping[str, Mapping[str, Property]],
    limits: Limits,
    note: Callable[[str], None] = lambda _line: None,
    kept: Path | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Tables:
    """The tables of a port.

    Args:
        component: The component of its storage.
        specs: The catalogue.
        product: ``domain/product``.
        name: Name of the port.
        port: The port with its connections.
        models: Model: its properties.
        limits: The most that measuring may cost.
        note: Receives a line for the person who waits.
        kept: Folder for counts that a later measurement may use.
        environ: Environment variables, with the addresses of emulators.

    Raises:
        NotMeasurable: when the component cannot count its rows.
        Exception: when the component fails.
    """
    reason = unmeasured_reason(component, specs)
    spec = specs.get(component)
    if reason or spec is None or spec.measure is None:
        raise NotMeasurable(reason)
    measure = cast("Measure", load_reference(spec.measure))
    measured = MeasuredPort(
        product=product,
        name=name,
        connection=port.storage,
        models=models,
        read=port.read,
        limits=limits,
        note=note,
        kept=kept,
        environ=environ,
    )
    with contained(component):
        tables = measure(measured)
    if not isinstance(tables, Tables):  # a stranger's function gives what it likes
        raise NotMeasurable(f"component {component} gives no tables")
    return tables
