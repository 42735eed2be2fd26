"""A Delta table with the columns of a semantic model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from alchemesh_platform.base.units import duration_in_words
from alchemesh_platform.machine import directory
from alchemesh_platform.machine.directory import known_url, refused_path
from alchemesh_platform.machine.files import count
from alchemesh_platform.machine.released import released
from alchemesh_platform.manifest.models import LogicalType
from alchemesh_platform.provider.handler import Context, Handler
from alchemesh_platform.provider.inputs import Properties, Refusal
from alchemesh_platform.provider.loss import Loss
from alchemesh_platform.provider.paths import AbsolutePath
from alchemesh_platform.sdk.system.drift import Drift
from alchemesh_platform.systems.local.tables import delta
from alchemesh_platform.systems.local.tables.columns import Column, ColumnUnfit
from alchemesh_platform.systems.local.tables.erasing import remove_expired
from alchemesh_platform.systems.local.tables.evolution import Evolution, Incompatible, TableSchema, wanted_schema


class DeltaTableInputs(Properties):
    """The declaration of a table."""

    path: AbsolutePath = Field(description="Absolute path of the table's folder.")
    owner: str = Field(min_length=1, description="Address that the table belongs to.")
    table: str = Field(min_length=1, description="Name that the table's log carries.")
    description: str = Field(default="", description="Meaning of one row.")
    columns: tuple[Column, ...] = Field(min_length=1, description="Columns: properties of a model, with their names.")
    partition_by: tuple[str, ...] = Field(default=(), description="Columns that rows are grouped by on disk.")
    retention_hours: int | None = Field(
        default=None, ge=1, description="Files of former versions older than this are removed; by default none is."
    )
    on_incompatible_change: Literal["refuse", "replace"] = Field(
        default="refuse", description="Handling of a change that the table cannot follow; replace loses the rows."
    )
    keep_on_delete: bool = Field(default=True, description="Whether the rows stay when the resource is removed.")


class DeltaTableOutputs(Properties):
    """The address of the table."""

    url: str = Field(description="The table's folder as a URL: file:///…")


class DeltaTableHandler(Handler[DeltaTableInputs, DeltaTableOutputs]):
    """A Delta table. Its check rejects changes that the table cannot follow, already in a preview."""

    pulumi_type = "alchemesh:local:DeltaTable"
    summary = "A Delta table with the columns of a semantic model, there and queryable before the first row."
    inputs = DeltaTableInputs
    outputs = DeltaTableOutputs
    replace_on = frozenset({"path"})
    by_name = frozenset({"columns"})

    def identify(self, inputs: DeltaTableInputs) -> str:
        return inputs.path

    def check(
        self, inputs: DeltaTableInputs, old_inputs: DeltaTableInputs | None, context: Context
    ) -> Iterator[Refusal]:
        formerly = old_inputs.owner if old_inputs else None
        refusals = [
            *_unfit_columns(inputs),
            *refused_path(inputs.path, inputs.owner, formerly, environment=context.environment),
        ]
        yield from refusals
        if refusals:
            return
        evolution = delta.plan_table(Path(inputs.path), _wanted(inputs))
        if evolution is None or not evolution.incompatible:
            return
        if inputs.on_incompatible_change == "replace":
            reasons = f"{_reasons(evolution)} (its log keeps the older versions)"
            sentence = f"table {inputs.table} is re-created, without {_rows_of(inputs)}: {reasons}"
            yield from context.lose("columns", sentence, Loss(_count_of(inputs)))
            return
        yield from (_refusal(inputs, found) for found in evolution.incompatible)

    def plan(self, inputs: DeltaTableInputs, old: DeltaTableOutputs | None, context: Context) -> Mapping[str, Any]:
        return known_url(inputs.path)

    def drift(self, inputs: DeltaTableInputs, outputs: DeltaTableOutputs, context: Context) -> Drift | None:
        path, wanted = Path(inputs.path), _wanted(inputs)
        evolution = delta.plan_table(path, wanted)
        if evolution is None:
            return Drift(f"table {inputs.table} is missing in {inputs.path}; `up` creates it again, empty", "url")
        if evolution.incompatible and inputs.on_incompatible_change == "refuse":
            reason = f"table {inputs.table} differs from its model, and `up` refuses it: {_reasons(evolution)}"
        elif evolution.steps or evolution.incompatible:
            reason = f"table {inputs.table} differs from its model; `up` updates it"
        elif directory.needs_environment(path):
            reason = f"table {inputs.table} does not name its environment; `up` marks it"
            return Drift(reason, "url", expected=True)
        else:
            return None
        return Drift(reason, "url", delta.deviations_of(path, wanted), changed=delta.last_redefinition(path))

    def create(self, inputs: DeltaTableInputs, context: Context) -> DeltaTableOutputs:
        return self._apply(inputs, None, context)

    def read(
        self, inputs: DeltaTableInputs, outputs: DeltaTableOutputs, context: Context
    ) -> tuple[DeltaTableInputs, DeltaTableOutputs] | None:
        path = Path(inputs.path)
        if not directory.holds(path, inputs.owner, context.environment) or not delta.table_exists(path):
            return None
        return inputs, DeltaTableOutputs(url=path.as_uri())

    def update(
        self, inputs: DeltaTableInputs, old_inputs: DeltaTableInputs, outputs: DeltaTableOutputs, context: Context
    ) -> DeltaTableOutputs:
        return self._apply(inputs, old_inputs.owner, context)

    def expire(self, inputs: DeltaTableInputs, context: Context) -> str | None:
        path = Path(inputs.path)
        if inputs.retention_hours is None or not directory.holds(path, inputs.owner, context.environment):
            return None
        files = remove_expired(path)
        age = duration_in_words(timedelta(hours=inputs.retention_hours))
        return (
            f"removed {count(files, 'file')} of former versions of {inputs.owner}, older than {age}" if files else None
        )

    def loss(self, inputs: DeltaTableInputs, context: Context) -> Loss | None:
        path = Path(inputs.path)
        if inputs.keep_on_delete or directory.owner_of(path) is None or released(path, inputs.owner, context):
            return None
        if not delta.table_exists(path):
            return None
        rows = _count_of(inputs)
        return None if rows == 0 else Loss(rows)

    def delete(self, inputs: DeltaTableInputs, outputs: DeltaTableOutputs, context: Context) -> None:
        path = Path(inputs.path)
        if released(path, inputs.owner, context):
            return
        keep = inputs.keep_on_delete and not context.delete_data and not _never_written(path)
        if directory.remove(path, inputs.owner, keep_data=keep, environment=context.environment) is not None:
            context.info(f"kept {_rows_of(inputs)} of table {inputs.table} in {path}; a later `up` finds them again")

    def _apply(self, inputs: DeltaTableInputs, formerly: str | None, context: Context) -> DeltaTableOutputs:
        path = Path(inputs.path)
        directory.create(path, inputs.owner, environment=context.environment, formerly=formerly)
        delta.evolve_table(path, _wanted(inputs), replace=inputs.on_incompatible_change == "replace")
        return DeltaTableOutputs(url=path.as_uri())


def _wanted(inputs: DeltaTableInputs) -> TableSchema:
    return wanted_schema(inputs.columns, inputs.partition_by, inputs.table, inputs.description, inputs.retention_hours)


def _unfit_columns(inputs: DeltaTableInputs) -> Iterator[Refusal]:
    types = {}
    for at, column in enumerate(inputs.columns):
        if column.name in types:
            yield Refusal(f"columns[{at}].name", f"column {column.name} is declared twice")
        types[column.name] = column.type
        try:
            wanted_schema([column])
        except ColumnUnfit as error:
            yield Refusal(error.path.replace("columns[0]", f"columns[{at}]"), error.reason)
    for at, name in enumerate(inputs.partition_by):
        if name not in types:
            yield Refusal(f"partitionBy[{at}]", f"there is no column {name!r}; there are {', '.join(types)}")
        elif types[name] in (LogicalType.OBJECT, LogicalType.ARRAY):
            yield Refusal(f"partitionBy[{at}]", f"rows cannot be grouped by {name}, which is an {types[name].value}")
    if set(inputs.partition_by) >= set(types):
        yield Refusal("partitionBy", "at least one column has to stay outside of the partitioning")


def _refusal(inputs: DeltaTableInputs, found: Incompatible) -> Refusal:
    names = [column.name for column in inputs.columns]
    text = f"the table in {inputs.path} has {_rows_of(inputs)} and cannot follow: {found.reason}; {found.remedy}"
    if found.column is None:
        return Refusal("partitionBy", text)
    if found.column in names:
        return Refusal(f"columns[{names.index(found.column)}]", f"column {found.column}: {text}")
    return Refusal("columns", f"column {found.column}: {text}")


def _reasons(evolution: Evolution) -> str:
    return "; ".join(f"{found.column or 'partitioning'}: {found.reason}" for found in evolution.incompatible)


def _rows_of(inputs: DeltaTableInputs) -> str:
    rows = _count_of(inputs)
    return "its rows" if rows is None else count(rows, "row")


def _count_of(inputs: DeltaTableInputs) -> int | None:
    try:
        state = delta.read_table(Path(inputs.path))
    except delta.TableFailed:
        return None
    return None if state is None else state.rows


def _never_written(path: Path) -> bool:
    try:
        state = delta.read_table(path)
    except delta.TableFailed:
        return False
    return state is None or (state.rows == 0 and state.changed_at is None)
