"""Tables with the columns of a semantic model, whatever their format."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar, Generic, Literal, Protocol, TypeVar

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
from alchemesh_platform.sdk.system.cloud_object import Changed
from alchemesh_platform.sdk.system.drift import Deviation, Drift
from alchemesh_platform.systems.local.tables.columns import Column, ColumnUnfit
from alchemesh_platform.systems.local.tables.delta import TableFailed, TableState
from alchemesh_platform.systems.local.tables.evolution import (
    Evolution,
    Incompatible,
    Step,
    TableSchema,
    wanted_schema,
)


class TableInputs(Properties):
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


class TableOutputs(Properties):
    """The address of the table."""

    url: str = Field(description="The table's folder as a URL: file:///…")


class StoredTable(Protocol):
    """A table of some format, which may not exist yet."""

    def exists(self) -> bool:
        """Whether it exists."""

    def read(self) -> TableState | None:
        """Its state; None if there is none."""

    def plan(self, wanted: TableSchema) -> Evolution | None:
        """The steps that update it; None if there is none."""

    def evolve(self, wanted: TableSchema, *, replace: bool) -> tuple[Step, ...] | None:
        """Create or update it; returns the steps, None when it was created."""

    def deviations(self, wanted: TableSchema) -> tuple[Deviation, ...]:
        """The properties that differ from the declaration."""

    def last_redefinition(self) -> Changed:
        """The last change of its definition."""

    def remove_expired(self) -> int:
        """Remove the files of expired versions; returns their number."""

    def forget(self) -> None:
        """Take it out of its catalog before its files are removed."""


Declared = TypeVar("Declared", bound=TableInputs)


class TableHandler(Handler[Declared, TableOutputs], Generic[Declared]):
    """A table. Its check rejects changes that the table cannot follow, already in a preview.

    Attributes:
        replaced: The fate of the rows of a re-created table, in words.
        others: Marks of other formats: the name of a file in the folder, and the kind of table that has it.
    """

    outputs = TableOutputs
    replace_on = frozenset({"path"})
    by_name = frozenset({"columns"})
    replaced: ClassVar[str]
    others: ClassVar[Mapping[str, str]]

    @abstractmethod
    def table(self, inputs: Declared) -> StoredTable:
        """The table of a declaration."""

    def identify(self, inputs: Declared) -> str:
        return inputs.path

    def check(self, inputs: Declared, old_inputs: Declared | None, context: Context) -> Iterator[Refusal]:
        formerly = old_inputs.owner if old_inputs else None
        refusals = [
            *_unfit_columns(inputs),
            *refused_path(inputs.path, inputs.owner, formerly, environment=context.environment),
            *self._other_formats(inputs),
        ]
        yield from refusals
        if refusals:
            return
        evolution = self.table(inputs).plan(_wanted(inputs))
        if evolution is None or not evolution.incompatible:
            return
        if inputs.on_incompatible_change == "replace":
            reasons = f"{_reasons(evolution)} ({self.replaced})"
            sentence = f"table {inputs.table} is re-created, without {self._rows_of(inputs)}: {reasons}"
            yield from context.lose("columns", sentence, Loss(self._count_of(inputs)))
            return
        yield from (_refusal(inputs, self._rows_of(inputs), found) for found in evolution.incompatible)

    def plan(self, inputs: Declared, old: TableOutputs | None, context: Context) -> Mapping[str, Any]:
        return known_url(inputs.path)

    def drift(self, inputs: Declared, outputs: TableOutputs, context: Context) -> Drift | None:
        path, wanted, table = Path(inputs.path), _wanted(inputs), self.table(inputs)
        evolution = table.plan(wanted)
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
        return Drift(reason, "url", table.deviations(wanted), changed=table.last_redefinition())

    def create(self, inputs: Declared, context: Context) -> TableOutputs:
        return self._apply(inputs, None, context)

    def read(self, inputs: Declared, outputs: TableOutputs, context: Context) -> tuple[Declared, TableOutputs] | None:
        path = Path(inputs.path)
        if not directory.holds(path, inputs.owner, context.environment) or not self.table(inputs).exists():
            return None
        return inputs, TableOutputs(url=path.as_uri())

    def update(self, inputs: Declared, old_inputs: Declared, outputs: TableOutputs, context: Context) -> TableOutputs:
        return self._apply(inputs, old_inputs.owner, context)

    def expire(self, inputs: Declared, context: Context) -> str | None:
        path = Path(inputs.path)
        if inputs.retention_hours is None or not directory.holds(path, inputs.owner, context.environment):
            return None
        files = self.table(inputs).remove_expired()
        age = duration_in_words(timedelta(hours=inputs.retention_hours))
        return (
            f"removed {count(files, 'file')} of former versions of {inputs.owner}, older than {age}" if files else None
        )

    def loss(self, inputs: Declared, context: Context) -> Loss | None:
        path = Path(inputs.path)
        if inputs.keep_on_delete or directory.owner_of(path) is None or released(path, inputs.owner, context):
            return None
        if not self.table(inputs).exists():
            return None
        rows = self._count_of(inputs)
        return None if rows == 0 else Loss(rows)

    def delete(self, inputs: Declared, outputs: TableOutputs, context: Context) -> None:
        path = Path(inputs.path)
        if released(path, inputs.owner, context):
            return
        keep = inputs.keep_on_delete and not context.delete_data and not self._never_written(inputs)
        if not keep and directory.holds(path, inputs.owner, context.environment):
            self.table(inputs).forget()
        if directory.remove(path, inputs.owner, keep_data=keep, environment=context.environment) is not None:
            context.info(
                f"kept {self._rows_of(inputs)} of table {inputs.table} in {path}; a later `up` finds them again"
            )

    def _apply(self, inputs: Declared, formerly: str | None, context: Context) -> TableOutputs:
        path = Path(inputs.path)
        directory.create(path, inputs.owner, environment=context.environment, formerly=formerly)
        self.table(inputs).evolve(_wanted(inputs), replace=inputs.on_incompatible_change == "replace")
        return TableOutputs(url=path.as_uri())

    def _other_formats(self, inputs: Declared) -> Iterator[Refusal]:
        for mark, kind in self.others.items():
            if (Path(inputs.path) / mark).exists():
                text = f"{inputs.path} holds {kind}, whose rows another format cannot take over"
                yield Refusal("path", f"{text}; give the port another name, or move the folder away")

    def _rows_of(self, inputs: Declared) -> str:
        rows = self._count_of(inputs)
        return "its rows" if rows is None else count(rows, "row")

    def _count_of(self, inputs: Declared) -> int | None:
        try:
            state = self.table(inputs).read()
        except TableFailed:
            return None
        return None if state is None else state.rows

    def _never_written(self, inputs: Declared) -> bool:
        try:
            state = self.table(inputs).read()
        except TableFailed:
            return False
        return state is None or (state.rows == 0 and state.changed_at is None)


def _wanted(inputs: TableInputs) -> TableSchema:
    return wanted_schema(inputs.columns, inputs.partition_by, inputs.table, inputs.description, inputs.retention_hours)


def _unfit_columns(inputs: TableInputs) -> Iterator[Refusal]:
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


def _refusal(inputs: TableInputs, rows: str, found: Incompatible) -> Refusal:
    names = [column.name for column in inputs.columns]
    text = f"the table in {inputs.path} has {rows} and cannot follow: {found.reason}; {found.remedy}"
    if found.column is None:
        return Refusal("partitionBy", text)
    if found.column in names:
        return Refusal(f"columns[{names.index(found.column)}]", f"column {found.column}: {text}")
    return Refusal("columns", f"column {found.column}: {text}")


def _reasons(evolution: Evolution) -> str:
    return "; ".join(f"{found.column or 'partitioning'}: {found.reason}" for found in evolution.incompatible)
