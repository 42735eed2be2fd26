"""A Delta table with the columns of a semantic model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from alchemesh_platform.sdk.system.cloud_object import Changed
from alchemesh_platform.sdk.system.drift import Deviation
from alchemesh_platform.systems.local.handlers.tables import TableHandler, TableInputs
from alchemesh_platform.systems.local.tables import delta
from alchemesh_platform.systems.local.tables.erasing import remove_expired
from alchemesh_platform.systems.local.tables.evolution import Evolution, Step, TableSchema


@dataclass(frozen=True, slots=True)
class DeltaFolder:
    """The Delta table of a folder."""

    path: Path

    def exists(self) -> bool:
        return delta.table_exists(self.path)

    def read(self) -> delta.TableState | None:
        return delta.read_table(self.path)

    def plan(self, wanted: TableSchema) -> Evolution | None:
        return delta.plan_table(self.path, wanted)

    def evolve(self, wanted: TableSchema, *, replace: bool) -> tuple[Step, ...] | None:
        return delta.evolve_table(self.path, wanted, replace=replace)

    def deviations(self, wanted: TableSchema) -> tuple[Deviation, ...]:
        return delta.deviations_of(self.path, wanted)

    def last_redefinition(self) -> Changed:
        return delta.last_redefinition(self.path)

    def remove_expired(self) -> int:
        return remove_expired(self.path)

    def forget(self) -> None:
        """Nothing: a folder is its own catalog."""


class DeltaTableHandler(TableHandler[TableInputs]):
    """A Delta table."""

    pulumi_type = "alchemesh:local:DeltaTable"
    summary = "A Delta table with the columns of a semantic model, there and queryable before the first row."
    inputs = TableInputs
    replaced = "its log keeps the older versions"
    others: ClassVar = {"metadata": "an Iceberg table"}

    def table(self, inputs: TableInputs) -> DeltaFolder:
        return DeltaFolder(Path(inputs.path))
