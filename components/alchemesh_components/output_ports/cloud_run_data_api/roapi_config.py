"""The configuration of roapi for tables that are exported as Parquet.

Source: https://roapi.github.io/docs/config/config-file.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import yaml

from alchemesh_platform.sdk.models import LogicalType, SemanticModel

PORT = 8080  # https://cloud.google.com/run/docs/container-contract#port


@dataclass(frozen=True, slots=True)
class Parametric:
    """An Arrow type with parameters. In YAML, roapi reads it only by a tag: ``!Time64 Microsecond``.

    Source: https://docs.rs/serde_yaml/0.9/serde_yaml/#structs-and-enums
    """

    name: str
    parameters: str | tuple[str, ...]


# Arrow types of the columns that BigQuery writes: https://cloud.google.com/bigquery/docs/exporting-data#parquet_export_details
ARROW_TYPES: dict[LogicalType, str | Parametric] = {
    LogicalType.STRING: "Utf8",
    LogicalType.INTEGER: "Int64",
    LogicalType.NUMBER: "Float64",
    LogicalType.BOOLEAN: "Boolean",
    LogicalType.DATE: "Date32",
    LogicalType.TIME: Parametric("Time64", "Microsecond"),
    LogicalType.TIMESTAMP: Parametric("Timestamp", ("Microsecond", "UTC")),
    LogicalType.OBJECT: "Utf8",  # exported as JSON texts
    LogicalType.ARRAY: "Utf8",
}


def roapi_config(models: Mapping[str, SemanticModel], folder: str) -> str:
    """A table for each model. roapi reads its folder at every request, and serves it before its first file."""
    tables = [
        {
            "name": name,
            "uri": f"{folder}/{name}/",
            "option": {"format": "parquet", "use_memory_table": False},
            "schema": {
                "columns": [
                    {"name": column, "data_type": ARROW_TYPES[declared.type], "nullable": True}
                    for column, declared in model.properties.items()
                ]
            },
        }
        for name, model in models.items()
    ]
    return yaml.dump({"addr": {"http": f"0.0.0.0:{PORT}"}, "tables": tables}, Dumper=_Writer, sort_keys=False)


class _Writer(yaml.SafeDumper):
    """YAML with tags for Arrow types, and without anchors."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _tagged(writer: yaml.SafeDumper, type_: Parametric) -> yaml.Node:
    if isinstance(type_.parameters, str):
        return writer.represent_scalar(f"!{type_.name}", type_.parameters)
    return writer.represent_sequence(f"!{type_.name}", type_.parameters, flow_style=True)


_Writer.add_representer(Parametric, _tagged)
