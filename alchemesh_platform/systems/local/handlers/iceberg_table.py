"""An Iceberg table with the columns of a semantic model, in a catalog."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from alchemesh_platform.provider.handler import Context
from alchemesh_platform.provider.inputs import Refusal
from alchemesh_platform.sdk.system.cloud_object import Changed
from alchemesh_platform.sdk.system.drift import Deviation
from alchemesh_platform.systems.local.handlers.tables import TableHandler, TableInputs, TableOutputs
from alchemesh_platform.systems.local.iceberg import tables
from alchemesh_platform.systems.local.iceberg.catalog import Place, iceberg_errors
from alchemesh_platform.systems.local.iceberg.former import remove_expired
from alchemesh_platform.systems.local.iceberg.partitions import why_no_partition
from alchemesh_platform.systems.local.tables.delta import TableState
from alchemesh_platform.systems.local.tables.evolution import Evolution, Step, TableSchema


class IcebergTableInputs(TableInputs):
    """The declaration of a table, with its place in a catalog."""

    catalog: str = Field(min_length=1, description="Address of the catalog: sqlite:///… or postgresql://…")
    catalog_name: str = Field(min_length=1, description="Name of the catalog in its database.")
    namespace: str = Field(min_length=1, description="Namespace of the table in the catalog.")


@dataclass(frozen=True, slots=True)
class IcebergTable:
    """The Iceberg table of a place."""

    place: Place

    def exists(self) -> bool:
        return tables.table_exists(self.place)

    def read(self) -> TableState | None:
        return tables.read_table(self.place)

    def plan(self, wanted: TableSchema) -> Evolution | None:
        return tables.plan_table(self.place, wanted)

    def evolve(self, wanted: TableSchema, *, replace: bool) -> tuple[Step, ...] | None:
        return tables.evolve_table(self.place, wanted, replace=replace)

    def deviations(self, wanted: TableSchema) -> tuple[Deviation, ...]:
        return tables.deviations_of(self.place, wanted)

    def last_redefinition(self) -> Changed:
        return tables.last_redefinition(self.place)

    def remove_expired(self) -> int:
        return remove_expired(self.place)

    def forget(self) -> None:
        with iceberg_errors("remove", self.place):
            self.place.forget()


class IcebergTableHandler(TableHandler[IcebergTableInputs]):
    """An Iceberg table."""

    pulumi_type = "alchemesh:local:IcebergTable"
    summary = "An Iceberg table with the columns of a semantic model, in a catalog that other engines read."
    inputs = IcebergTableInputs
    replaced = "its files are removed"
    others: ClassVar = {"_delta_log": "a Delta table"}

    def table(self, inputs: IcebergTableInputs) -> IcebergTable:
        place = Place(Path(inputs.path), inputs.catalog, inputs.catalog_name, inputs.namespace, inputs.table)
        return IcebergTable(place)

    def check(
        self, inputs: IcebergTableInputs, old_inputs: IcebergTableInputs | None, context: Context
    ) -> Iterator[Refusal]:
        unfit = [character for character in "?#" if character in inputs.path]
        if unfit:
            yield Refusal("path", f"found {unfit[0]!r} in the path of a table, which clients of Iceberg cannot open")
            return
        for at, name in enumerate(inputs.partition_by):
            reasons = [why_no_partition(column) for column in inputs.columns if column.name == name]
            if any(reasons):
                yield Refusal(f"partitionBy[{at}]", f"rows cannot be grouped by {name}: {reasons[0]}")
        yield from super().check(inputs, old_inputs, context)

    def update(
        self, inputs: IcebergTableInputs, old_inputs: IcebergTableInputs, outputs: TableOutputs, context: Context
    ) -> TableOutputs:
        if self.table(inputs).place != self.table(old_inputs).place:
            self.table(old_inputs).forget()  # two catalogs with the table would differ after the next write
        return super().update(inputs, old_inputs, outputs, context)
