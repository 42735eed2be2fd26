"""Lands batches of a topic as Parquet. Each file is complete and synced to the disk before its offsets are committed.

The name of a file holds its topic, partition and offsets, so the folder itself records the progress. If a killed
consumer landed files without a commit, the next one neither reads nor writes those messages again.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.sql import quoted
from alchemesh_platform.data.in_memory import open_duckdb
from alchemesh_platform.machine.files import storage_errors
from alchemesh_platform.machine.landing.json_numbers import Real, exact, exact_text
from alchemesh_platform.machine.landing.json_structure import (
    Structure,
    merged,
    settled,
    structure_of,
    type_of_structure,
)
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
from alchemesh_platform.systems.kafka.landing.declared import (
    DECLARED,
    OTHERS,
    cells_of_messages,
    landing_select,
    line_of,
    unfit_rows,
)
from alchemesh_platform.systems.kafka.landing.rules import Rules
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

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

UNDECLARED = Rules()
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


class MessageRefused(Failure):
    """Raised for a message that does not fit, if the port does not reject it. Messages before it are landed.

    Attributes:
        landed: The messages before it, sorted.
    """

    landed = Sorted()


def land(
    target: Path,
    topic: str,
    topic_id: str,
    partition: int,
    messages: Sequence[Message],
    rules: Rules = UNDECLARED,
) -> tuple[Path | None, Sorted]:
    """Land messages of one partition, in order. Returns once they are synced to the disk.

    Returns:
        The file (None if no message is a row), and the sorted messages.

    Raises:
        MessageRefused: when a message does not fit, and the rules do not reject it.
        StorageFailed: when the file system refuses. Incomplete files are ignored.
    """
    span = Span(topic, topic_id, partition, messages[0].offset, messages[-1].offset)
    before = read_schema(target) or TopicSchema()
    recorded = before.model_copy(update={"declaration": rules.declaration()})
    done = sort_messages(partition, messages)
    misfits = {row.offset: why for row in done.rows if (why := _misfit(recorded, rules, row)) is not None}
    done = without(done, partition, messages, misfits)
    if rules.on_new_column == "ignore":
        done.rows = [_without_new(row, recorded, rules) for row in done.rows]
    with storage_errors(f"land in {target}"):
        staging = target / STAGING
        staging.mkdir(exist_ok=True)
        try:
            refused = _refused(done.rows, recorded, rules, staging)
        except _NotTogether:
            return _land_halves(target, topic, topic_id, partition, messages, rules)
        if refused:
            done = without(done, partition, messages, refused)
        if done.dead and rules.on_bad_row == "fail":
            raise _stopped(target, topic, topic_id, partition, messages, rules, done)
        if done.dead:
            # Dead letters come first, since the file of rows marks the whole span as landed.
            letters = target / DEAD_LETTERS
            letters.mkdir(exist_ok=True)
            _replace_overlapping(letters, span, ".jsonl")
            put(_written(staging, done.dead), letters / f"{span.stem}.jsonl")
        if not done.rows:
            return None, done
        record(_schema_with(recorded, done.rows, rules), before, target, staging)
        file = target / f"{span.stem}.parquet"
        put(staging / ROWS, file)  # which the search for refused lines left
        return file, done


class _NotTogether(Exception):
    """Raised when rows make no table together, but each half does."""


def _land_halves(
    target: Path, topic: str, topic_id: str, partition: int, messages: Sequence[Message], rules: Rules
) -> tuple[Path | None, Sorted]:
    """Land messages as two or more files; as ``land``, with the last file. The next run resumes after a kill."""
    half = len(messages) // 2
    first, done = land(target, topic, topic_id, partition, messages[:half], rules)
    last, rest = land(target, topic, topic_id, partition, messages[half:], rules)
    return last or first, Sorted([*done.rows, *rest.rows], [*done.dead, *rest.dead])


def _stopped(
    target: Path,
    topic: str,
    topic_id: str,
    partition: int,
    messages: Sequence[Message],
    rules: Rules,
    done: Sorted,
) -> MessageRefused:
    """Land the messages before the first one that does not fit; returns the failure that names it."""
    letter = min((json.loads(line) for line in done.dead), key=lambda each: int(each[OFFSET]))
    good = [message for message in messages if message.offset < letter[OFFSET]]
    refused = MessageRefused(
        f"topic {topic}, partition {partition}, offset {letter[OFFSET]}: {letter['why']}",
        hint="correct the schema of the port, or set `on_bad_row: reject`, then deploy it; no later message is landed",
    )
    if good:
        _, refused.landed = land(target, topic, topic_id, partition, good, rules)
    return refused


def _misfit(recorded: TopicSchema, rules: Rules, row: Row) -> str | None:
    """The reason why the columns of a row that are not declared do not fit; None if they do."""
    _, others = rules.split(row.values)
    why = rules.refused_name(others, recorded.columns)
    return why if why is not None else misfit(recorded, others)


def _without_new(row: Row, recorded: TopicSchema, rules: Rules) -> Row:
    """A row without the names that the schema lacks."""
    new = set(rules.new_names(rules.split(row.values)[1], recorded.columns))
    return Row({name: value for name, value in row.values.items() if name not in new}, row.origin) if new else row


def _schema_with(recorded: TopicSchema, rows: Sequence[Row], rules: Rules) -> TopicSchema:
    return with_columns(recorded, (rules.split(row.values)[1] for row in rows))


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
            put(_parquet(rows, schema, UNDECLARED, staging), file)
            rewritten += 1
        record(schema, TopicSchema(), target, staging)
    return rewritten


@contextmanager
def duckdb_connection() -> Iterator[DuckDBPyConnection]:
    """A connection of little memory, on which no value depends on the machine."""
    with open_duckdb({"memory_limit": MEMORY_LIMIT, "threads": 1}) as connection:
        yield connection


def write_messages(target: Path, path: Path) -> None:
    """Write the values of all landed files as lines of JSON, without the landing's own columns."""
    read = f"read_parquet({quoted(str(target / '*.parquet'))}, union_by_name = true)"
    with storage_errors(f"read {target}"), duckdb_connection() as connection:
        connection.execute(
            f"COPY (SELECT * EXCLUDE ({', '.join(OWN)}) FROM {read}) TO {quoted(str(path))} (FORMAT json)"  # noqa: S608 quoted
        )


def _rows_of(file: Path) -> list[Row]:
    """The rows of a landed file, with exact values."""

    with duckdb_connection() as connection:
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


def _refused(rows: Sequence[Row], recorded: TopicSchema, rules: Rules, staging: Path) -> dict[int, str]:
    """Offsets of rows that no table can store, with the reason.

    The function leaves the table of all other rows in the staging folder.

    Raises:
        _NotTogether: when the other rows make no table together, but each half does.
    """
    found: dict[int, str] = {}
    while more := _some_refused([row for row in rows if row.offset not in found], recorded, rules, staging):
        found |= more
    return found


def _some_refused(rows: Sequence[Row], recorded: TopicSchema, rules: Rules, staging: Path) -> dict[int, str]:
    """Halve a refused batch until the refused rows are found. Without that, the consumer would fail at them forever.

    Raises:
        _NotTogether: as ``_refused``.
    """
    import duckdb

    if not rows:
        return {}
    try:
        _parquet(rows, _schema_with(recorded, rows, rules), rules, staging)
    except _Unfit as unfit:
        return unfit.offsets
    except (duckdb.ProgrammingError, duckdb.DataError, duckdb.NotSupportedError, RecursionError) as error:
        if len(rows) == 1:
            return {rows[0].offset: "a table cannot store its names or its nested values"}
        half = len(rows) // 2
        found = {
            **_some_refused(rows[:half], recorded, rules, staging),
            **_some_refused(rows[half:], recorded, rules, staging),
        }
        if not found:
            raise _NotTogether from error
        return found
    return {}


class _Unfit(Exception):
    """Raised when values do not fit their declared columns; carries offsets and reasons."""

    def __init__(self, offsets: dict[int, str]) -> None:
        self.offsets = offsets
        super().__init__(offsets)


def _parquet(rows: Sequence[Row], schema: TopicSchema, rules: Rules, staging: Path) -> Path:
    """Rows as Parquet, with the columns and types of the schema.

    Raises:
        _Unfit: when values do not fit their declared columns.
    """

    draft = staging / ROWS
    draft.unlink(missing_ok=True)
    types = {PARTITION: "INTEGER", OFFSET: "BIGINT", TIMESTAMP: "BIGINT", KEY: "VARCHAR"}
    cells = cells_of_messages(rules)
    if rules.columns is None:
        lines = [exact_text({**placed(schema, row.values), **row.origin}) for row in rows]
        types = {**schema.types, **types}
        select = f"* REPLACE (make_timestamp_ms({TIMESTAMP}) AS {TIMESTAMP})"
    else:
        lines = [line_of(row, schema, rules) for row in rows]
        others = {OTHERS: type_of_structure(schema.columns)} if schema.columns else {}
        types = {DECLARED: "JSON", **others, **types}
        select = landing_select(cells, schema)
    columns = ", ".join(f"{quoted(name)}: {quoted(kind)}" for name, kind in types.items())
    longest = max(LONGEST_USUAL_OBJECT, max(len(line.encode()) for line in lines) + 1)
    read = (
        f"read_json({quoted(str(_written(staging, lines)))}, format = 'newline_delimited', records = true, "
        f"auto_detect = false, columns = {{{columns}}}, maximum_object_size = {longest})"
    )
    with duckdb_connection() as connection:
        if unfit := unfit_rows(connection, cells, read, rules):
            raise _Unfit(unfit)
        connection.execute(f"COPY (SELECT {select} FROM {read}) TO {quoted(str(draft))} (FORMAT parquet)")  # noqa: S608 quoted
    return draft


def record(schema: TopicSchema, recorded: TopicSchema, target: Path, staging: Path) -> None:
    """Record the schema. It comes before the file, since later batches have to follow the types of a landed file."""
    if schema == recorded and (target / SCHEMA_FILE).is_file():
        return
    draft = staging / "schema.json"
    draft.write_text(schema_text(schema), "utf-8")
    put(draft, target / SCHEMA_FILE)


def put(draft: Path, place: Path) -> None:
    """Move a file to its place in one step, and sync the file and its name to the disk."""
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    draft.replace(place)
    folder = os.open(place.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
