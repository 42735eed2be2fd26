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
from alchemesh_platform.sdk.wiring import Wiring
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
        return DeltaTable(
            f"{self.name}-{model_name}",
            **table_inputs(self.args, self.settings.local.root, self.wiring, model_name, model),
            opts=self.child_options,
        )


def table_inputs(args: Args, root: str, wiring: Wiring, name: str, model: SemanticModel) -> dict[str, Any]:
    """The inputs of a model's table in a folder of this machine, whatever its format."""
    return {
        "path": str(Path(root, wiring.domain, wiring.product, wiring.port, name)),
        "owner": f"{wiring.address}/{name}",
        "table": name,
        "description": model.description,
        "columns": [
            {"name": each, **declared.model_dump(mode="json", include=COLUMN_FIELDS, exclude_none=True)}
            for each, declared in model.properties.items()
        ],
        "partition_by": [each for each in args.partition_by if each in model.properties],
        "retention_hours": int(args.retention / timedelta(hours=1)) if args.retention else None,
        "on_incompatible_change": args.on_incompatible_change,
        "keep_on_delete": args.keep_on_destroy,
    }


COLUMN_FIELDS = {"type", "description", "required", "precision", "scale", "properties", "items"}
