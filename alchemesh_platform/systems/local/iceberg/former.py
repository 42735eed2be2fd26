"""Former versions of an Iceberg table: removed by age, and at once when rows are erased."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from alchemesh_platform.systems.local.iceberg.catalog import Place, iceberg_errors, local_file
from alchemesh_platform.systems.local.iceberg.tables import (
    CHANGED_AT,
    FINGERPRINT,
    WRITE_ID,
    WRITES,
    former_writes,
    last_change,
    noted,
    retention_hours,
)

if TYPE_CHECKING:
    from pyiceberg.table import Table
    from pyiceberg.table.snapshots import Snapshot

# A file that belongs to no version is the remains of a killed writer, or a commit that is still being written.
UNFINISHED_HOURS = 1
_WRITES_KEPT = 1_000  # identities of writes whose snapshots were removed


def remove_expired(place: Place) -> int:
    """Remove the versions that are older than the retention of a table; returns the number of removed files.

    The current version and its readers are not affected. A table without a retention keeps its former versions.

    Raises:
        TableFailed: when a file cannot be removed.
    """
    with iceberg_errors("remove former files of", place):
        table = place.table_or_none()
        hours = retention_hours(table) if table is not None else None
        if table is None or hours is None:
            return 0
        return _removed(table, place, hours)


def remove_former(place: Place) -> int:
    """Remove all versions but the current one; returns the number of removed files.

    A file that belongs to no version stays for an hour: another writer may be about to commit it.

    Raises:
        TableFailed: when a file cannot be removed.
    """
    with iceberg_errors("remove former files of", place):
        return _removed(place.open(), place, 0)


def former_files(table: Table, place: Place, hours: int) -> list[Path]:
    """The files that only versions older than a number of hours have, and those that no version has."""
    expired = {each.snapshot_id for each in _expired(table, hours)}
    kept = {*_files_of(table, without=expired), *_metadata_of(table, hours)}
    leaving = {
        *_files_of(table, without=set()),
        *(local_file(old.metadata_file) for old in table.metadata.metadata_log),
    }
    oldest = time.time() - max(hours, UNFINISHED_HOURS) * 3600
    remains = {
        file
        for file in place.path.rglob("*")
        if not file.name.startswith(".") and file.is_file() and file.stat().st_mtime < oldest
    }
    return sorted(file for file in (leaving | remains) - kept if file.is_file())


def _removed(table: Table, place: Place, hours: int) -> int:
    expired = _expired(table, hours)
    files = former_files(table, place, hours)
    if expired:
        before = local_file(table.metadata_location)
        table = _without(table, [each.snapshot_id for each in expired])
        files += [] if hours else [before]  # its metadata name the removed versions
    for file in files:
        file.unlink(missing_ok=True)
    return len(files)


def _expired(table: Table, hours: int) -> list[Snapshot]:
    before = (time.time() - hours * 3600) * 1000
    heads = {each.snapshot_id for each in table.refs().values()}
    return [each for each in table.snapshots() if each.snapshot_id not in heads and each.timestamp_ms <= before]


def _without(table: Table, snapshots: list[int]) -> Table:
    """The table without some snapshots, and with what is needed of them: the last change, identities of writes."""
    from pyiceberg.table.update.snapshot import ExpireSnapshots

    gone = set(snapshots)
    changed = last_change(table)
    kept: dict[str, str] = {}
    if changed is not None and changed.snapshot_id in gone:
        found = noted(changed, FINGERPRINT)
        kept = {CHANGED_AT: str(changed.timestamp_ms), **({FINGERPRINT: found} if found is not None else {})}
    writes = [noted(each, WRITE_ID) for each in table.snapshots() if each.snapshot_id in gone]
    known = [*former_writes(table), *(each for each in writes if each is not None)][-_WRITES_KEPT:]
    if known:
        kept[WRITES] = json.dumps(known)
    with table.transaction() as change:
        if kept:
            change.set_properties(kept)
        ExpireSnapshots(transaction=change).by_ids(snapshots).commit()
    return table.refresh()


def _files_of(table: Table, without: set[int]) -> Iterator[Path]:
    """The files of all snapshots but some: lists, manifests, data and deleted rows."""
    seen: set[str] = set()
    for snapshot in table.snapshots():
        if snapshot.snapshot_id in without:
            continue
        yield local_file(snapshot.manifest_list)
        for manifest in snapshot.manifests(table.io):
            if manifest.manifest_path in seen:
                continue
            seen.add(manifest.manifest_path)
            yield local_file(manifest.manifest_path)
            for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True):
                yield local_file(entry.data_file.file_path)


def _metadata_of(table: Table, hours: int) -> Iterator[Path]:
    """The metadata of the current version, and of those that are younger than a number of hours."""
    yield local_file(table.metadata_location)
    before = (time.time() - hours * 3600) * 1000
    for old in table.metadata.metadata_log:
        if old.timestamp_ms > before:
            yield local_file(old.metadata_file)
