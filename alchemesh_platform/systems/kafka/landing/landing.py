"""Landing batches of a topic as Parquet: each file whole and safe on the disk before its offsets are committed.

A file is named after its topic, partition and offsets, so that the folder itself knows how far it has come. Files
that a killed consumer landed without a commit are neither read again nor written twice.
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
    """The first offset that is not landed yet; None when nothing of the partition is."""
    landed = [
        span.last + 1
        for file in target.glob("*.parquet")
        if (span := span_of(file.stem)) and (span.topic, span.topic_id, span.partition) == (topic, topic_id, partition)
    ]
    return max(landed, default=None)


def land(
    target: Path, topic: str, topic_id: str, partition: int, messages: Sequence[Message]
) -> tuple[Path | None, Sorted]:
    """Land messages of one partition, in their order; returns when they are safe.

    Returns:
        The file (None when no message made a row), and the messages, sorted.

    Raises:
        StorageFailed: when the file system refuses; nothing half-written counts.
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
            # Before the rows: their file is what says that all of the span is safe.
            letters = target / DEAD_LETTERS
            letters.mkdir(exist_ok=True)
            _replace_overlapping(letters, span, ".jsonl")
            _put(_written(staging, done.dead), letters / f"{span.stem}.jsonl")
        if not done.rows:
            return None, done
        file = target / f"{span.stem}.parquet"
        _put(staging / ROWS, file)  # which the look for what is refused left
        return file, done


class _NotTogether(Exception):
    """Raised when no table can be made of lines of which each half makes one: ``{"a": {"b": 1}}, {"a": {"B": 1}}``."""


def _land_halves(
    target: Path, topic: str, topic_id: str, partition: int, messages: Sequence[Message]
) -> tuple[Path | None, Sorted]:
    """Land messages as two or more files; as ``land``, with the last file. The next run resumes after a kill."""
    half = len(messages) // 2
    first, done = land(target, topic, topic_id, partition, messages[:half])
    last, rest = land(target, topic, topic_id, partition, messages[half:])
    return last or first, Sorted([*done.rows, *rest.rows], [*done.dead, *rest.dead])


def sweep(target: Path) -> None:
    """Remove what a killed consumer left half-written."""
    shutil.rmtree(target / STAGING, ignore_errors=True)


def _replace_overlapping(folder: Path, span: Span, suffix: str) -> None:
    """A batch that is read again may end elsewhere: its file takes the place of the one that it was before."""
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
    """Lines that are JSON and that no table can be made of, and why: too deep, a name that is empty, …

    The table of all others is left in the staging folder.

    Raises:
        _NotTogether: when others are left that each half makes a table of, and all of them make none.
    """
    found: dict[str, str] = {}
    while more := _some_refused([line for line in lines if line not in found], staging):
        found |= more
    return found


def _some_refused(lines: Sequence[str], staging: Path) -> dict[str, str]:
    """A batch that is refused is halved until lines are found: a consumer that failed at one would never get past it.

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
    """Move a file to its place in one step, and have it and its name on the disk before anything else happens."""
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    draft.replace(place)
    folder = os.open(place.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
