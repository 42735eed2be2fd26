"""The last deployed schema of a BigQuery table. With it, a preview rejects a change that the table cannot follow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field

from alchemesh_platform.provider.handler import Context, Handler
from alchemesh_platform.provider.inputs import Properties, Refusal
from alchemesh_platform.provider.loss import Loss
from alchemesh_platform.systems.bigquery.evolution import Change, dropped, incompatible, moved, otherwise_encrypted

# Resources of Pulumi's provider for Google Cloud.
DATASET = "gcp:bigquery/dataset:Dataset"
TABLE = "gcp:bigquery/table:Table"


class TableSchemaInputs(Properties):
    """A table's schema as it is wanted."""

    table: str = Field(pattern=r"^.+\.[^.]+\.[^.]+$", description="The table: project.dataset.table.")
    fields: tuple[dict[str, Any], ...] = Field(min_length=1, description="Columns, as BigQuery's API takes them.")
    partition_by: str | None = Field(default=None, description="Column that rows are partitioned by.")
    encryption_key: str | None = Field(default=None, description="Customer-managed key of the table.")
    location: str | None = Field(default=None, description="Where the table's dataset is: a region, EU or US.")
    on_incompatible_change: Literal["refuse", "replace"] = Field(
        default="refuse", description="Handling of a change that the table cannot follow; replace loses the rows."
    )


class TableSchemaOutputs(Properties):
    """Nothing is computed."""


class TableSchemaHandler(Handler[TableSchemaInputs, TableSchemaOutputs]):
    """A record that only the state holds. Its check compares the schema with that of the last deployment."""

    pulumi_type = "alchemesh:bigquery:TableSchema"
    summary = "Refuses a change of a BigQuery table's schema that the table cannot follow, before anything runs."
    inputs = TableSchemaInputs
    outputs = TableSchemaOutputs
    replace_on = frozenset({"table"})
    by_name = frozenset({"fields"})

    def identify(self, inputs: TableSchemaInputs) -> str:
        return inputs.table

    def check(
        self, inputs: TableSchemaInputs, old_inputs: TableSchemaInputs | None, context: Context
    ) -> Iterator[Refusal]:
        if old_inputs is None or old_inputs.table != inputs.table:
            return
        change = (old_inputs.fields, inputs.fields, old_inputs.partition_by, inputs.partition_by)
        changes = [*incompatible(*change), *otherwise_encrypted(old_inputs.encryption_key, inputs.encryption_key)]
        # A table that could not be created, or was removed by hand, has no rows to lose.
        if changes and not context.is_deployed(TABLE, _table_id(inputs)):
            changes = []
        elsewhere = list(moved(old_inputs.location, inputs.location))
        if elsewhere and context.is_deployed(DATASET, _dataset_id(inputs)):
            changes += elsewhere
        if not changes:
            return
        if inputs.on_incompatible_change == "refuse":
            yield from (_refusal(inputs, each, each.remedy) for each in changes)
        elif old_inputs.on_incompatible_change == "refuse":
            # A separate deployment first turns off the table's deletion protection, before another one can replace the
            # table.
            remedy = "deploy `on_incompatible_change: replace` with the old model first, then the new model"
            yield from (_refusal(inputs, each, remedy) for each in changes)
        elif (columns := dropped(*change)) and len(columns) == len(changes):
            sentence = f"table {inputs.table} loses columns, with their values: {', '.join(columns)}"
            yield from context.lose("fields", sentence, Loss())
        else:
            reasons = "; ".join(f"{each.column}: {each.reason}" if each.column else each.reason for each in changes)
            yield from context.lose(
                "fields", f"table {inputs.table} is re-created, without its rows: {reasons}", Loss()
            )

    def create(self, inputs: TableSchemaInputs, context: Context) -> TableSchemaOutputs:
        return TableSchemaOutputs()

    def read(
        self, inputs: TableSchemaInputs, outputs: TableSchemaOutputs, context: Context
    ) -> tuple[TableSchemaInputs, TableSchemaOutputs] | None:
        return inputs, outputs

    def update(
        self, inputs: TableSchemaInputs, old_inputs: TableSchemaInputs, outputs: TableSchemaOutputs, context: Context
    ) -> TableSchemaOutputs:
        return outputs

    def delete(self, inputs: TableSchemaInputs, outputs: TableSchemaOutputs, context: Context) -> None:
        return


def _refusal(inputs: TableSchemaInputs, change: Change, remedy: str) -> Refusal:
    if change.column is None:
        return Refusal(change.property, f"table {inputs.table} cannot follow: {change.reason}; {remedy}")
    names = [field["name"] for field in inputs.fields]
    top = change.column.partition(".")[0]
    place = f"fields[{names.index(top)}]" if top in names else "fields"
    return Refusal(place, f"column {change.column}: table {inputs.table} cannot follow: {change.reason}; {remedy}")


def _dataset_id(inputs: TableSchemaInputs) -> str:
    """The dataset's id in the form of Pulumi's provider.

    Source: https://www.pulumi.com/registry/packages/gcp/api-docs/bigquery/dataset/#import
    """
    project, dataset, _table = inputs.table.rsplit(".", 2)
    return f"projects/{project}/datasets/{dataset}"


def _table_id(inputs: TableSchemaInputs) -> str:
    return f"{_dataset_id(inputs)}/tables/{inputs.table.rpartition('.')[2]}"
