"""Lands batches of a topic as Parquet. Each file is complete and synced to the disk before its offsets are committed.

The name of a file holds its topic, partition and offsets, so the folder itself records the progress. If a killed
consumer landed files without a commit, the next one neither reads nor writes those messages again.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from alchemesh_platform.base.sql import quoted
from alchemesh_platform.machine.files import storage_errors
from alchemesh_platform.machine.json_numbers import Real, exact, exact_text
from alchemesh_platform.machine.json_structure import Structure, merged, settled, structure_of
from alchemesh_platform.systems.kafka.landing.batch import (
    KEY,
    OFFSET,
    OWN,
    PARTITION,
    TIMESTAMP,
    Message,
    Row,
    Sorted,
    Span,
    sort_messages,
    span_of,
    without,
)
from alchemesh_platform.systems.kafka.landing.schema import (
    SCHEMA_FILE,
    TopicSchema,
    misfit,
    placed,
    read_schema,
    respelt,
    schema_text,
    with_columns,
)

DEAD_LETTERS = "dead-letters"
STAGING = ".alchemesh-landing"
ROWS = "rows.parquet"
MEMORY_LIMIT = "512MB"
LONGEST_USUAL_OBJECT = 16 * 1024**2  # bytes: DuckDB's default


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
    recorded = read_schema(target) or TopicSchema()
    done = sort_messages(partition, messages)
    misfits = {row.offset: why for row in done.rows if (why := misfit(recorded, row.values)) is not None}
    done = without(done, partition, messages, misfits)
    with storage_errors(f"land in {target}"):
        staging = target / STAGING
        staging.mkdir(exist_ok=True)
        try:
            refused = _refused(done.rows, recorded, staging)
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
        _record(with_columns(recorded, (row.values for row in done.rows)), recorded, target, staging)
        file = target / f"{span.stem}.parquet"
        _put(staging / ROWS, file)  # which the search for refused lines left
        return file, done


class _NotTogether(Exception):
    """Raised when rows make no table together, but each half does."""


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


def adopt(target: Path) -> int:
    """Bring the files of a version that guessed types to one schema, and record it.

    A column that has a guessed type in one of them, such as a date, or several types, becomes text. No row is removed.

    Returns:
        The number of rewritten files. It is 0 for a folder that has a schema.

    Raises:
        StorageFailed: when the file system refuses. The next run begins again.
    """
    files = [file for file in sorted(target.glob("*.parquet")) if span_of(file.stem) is not None]
    if not files or read_schema(target) is not None:
        return 0
    staging = target / STAGING
    with storage_errors(f"bring {target} to one schema"):
        staging.mkdir(exist_ok=True)
        structures: dict[str, Structure] = {}
        for file in files:
            for row in _rows_of(file):
                structures = merged(structures, structure_of(respelt(row.values, structures)))
        schema = TopicSchema(columns={name: settled(structure) for name, structure in structures.items()})
        rewritten = 0
        for file in files:
            rows = _rows_of(file)
            if not rows:
                continue
            _put(_parquet(rows, schema, staging), file)
            rewritten += 1
        _record(schema, TopicSchema(), target, staging)
    return rewritten


def _rows_of(file: Path) -> list[Row]:
    """The rows of a landed file, with exact values."""
    import duckdb

    with duckdb.connect(config={"memory_limit": MEMORY_LIMIT, "threads": 1}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        found = connection.execute(
            f"SELECT to_json(r) FROM (SELECT * REPLACE (epoch_ms({TIMESTAMP}) AS {TIMESTAMP}) "  # noqa: S608 quoted
            f"FROM read_parquet({quoted(str(file))})) r"
        ).fetchall()
    rows = []
    for (text,) in found:
        whole = json.loads(text, parse_float=Real)
        origin = {name: whole.pop(name) for name in OWN}
        rows.append(Row(exact(whole, set()), origin))
    return rows


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


def _refused(rows: Sequence[Row], recorded: TopicSchema, staging: Path) -> dict[int, str]:
    """Offsets of rows that no table can store, with the reason.

    The function leaves the table of all other rows in the staging folder.

    Raises:
        _NotTogether: when the other rows make no table together, but each half does.
    """
    found: dict[int, str] = {}
    while more := _some_refused([row for row in rows if row.offset not in found], recorded, staging):
        found |= more
    return found


def _some_refused(rows: Sequence[Row], recorded: TopicSchema, staging: Path) -> dict[int, str]:
    """Halve a refused batch until the refused rows are found. Without that, the consumer would fail at them forever.

    Raises:
        _NotTogether: as ``_refused``.
    """
    import duckdb

    if not rows:
        return {}
    try:
        _parquet(rows, with_columns(recorded, (row.values for row in rows)), staging)
    except (duckdb.ProgrammingError, duckdb.DataError, duckdb.NotSupportedError, RecursionError) as error:
        if len(rows) == 1:
            return {rows[0].offset: "a table cannot store its names or its nested values"}
        half = len(rows) // 2
        found = {
            **_some_refused(rows[:half], recorded, staging),
            **_some_refused(rows[half:], recorded, staging),
        }
        if not found:
            raise _NotTogether from error
        return found
    return {}


def _parquet(rows: Sequence[Row], schema: TopicSchema, staging: Path) -> Path:
    """Rows as Parquet, with the columns and types of the schema."""
    import duckdb

    lines = [exact_text({**placed(schema, row.values), **row.origin}) for row in rows]
    draft = staging / ROWS
    draft.unlink(missing_ok=True)
    types = {**schema.types, PARTITION: "INTEGER", OFFSET: "BIGINT", TIMESTAMP: "BIGINT", KEY: "VARCHAR"}
    columns = ", ".join(f"{quoted(name)}: {quoted(kind)}" for name, kind in types.items())
    longest = max(LONGEST_USUAL_OBJECT, max(len(line.encode()) for line in lines) + 1)
    read = (
        f"read_json({quoted(str(_written(staging, lines)))}, format = 'newline_delimited', records = true, "
        f"auto_detect = false, columns = {{{columns}}}, maximum_object_size = {longest})"
    )
    with duckdb.connect(config={"memory_limit": MEMORY_LIMIT, "threads": 1}) as connection:
        connection.execute("SET TimeZone = 'UTC'")  # a value must not depend on the machine
        connection.execute(
            f"COPY (SELECT * REPLACE (make_timestamp_ms({TIMESTAMP}) AS {TIMESTAMP}) FROM {read}) "  # noqa: S608 quoted
            f"TO {quoted(str(draft))} (FORMAT parquet)"
        )
    return draft


def _record(schema: TopicSchema, recorded: TopicSchema, target: Path, staging: Path) -> None:
    """Record the schema. It comes before the file, since later batches have to follow the types of a landed file."""
    if schema == recorded and (target / SCHEMA_FILE).is_file():
        return
    draft = staging / "schema.json"
    draft.write_text(schema_text(schema), "utf-8")
    _put(draft, target / SCHEMA_FILE)


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
