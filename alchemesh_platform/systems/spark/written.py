"""The rows that a run of Spark wrote, by the commits of the output ports' Delta tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from alchemesh_platform.data.backend import Written
from alchemesh_platform.data.running import keep_receipt
from alchemesh_platform.sdk.connections.ports import Connections
from alchemesh_platform.sdk.connections.tables import TablesConnection

ENGINE = "Apache-Spark/"
# https://docs.delta.io/latest/delta-utility.html#operation-metrics-keys
_METRICS = (
    ("numTargetRowsInserted", "numTargetRowsUpdated"),  # of a merge, which also counts the rows that it copied
    ("numUpdatedRows",),
    ("numOutputRows",),
)
_NOTHING = ("DELETE", "OPTIMIZE")  # they write rows again that the table had before


class Commits:
    """The output tables of a product before a run.

    Args:
        connections: The connections of the product.
    """

    def __init__(self, connections: Connections) -> None:
        self._before = {place: table.version() for place, table in _tables(connections)}
        self._connections = connections

    def keep_receipts(self, run: str, variables: Mapping[str, str]) -> None:
        """Note the rows of the commits that Spark made for a run. The platform's own writer has noted its rows.

        Args:
            run: The id that Spark wrote into its commits.
            variables: Variables of the run, with the file of receipts.
        """
        for (port, model), table in _tables(self._connections):
            new = table.version() - self._before.get((port, model), -1)
            found = [each for each in table.history(new) if _is_of(each, run)] if new > 0 else []
            if found:
                rows = sum(rows_of(each) for each in found)
                keep_receipt(
                    Written(port=port, model=model, mode="append", rows=rows, version=table.version()), variables
                )


def rows_of(commit: Mapping[str, Any]) -> int:
    """The rows that a commit of Spark wrote."""
    metrics = commit.get("operationMetrics") or {}
    if commit.get("operation") in _NOTHING:
        return 0
    for names in _METRICS:
        if names[0] in metrics:
            return sum(int(metrics.get(name, 0)) for name in names)
    return 0


def _is_of(commit: Mapping[str, Any], run: str) -> bool:
    return str(commit.get("engineInfo", "")).startswith(ENGINE) and commit.get("userMetadata") == run


def _tables(connections: Connections) -> Iterator[tuple[tuple[str, str], Any]]:
    from deltalake import DeltaTable

    for port, given in connections.outputs.items():
        storage = given.storage
        if isinstance(storage, TablesConnection) and storage.format == "delta":
            for model in storage.tables:
                path = storage.path(model)
                if DeltaTable.is_deltatable(str(path)):
                    yield (port, model), DeltaTable(str(path), without_files=True)
