"""The objects of Google Cloud that hold data: buckets, datasets, tables and topics."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from alchemesh_platform.clouds.gcp.emulation.types.errors import Refused
from alchemesh_platform.clouds.gcp.emulation.world import BIGQUERY, STORAGE
from alchemesh_platform.clouds.gcp.objects.labelled import Labelled
from alchemesh_platform.clouds.gcp.objects.services import (
    BIGQUERY_URL,
    STORAGE_URL,
    bigquery,
    emulated,
    storage,
)
from alchemesh_platform.machine.files import count
from alchemesh_platform.sdk.system.cloud_object import Contents

if TYPE_CHECKING:
    from alchemesh_platform.clouds.gcp.emulation.api.bigquery import BigQueryRest
    from alchemesh_platform.platform_file.models import Platform

FILES_COUNTED = 10_000  # counting the files of a larger bucket takes too long
NOT_FOUND = 404


class BucketObject(Labelled):
    """A bucket. Emulated buckets have no labels: the store of the emulated cloud has them."""

    kind = "bucket"
    # https://cloud.google.com/storage/docs/soft-delete
    remains = "Cloud Storage can restore its files for the time of its soft-delete policy, 7 days by default"
    holds_data = True

    def found(self, platform: Platform, identity: str) -> Mapping[str, Any] | None:
        found = super().found(platform, identity)
        here = emulated(platform)
        if found is None and here is not None and here.has(STORAGE):  # made by hand
            return storage(platform).bucket(identity)
        return found

    def contents(self, platform: Platform, identity: str, *, apart: Collection[str] = ()) -> Contents | None:
        here = emulated(platform)
        if here is not None and not here.has(STORAGE):
            return None
        try:
            files = sum(1 for _ in islice(storage(platform).objects(identity), FILES_COUNTED + 1))
        except Refused as error:
            if error.status == NOT_FOUND:
                return None
            raise
        if files > FILES_COUNTED:
            return Contents(f"more than {FILES_COUNTED:,} files")
        return Contents(count(files, "file"), files=files) if files else None

    def logged_as(self, identity: str) -> str:
        return f"buckets/{identity}"

    def delete(self, platform: Platform, identity: str) -> None:
        service = storage(platform)
        if service.bucket_exists(identity):
            for name, generation in list(service.versions(identity)):
                service.remove_version(identity, name, generation)
            service.remove_bucket(identity)
        if (here := emulated(platform)) is not None:
            here.store.remove(self.type, identity)


class _InBigQuery(Labelled):
    """A dataset or a table."""

    holds_data = True

    def found(self, platform: Platform, identity: str) -> Mapping[str, Any] | None:
        here = emulated(platform)
        if here is not None and not here.has(BIGQUERY):
            return None
        return bigquery(platform).found(self.path(identity))


class DatasetObject(_InBigQuery):
    """A dataset with its tables."""

    kind = "dataset"
    # https://cloud.google.com/bigquery/docs/restore-deleted-datasets
    remains = "BigQuery can restore it for its time travel window, 7 days by default"

    def contents(self, platform: Platform, identity: str, *, apart: Collection[str] = ()) -> Contents | None:
        if self.found(platform, identity) is None:
            return None
        service = bigquery(platform)
        _, project, _, dataset = identity.split("/")
        names = [name for name in service.tables(project, dataset) if f"{identity}/tables/{name}" not in apart]
        tables = [found for name in names if (found := service.table(project, dataset, name)) is not None]
        rows = sum(rows_in(service, table) for table in tables)
        return Contents(f"{count(rows, 'row')} in {count(len(tables), 'table')}", rows=rows) if rows else None

    def delete(self, platform: Platform, identity: str) -> None:
        _, project, _, dataset = identity.split("/")
        bigquery(platform).remove_dataset(project, dataset, with_tables=True)
        if (here := emulated(platform)) is not None:
            here.store.remove(self.type, identity)
            for table in here.store.all(TABLE.type):
                if table.id.startswith(f"{identity}/"):
                    here.store.remove(TABLE.type, table.id)


class TableObject(_InBigQuery):
    """A table. A replacement is reported by the record of its schema, which refuses it."""

    kind = "table"
    # https://cloud.google.com/bigquery/docs/restore-deleted-tables
    remains = "BigQuery can restore it for the time travel window of its dataset, 7 days by default"
    guard = "alchemesh:bigquery:TableSchema"

    def contents(self, platform: Platform, identity: str, *, apart: Collection[str] = ()) -> Contents | None:
        found = self.found(platform, identity)
        rows = rows_in(bigquery(platform), found) if found is not None else 0
        return Contents(count(rows, "row"), rows=rows) if rows else None

    def delete(self, platform: Platform, identity: str) -> None:
        _, project, _, dataset, _, table = identity.split("/")
        bigquery(platform).remove_table(project, dataset, table)
        if (here := emulated(platform)) is not None:
            here.store.remove(self.type, identity)

    def guard_id(self, identity: str) -> str:
        _, project, _, dataset, _, table = identity.split("/")
        return f"{project}.{dataset}.{table}"


class TopicObject(Labelled):
    """A topic. Pub/Sub counts no messages."""

    kind = "topic"
    holds_data = True

    def contents(self, platform: Platform, identity: str, *, apart: Collection[str] = ()) -> Contents | None:
        return Contents("messages of unknown number") if self.found(platform, identity) is not None else None


def rows_in(service: BigQueryRest, table: Mapping[str, Any]) -> int:
    """The rows of a table with those that are still in its streaming buffer; a view has none.

    Args:
        service: BigQuery.
        table: The table, as the service describes it.

    Source: https://cloud.google.com/bigquery/docs/reference/rest/v2/tables#Table
    """
    if table.get("type", "TABLE") != "TABLE":
        return 0
    if service.token is None:  # the emulator's number also counts deleted rows
        place = table["tableReference"]
        name = f"{place['projectId']}.{place['datasetId']}.{place['tableId']}"
        [[rows]] = service.query(place["projectId"], f"SELECT COUNT(*) FROM `{name}`")  # noqa: S608 - an id
        return int(rows)
    buffered = (table.get("streamingBuffer") or {}).get("estimatedRows") or 0
    return int(table.get("numRows") or 0) + int(buffered)


BUCKET = BucketObject("gcp:storage/bucket:Bucket", STORAGE_URL, "storage/v1/b")
DATASET = DatasetObject("gcp:bigquery/dataset:Dataset", BIGQUERY_URL, "bigquery/v2")
TABLE = TableObject("gcp:bigquery/table:Table", BIGQUERY_URL, "bigquery/v2")
TOPIC = TopicObject("gcp:pubsub/topic:Topic", "https://pubsub.googleapis.com", "v1")
