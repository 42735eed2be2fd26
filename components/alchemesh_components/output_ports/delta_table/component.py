"""Columnar tables as Delta tables in folders of this machine."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from alchemesh_components.local.settings import Settings
from alchemesh_components.output_ports.delta_table.models import Args
from alchemesh_components.output_ports.delta_table.spec import SPEC
from alchemesh_platform.sdk.component import Component
from alchemesh_platform.sdk.models import SemanticModel
from alchemesh_platform.systems.local.resources import DeltaTable


class DeltaTables(Component[Args, Settings]):
    """A Delta table for each model of the port: ``<root>/<domain>/<product>/<port>/<model>``."""

    spec = SPEC

    def build(self) -> Mapping[str, Any]:
        """One table for each model."""
        tables = {name: self.table(name, model) for name, model in self.wiring.models.items()}
        return {"kind": "tables", "format": "delta", "tables": {name: table.url for name, table in tables.items()}}

    def table(self, model_name: str, model: SemanticModel) -> DeltaTable:
        """The table of one model."""
        wiring = self.wiring
        return DeltaTable(
            f"{self.name}-{model_name}",
            path=str(Path(self.settings.local.root, wiring.domain, wiring.product, wiring.port, model_name)),
            owner=f"{wiring.address}/{model_name}",
            table=model_name,
            description=model.description,
            columns=[
                {"name": name, **declared.model_dump(mode="json", include=COLUMN_FIELDS, exclude_none=True)}
                for name, declared in model.properties.items()
            ],
            partition_by=[name for name in self.args.partition_by if name in model.properties],
            retention_hours=int(self.args.retention / timedelta(hours=1)) if self.args.retention else None,
            on_incompatible_change=self.args.on_incompatible_change,
            keep_on_delete=self.args.keep_on_destroy,
            opts=self.child_options,
        )


COLUMN_FIELDS = {"type", "description", "required", "precision", "scale", "properties", "items"}
