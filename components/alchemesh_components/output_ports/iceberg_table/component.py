"""Columnar tables as Iceberg tables in folders of this machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alchemesh_components.cloud_names import NameRule, name_of
from alchemesh_components.iceberg.settings import Settings
from alchemesh_components.output_ports.delta_table.component import table_inputs
from alchemesh_components.output_ports.delta_table.models import Args
from alchemesh_components.output_ports.iceberg_table.spec import SPEC
from alchemesh_platform.sdk.component import Component
from alchemesh_platform.sdk.models import SemanticModel
from alchemesh_platform.systems.local.resources import IcebergTable

# A namespace of one level, without hyphens, is a name in SQL that every engine accepts without quotes.
NAMESPACE = NameRule("namespace", 255, separator="_")


class IcebergTables(Component[Args, Settings]):
    """An Iceberg table for each model of the port: ``<root>/<domain>/<product>/<port>/<model>``."""

    spec = SPEC

    def build(self) -> Mapping[str, Any]:
        """One table for each model."""
        tables = {name: self.table(name, model) for name, model in self.wiring.models.items()}
        return {
            "kind": "tables",
            "format": "iceberg",
            "tables": {name: table.url for name, table in tables.items()},
            **self.place,
        }

    @property
    def place(self) -> dict[str, Any]:
        """The catalog and the namespace. Environments that share a database have catalogs of their own."""
        wiring = self.wiring
        return {
            "catalog": self.settings.catalog,
            "catalog_name": wiring.environment,
            "namespace": name_of(NAMESPACE, (wiring.domain, wiring.product, wiring.port)),
        }

    def table(self, model_name: str, model: SemanticModel) -> IcebergTable:
        """The table of one model."""
        return IcebergTable(
            f"{self.name}-{model_name}",
            **table_inputs(self.args, self.settings.local.root, self.wiring, model_name, model),
            **self.place,
            opts=self.child_options,
        )
