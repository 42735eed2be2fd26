"""The source of a serving copy: the current version of an Iceberg table."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256

import pyarrow as pa

from alchemesh_platform.data.rows import fitted
from alchemesh_platform.systems.local.data_api.serving.loading.source import Snapshot, Source
from alchemesh_platform.systems.local.iceberg.catalog import Place
from alchemesh_platform.systems.local.iceberg.data import arrow_schema, scan

# A commit writes metadata first, and the catalog afterwards: the folder is younger than this while it may not be over.
_COMMIT_SECONDS = 60.0
_NOTHING = "none"


class IcebergSource(Source):
    """The current version of an Iceberg table."""

    def __init__(self, place: Place) -> None:
        super().__init__(place.path)
        self._place = place
        self._asked: float | None = None  # change of the folder of metadata that the last answer had seen

    def snapshot(self) -> Snapshot:
        table = self._place.open()
        current = table.current_snapshot()
        return Snapshot(
            f"{table.metadata.table_uuid}:{sha256(str(arrow_schema(table)).encode()).hexdigest()[:16]}",
            str(current.snapshot_id) if current is not None else _NOTHING,
            datetime.fromtimestamp((current.timestamp_ms if current is not None else 0) / 1000, UTC),
        )

    def moved(self, since: Snapshot) -> bool:
        """Whether there is a newer state. The catalog is asked only if the folder of metadata changed."""
        try:
            changed = (self.folder / "metadata").stat().st_mtime
        except OSError:
            changed = time.time()
        if changed == self._asked and time.time() - changed > _COMMIT_SECONDS:
            return False
        now = self.snapshot()
        if (now.identity, now.version) != (since.identity, since.version):
            return True
        self._asked = changed
        return False

    def added(self, since: Snapshot, now: Snapshot) -> tuple[str, ...] | None:
        from pyiceberg.table.snapshots import Operation

        if since.identity != now.identity or _NOTHING in (since.version, now.version):
            return None
        table = self._place.open()
        each = table.snapshot_by_id(int(now.version))
        while each is not None and str(each.snapshot_id) != since.version:
            if each.summary is None or each.summary.operation != Operation.APPEND or each.parent_snapshot_id is None:
                return None
            each = table.snapshot_by_id(each.parent_snapshot_id)
        return (since.version,) if each is not None else None

    @contextmanager
    def rows(self, at: Snapshot, added: tuple[str, ...] | None = None) -> Iterator[pa.RecordBatchReader]:
        table = self._place.open()
        schema = arrow_schema(table)
        if at.version == _NOTHING:
            tasks = []
        elif added is None:
            tasks = list(table.scan(snapshot_id=int(at.version)).plan_files())
        else:
            new = table.incremental_append_scan(
                from_snapshot_id_exclusive=int(added[0]), to_snapshot_id_inclusive=int(at.version)
            )
            tasks = list(new.plan_files())
        batches = (fitted(each, schema) for each in scan(table, schema.names, (), tasks))
        yield pa.RecordBatchReader.from_batches(schema, batches)
