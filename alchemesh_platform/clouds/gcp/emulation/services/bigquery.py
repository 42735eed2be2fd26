"""BigQuery: datasets, tables, views and access in local-bigquery. The store holds grants, which it does not enforce.

Source: https://cloud.google.com/bigquery/docs/reference/rest
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from alchemesh_platform.clouds.gcp.emulation.api.rest import CONFLICT
from alchemesh_platform.clouds.gcp.emulation.services.bigquery_access import ACCESS, GRANTS
from alchemesh_platform.clouds.gcp.emulation.services.bigquery_bodies import dataset_body, table_body
from alchemesh_platform.clouds.gcp.emulation.services.bigquery_names import (
    DATASET,
    DATASET_ID,
    ON_DATASET,
    SERVICE,
    TABLE,
    TABLE_ID,
)
from alchemesh_platform.clouds.gcp.emulation.types import table_schema
from alchemesh_platform.clouds.gcp.emulation.types.errors import Refused, exists, in_use
from alchemesh_platform.clouds.gcp.emulation.types.limits import Name, labels, matching
from alchemesh_platform.clouds.gcp.emulation.types.resource_type import Reference, ResourceType, Values, with_labels
from alchemesh_platform.clouds.gcp.emulation.world import World
from alchemesh_platform.provider.inputs import Refusal
from alchemesh_platform.provider.values import reveal

# https://cloud.google.com/bigquery/docs/datasets#dataset-naming
DATASET_ID_MAX = 1024
DATASET_NAME = re.compile(rf"[A-Za-z0-9_]{{1,{DATASET_ID_MAX}}}")
# https://cloud.google.com/bigquery/docs/tables#table_naming
TABLE_ID_MAX_BYTES = 1024
TABLE_NAME = re.compile(r"[\w \-]+")
MULTI_REGIONS = ("us", "eu")  # https://cloud.google.com/bigquery/docs/locations
CLUSTERING_MAX = 4  # https://cloud.google.com/bigquery/docs/clustered-tables#limitations
PARTITION_TYPES = ("HOUR", "DAY", "MONTH", "YEAR")
PARTITION_COLUMN_TYPES = ("DATE", "TIMESTAMP", "DATETIME")
EXPIRATION_MIN_MS = 3_600_000  # an hour, https://cloud.google.com/bigquery/docs/updating-datasets#table-expiration
_HAS_TABLES = "set `deleteContentsOnDestroy` and deploy that first, or remove its tables"


@dataclass(frozen=True, kw_only=True)
class Dataset(ResourceType):
    """A dataset."""

    def knows_region(self, region: str) -> bool:
        return region.lower() in MULTI_REGIONS or super().knows_region(region)

    def make(self, world: World, values: Values, *, recreating: bool) -> None:
        try:
            world.bigquery().make_dataset(values["project"], dataset_body(values))
        except Refused as error:
            if error.status != CONFLICT:
                raise
            if not recreating:
                raise exists(f"Dataset {values['project']}:{values['datasetId']}") from None
            self.change(world, {}, values)

    def look(self, world: World, values: Values) -> Mapping[str, Any] | None:
        found = world.bigquery().dataset(values["project"], values["datasetId"])
        if found is None:
            return None
        wanted = dataset_body(values)
        return {
            name: found.get(name)
            for name in ("description", "friendlyName", "labels")
            if (found.get(name) or None) != (wanted.get(name) or None)
        }

    def change(self, world: World, old: Values, new: Values) -> None:
        before, after = dataset_body(old), dataset_body(new)
        changed = {name: after.get(name) for name in {**before, **after} if before.get(name) != after.get(name)}
        taken = dict.fromkeys(before.get("labels") or {})
        if "labels" in changed:
            changed["labels"] = {**taken, **(after.get("labels") or {})}
        world.bigquery().change_dataset(new["project"], new["datasetId"], changed)

    def remove(self, world: World, values: Values) -> None:
        with_tables = values.get("deleteContentsOnDestroy") is True
        try:
            world.bigquery().remove_dataset(values["project"], values["datasetId"], with_tables=with_tables)
        except Refused as error:
            why = "it has tables"
            raise in_use(f"dataset {values['datasetId']}", why, hint=_HAS_TABLES) from error


@dataclass(frozen=True, kw_only=True)
class Table(ResourceType):
    """A table or a view."""

    def replacements(self, old: Values, new: Values, paths: Iterable[str]) -> frozenset[str]:
        paths = list(paths)
        found = super().replacements(old, new, paths)
        for name in ("view", "materializedView", "rangePartitioning", "externalDataConfiguration"):
            if (old.get(name) is None) != (new.get(name) is None):
                found |= {path for path in paths if path.split(".")[0] == name}
        partition = [
            path for path in paths if path in ("timePartitioning", "timePartitioning.field", "timePartitioning.type")
        ]
        # Changing the key is an update in place; adding or removing one re-creates the table.
        encryption = [path for path in paths if path == "encryptionConfiguration"]
        before, after = reveal(old.get("schema")), reveal(new.get("schema"))
        known = isinstance(before, str) and isinstance(after, str)
        if known and table_schema.replaces(table_schema.read_schema(before), table_schema.read_schema(after)):
            found |= {"schema"}
        return found | frozenset(partition) | frozenset(encryption)

    def make(self, world: World, values: Values, *, recreating: bool) -> None:
        try:
            world.bigquery().make_table(values["project"], values["datasetId"], table_body(values))
        except Refused as error:
            if error.status != CONFLICT:
                raise
            if not recreating:
                raise exists(f"Table {values['project']}:{values['datasetId']}.{values['tableId']}") from None

    def look(self, world: World, values: Values) -> Mapping[str, Any] | None:
        found = world.bigquery().table(values["project"], values["datasetId"], values["tableId"])
        if found is None:
            return None
        seen: dict[str, Any] = {
            name: found.get(name)
            for name in ("description", "friendlyName", "labels")
            if (found.get(name) or None) != (values.get(name) or None)
        }
        fields = found.get("schema", {}).get("fields") or []
        declared = values.get("schema")
        if isinstance(declared, str) and table_schema.normal(fields) != table_schema.normal(
            table_schema.read_schema(declared)
        ):
            seen["schema"] = json.dumps(fields)
        if values.get("view") is None and (key := _key_of(world, values)):
            seen["encryptionConfiguration"] = {"kmsKeyName": key}
        view = found.get("view", {}).get("query")
        if isinstance(values.get("view"), Mapping) and view != values["view"]["query"]:
            seen["view"] = {**values["view"], "query": view}
        return seen

    def change(self, world: World, old: Values, new: Values) -> None:
        before, after = table_body(old), table_body(new)
        _keep_expiration(before, after, new)
        service, place = world.bigquery(), (str(new["project"]), str(new["datasetId"]), str(new["tableId"]))
        was, wanted = (body.get("schema", {}).get("fields") or [] for body in (before, after))
        names = {str(field["name"]) for field in wanted}
        for field in was:
            if after.get("schema") and field["name"] not in names:
                service.query(place[0], f"ALTER TABLE `{'.'.join(place)}` DROP COLUMN `{field['name']}`")
        changed = {name: after.get(name) for name in {**before, **after} if before.get(name) != after.get(name)}
        if "labels" in changed:
            changed["labels"] = {**dict.fromkeys(before.get("labels") or {}), **(after.get("labels") or {})}
        if "view" in changed:
            # local-bigquery runs the old query first, which may no longer be valid. BigQuery changes it in place.
            service.remove_table(*place)
            service.make_table(place[0], place[1], after)
        else:
            service.change_table(*place, changed)

    def remove(self, world: World, values: Values) -> None:
        world.bigquery().remove_table(values["project"], values["datasetId"], values["tableId"])


def _key_of(world: World, values: Values) -> str | None:
    """The key of a table: its own, or that of its dataset, which the provider reads as the table's key."""
    if values.get("encryptionConfiguration") is not None:
        return None
    dataset = world.store.get(DATASET, DATASET_ID.format_map(values))
    default = dataset.inputs.get("defaultEncryptionConfiguration") if dataset else None
    return str(default["kmsKeyName"]) if isinstance(default, Mapping) else None


def _keep_expiration(before: dict[str, Any], after: dict[str, Any], new: Values) -> None:
    """Without a partition expiration the provider keeps the current one; 0 removes it."""
    partitioning = new.get("timePartitioning")
    expiration = before.get("timePartitioning", {}).get("expirationMs")
    if isinstance(partitioning, Mapping) and expiration is not None:
        kept = expiration if partitioning.get("expirationMs") is None else None
        after["timePartitioning"] = {"expirationMs": kept, **after["timePartitioning"]}


def _schema(inputs: Values) -> Iterator[Refusal]:
    text = reveal(inputs.get("schema"))
    if not isinstance(text, str):
        return
    try:
        fields = table_schema.read_schema(text)
    except ValueError as error:
        yield Refusal("schema", f"found no schema in JSON: {error}")
        return
    for reason in table_schema.wrong_with(fields):
        yield Refusal("schema", reason)
    columns = {str(field.get("name")): field for field in fields}
    yield from _partitioning(inputs, columns)
    clusterings = reveal(inputs.get("clusterings"))
    for at, name in enumerate(clusterings if isinstance(clusterings, list) else ()):
        if isinstance(name, str) and name not in columns:
            yield Refusal(f"clusterings[{at}]", f"found {name!r}, expected a column of the schema")


def _partitioning(inputs: Values, columns: Mapping[str, Any]) -> Iterator[Refusal]:
    partitioning = reveal(inputs.get("timePartitioning"))
    if not isinstance(partitioning, Mapping):
        return
    name, kind = partitioning.get("field"), partitioning.get("type")
    if isinstance(kind, str) and kind not in PARTITION_TYPES:
        yield Refusal("timePartitioning.type", f"found {kind!r}, expected one of {', '.join(PARTITION_TYPES)}")
    if not isinstance(name, str):
        return
    if name not in columns:
        yield Refusal("timePartitioning.field", f"found {name!r}, expected a column of the schema")
    elif table_schema.type_of(columns[name]) not in PARTITION_COLUMN_TYPES:
        found, allowed = table_schema.type_of(columns[name]), ", ".join(PARTITION_COLUMN_TYPES)
        yield Refusal("timePartitioning.field", f"found a column of type {found}, expected one of {allowed}")


def _table_as_a_whole(inputs: Values) -> Iterator[Refusal]:
    clusterings = reveal(inputs.get("clusterings"))
    if isinstance(clusterings, list) and len(clusterings) > CLUSTERING_MAX:
        yield Refusal("clusterings", f"found {len(clusterings)} columns, expected at most {CLUSTERING_MAX}")
    if inputs.get("timePartitioning") is not None and inputs.get("rangePartitioning") is not None:
        yield Refusal("rangePartitioning", "expected one of timePartitioning and rangePartitioning")
    name = reveal(inputs.get("tableId"))
    if isinstance(name, str) and len(name.encode()) > TABLE_ID_MAX_BYTES:
        yield Refusal("tableId", f"found {len(name.encode())} bytes, expected at most {TABLE_ID_MAX_BYTES}")


def _expirations(inputs: Values) -> Iterator[Refusal]:
    found = reveal(inputs.get("defaultTableExpirationMs"))
    if isinstance(found, int) and found < EXPIRATION_MIN_MS:
        yield Refusal("defaultTableExpirationMs", f"found {found}, expected {EXPIRATION_MIN_MS} (an hour) at least")


def _location(values: Values, world: World) -> str:
    dataset = world.store.get(DATASET, DATASET_ID.format_map(values))
    return str(dataset.inputs.get("location", "US")) if dataset else "US"


TYPES = (
    Dataset(
        type=DATASET,
        how="emulated",
        id=DATASET_ID,
        service=SERVICE,
        name=Name(
            DATASET_NAME,
            f"1 to {DATASET_ID_MAX} letters, digits and _",
            DATASET_ID_MAX,
            property="datasetId",
            automatic=False,
        ),
        replace_on=frozenset({"datasetId", "project", "location"}),
        limits=(labels, _expirations),
        region="location",
        defaults={"location": "US", "deleteContentsOnDestroy": False},
        outputs=with_labels(
            selfLink="https://bigquery.googleapis.com/bigquery/v2/projects/{project}/datasets/{datasetId}",
            creationTime=lambda values, world: 0,
            lastModifiedTime=lambda values, world: 0,
            etag=lambda values, world: "emulated",
        ),
    ),
    Table(
        type=TABLE,
        how="emulated",
        id=TABLE_ID,
        service=SERVICE,
        replace_on=frozenset({"datasetId", "tableId", "project"}),
        delete_before_replace=True,
        limits=(
            labels,
            matching("tableId", TABLE_NAME, "letters, digits, _, - and spaces"),
            _schema,
            _table_as_a_whole,
        ),
        references=(ON_DATASET,),
        defaults={"deletionProtection": True},
        outputs=with_labels(
            selfLink="https://bigquery.googleapis.com/bigquery/v2/projects/{project}/datasets/{datasetId}/tables/{tableId}",
            creationTime=lambda values, world: 0,
            lastModifiedTime=lambda values, world: 0,
            etag=lambda values, world: "emulated",
            type=lambda values, world: "VIEW" if values.get("view") else "TABLE",
            location=_location,
            numRows=lambda values, world: 0,
            numBytes=lambda values, world: 0,
            numLongTermBytes=lambda values, world: 0,
        ),
    ),
    ResourceType(
        type="gcp:bigquery/routine:Routine",
        id="projects/{project}/datasets/{datasetId}/routines/{routineId}",
        service=SERVICE,
        replace_on=frozenset({"datasetId", "routineId", "project", "routineType"}),
        references=(ON_DATASET,),
        outputs={"creationTime": lambda values, world: 0, "lastModifiedTime": lambda values, world: 0},
    ),
    ResourceType(
        type="gcp:bigquery/dataTransferConfig:DataTransferConfig",
        id="projects/{project}/locations/{location}/transferConfigs/{number}",
        service="bigquerydatatransfer.googleapis.com",
        numbered=True,
        replace_on=frozenset({"dataSourceId", "location", "project"}),
        references=(Reference(DATASET, "destinationDatasetId", "projects/{project}/datasets/{it}"),),
        region="location",
        defaults={"location": "US"},
        outputs={"name": "projects/{project}/locations/{location}/transferConfigs/{number}"},
    ),
    ResourceType(
        type="gcp:bigquerydatapolicy/dataPolicy:DataPolicy",
        id="projects/{project}/locations/{location}/dataPolicies/{dataPolicyId}",
        service="bigquerydatapolicy.googleapis.com",
        replace_on=frozenset({"location", "dataPolicyId", "project"}),
        region="location",
        outputs={"name": "projects/{project}/locations/{location}/dataPolicies/{dataPolicyId}"},
    ),
    ACCESS,
    *GRANTS,
)
