"""The configuration of roapi for tables that are exported as Parquet.

Source: https://roapi.github.io/docs/config/config-file.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from alchemesh_platform.manifest.models import LogicalType, SemanticModel

PORT = 8080  # https://cloud.google.com/run/docs/container-contract#port
# Arrow types of the columns that BigQuery writes: https://cloud.google.com/bigquery/docs/exporting-data#parquet_export_details
ARROW_TYPES: dict[LogicalType, Any] = {
    LogicalType.STRING: "Utf8",
    LogicalType.INTEGER: "Int64",
    LogicalType.NUMBER: "Float64",
    LogicalType.BOOLEAN: "Boolean",
    LogicalType.DATE: "Date32",
    LogicalType.TIME: {"Time64": "Microsecond"},
    LogicalType.TIMESTAMP: {"Timestamp": ["Microsecond", "UTC"]},
    LogicalType.OBJECT: "Utf8",  # exported as JSON texts
    LogicalType.ARRAY: "Utf8",
}


def roapi_config(models: Mapping[str, SemanticModel], folder: str) -> str:
    """A table for each model, read from its folder at every request, there before its first file.

    JSON is YAML; what is made by a program need not be read twice.
    """
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
    return json.dumps({"addr": {"http": f"0.0.0.0:{PORT}"}, "tables": tables}, indent=1)
