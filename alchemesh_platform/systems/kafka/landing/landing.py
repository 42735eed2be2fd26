"""Lands batches of a topic as Parquet. Each file is complete and synced to the disk before its offsets are committed.

The name of a file holds its topic, partition and offsets, so the folder itself records the progress. If a killed
consumer landed files without a commit, the next one neither reads nor writes those messages again.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from alchemesh_platform.base.sql import quoted
from alchemesh_platform.machine.files import storage_errors
from alchemesh_platform.systems.kafka.landing.batch import (
    KEY,
    OFFSET,
    PARTITION,
    TIMESTAMP,
    Message,
    Sorted,
    Span,
    sort_messages,
    span_of,
    without,
)

DEAD_LETTERS = "dead-letters"
STAGING = ".alchemesh-landing"
ROWS = "rows.parquet"
MEMORY_LIMIT = "512MB"


def next_offset(target: Path, topic: str, topic_id: str, partition: int) -> int | None:
    """The first offset that is not landed yet; None if the partition has no landed messages."""
    landed = [
        span.last + 1
        for file in target.glob("*.parquet")
        if (span := span_of(file.stem)) and (span.topic, span.topic_id, span.partition) == (topic, topic_id, partition)
    ]
    return max(landed, default=None)


def land(
    target: Path, topic: str, topic_id: str, partition: int, messages: Sequence[Message]
) -> tuple[Path | None, Sorted]:
    """Land messages of one partition, in order. Returns once they are synced to the disk.

    Returns:
        The file (None if no message is a row), and the sorted messages.

    Raises:
        StorageFailed: when the file system refuses. Incomplete files are ignored.
    """
    span = Span(topic, topic_id, partition, messages[0].offset, messages[-1].offset)
    done = sort_messages(partition, messages)
    with storage_errors(f"land in {target}"):
        staging = target / STAGING
        staging.mkdir(exist_ok=True)
        try:
            refused = _refused(done.rows, staging)
        except _NotTogether:
            return _land_halves(target, topic, topic_id, partition, messages)
        if refused:
            done = without(done, partition, messages, refused)
        if done.dead:
            # Dead letters come first, since the file of rows marks the whole span as landed.
            letters = target / DEAD_LETTERS
            letters.mkdir(exist_ok=True)
            _replace_overlapping(letters, span, ".jsonl")
            _put(_written(staging, done.dead), letters / f"{span.stem}.jsonl")
        if not done.rows:
            return None, done
        file = target / f"{span.stem}.parquet"
        _put(staging / ROWS, file)  # which the search for refused lines left
        return file, done


class _NotTogether(Exception):
    """Raised when lines make no table together, but each half does: ``{"a": {"b": 1}}, {"a": {"B": 1}}``."""


def _land_halves(
    target: Path, topic: str, topic_id: str, partition: int, messages: Sequence[Message]
) -> tuple[Path | None, Sorted]:
    """Land messages as two or more files; as ``land``, with the last file. The next run resumes after a kill."""
    half = len(messages) // 2
    first, done = land(target, topic, topic_id, partition, messages[:half])
    last, rest = land(target, topic, topic_id, partition, messages[half:])
    return last or first, Sorted([*done.rows, *rest.rows], [*done.dead, *rest.dead])


def sweep(target: Path) -> None:
    """Remove incomplete files of a killed consumer."""
    shutil.rmtree(target / STAGING, ignore_errors=True)


def _replace_overlapping(folder: Path, span: Span, suffix: str) -> None:
    """Replace the earlier file of a batch, since a batch that is read again may end at another offset."""
    for file in folder.glob(f"*{suffix}"):
        other = span_of(file.stem)
        same = other is not None and (other.topic_id, other.partition) == (span.topic_id, span.partition)
        if other is not None and same and other.first >= span.first and other.stem != span.stem:
            file.unlink(missing_ok=True)


def _written(staging: Path, lines: Sequence[str]) -> Path:
    draft = staging / "lines.jsonl"
    draft.write_text("\n".join(lines) + "\n", "utf-8")
    return draft


def _refused(lines: Sequence[str], staging: Path) -> dict[str, str]:
    """Lines of JSON that cannot become rows of a table, with the reason: too deep, an empty name, …

    The function leaves the table of all other lines in the staging folder.

    Raises:
        _NotTogether: when the other lines make no table together, but each half does.
    """
    found: dict[str, str] = {}
    while more := _some_refused([line for line in lines if line not in found], staging):
        found |= more
    return found


def _some_refused(lines: Sequence[str], staging: Path) -> dict[str, str]:
    """Halve a refused batch until the refused lines are found. Without that, the consumer would fail at them forever.

    Raises:
        _NotTogether: as ``_refused``.
    """
    import duckdb

    if not lines:
        return {}
    try:
        _parquet(lines, staging)
    except (duckdb.ProgrammingError, duckdb.DataError, duckdb.NotSupportedError) as error:
        if len(lines) == 1:
            return {lines[0]: str(error).partition("\n")[0]}
        half = len(lines) // 2
        found = {**_some_refused(lines[:half], staging), **_some_refused(lines[half:], staging)}
        if not found:
            raise _NotTogether from error
        return found
    return {}


def _parquet(rows: Sequence[str], staging: Path) -> Path:
    """Lines of JSON as Parquet; types are inferred from all of them."""
    import duckdb

    lines = _written(staging, rows)
    draft = staging / ROWS
    draft.unlink(missing_ok=True)
    read = f"read_json({quoted(str(lines))}, format = 'newline_delimited', records = true, sample_size = -1)"
    own = {PARTITION: "INTEGER", OFFSET: "BIGINT", KEY: "VARCHAR"}
    casts = ", ".join(f"{name}::{type_} AS {name}" for name, type_ in own.items())
    with duckdb.connect(config={"memory_limit": MEMORY_LIMIT, "threads": 1}) as connection:
        connection.execute(
            f"COPY (SELECT * REPLACE ({casts}, make_timestamp_ms({TIMESTAMP}::BIGINT) AS {TIMESTAMP}) FROM {read}) "  # noqa: S608 quoted
            f"TO {quoted(str(draft))} (FORMAT parquet)"
        )
    return draft


def _put(draft: Path, place: Path) -> None:
    """Move a file to its place in one step, and sync the file and its name to the disk."""
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    draft.replace(place)
    folder = os.open(place.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
