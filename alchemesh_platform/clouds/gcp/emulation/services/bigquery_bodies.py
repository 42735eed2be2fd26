"""Converts Pulumi's properties of datasets and tables into bodies of BigQuery's interface.

Source: https://cloud.google.com/bigquery/docs/reference/rest/v2/datasets and …/tables
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alchemesh_platform.clouds.gcp.emulation.types import table_schema

_DATASET = ("location", "friendlyName", "description", "labels", "defaultCollation", "maxTimeTravelHours")
_DATASET_TEXTS = ("defaultTableExpirationMs", "defaultPartitionExpirationMs")  # whole numbers, as texts in JSON
_TABLE = ("friendlyName", "description", "labels", "requirePartitionFilter")
_ENTRY = ("role", "userByEmail", "groupByEmail", "domain", "specialGroup", "iamMember", "view", "routine", "condition")


def dataset_body(values: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a dataset, without properties that are not set."""
    body = {name: values[name] for name in _DATASET if values.get(name) is not None}
    body |= {name: str(values[name]) for name in _DATASET_TEXTS if values.get(name) is not None}
    if "datasetId" in values:
        body["datasetReference"] = {"projectId": values["project"], "datasetId": values["datasetId"]}
    if values.get("accesses") is not None:
        body["access"] = [access_entry(entry) for entry in values["accesses"]]
    return body


def access_entry(values: Mapping[str, Any]) -> dict[str, Any]:
    """An entry of a dataset's access list."""
    entry = {name: values[name] for name in _ENTRY if values.get(name) is not None}
    authorized = values.get("dataset") or values.get("authorizedDataset")
    if authorized is not None:
        entry["dataset"] = authorized
    return entry


def table_body(values: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a table or view, without properties that are not set."""
    body = {name: values[name] for name in _TABLE if values.get(name) is not None}
    body["tableReference"] = {
        "projectId": values["project"],
        "datasetId": values["datasetId"],
        "tableId": values["tableId"],
    }
    if values.get("schema") is not None and values.get("view") is None:
        body["schema"] = {"fields": [dict(field) for field in table_schema.read_schema(values["schema"])]}
    if values.get("timePartitioning") is not None:
        given = values["timePartitioning"]
        body["timePartitioning"] = {name: value for name, value in given.items() if value and name != "expirationMs"}
        if given.get("expirationMs"):  # 0 is the same as none
            body["timePartitioning"]["expirationMs"] = str(given["expirationMs"])
    if values.get("rangePartitioning") is not None:
        given = values["rangePartitioning"]
        bounds = {name: str(value) for name, value in given["range"].items()}
        body["rangePartitioning"] = {"field": given["field"], "range": bounds}
    if values.get("clusterings"):
        body["clustering"] = {"fields": list(values["clusterings"])}
    if values.get("expirationTime") is not None:
        body["expirationTime"] = str(values["expirationTime"])
    if values.get("view") is not None:
        body["view"] = {"query": values["view"]["query"], "useLegacySql": values["view"].get("useLegacySql") is True}
    return body
