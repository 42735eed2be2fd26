"""Rows as messages of a stream: all of them are checked before the first is sent, since a stream takes none back."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

from alchemesh_platform.data.backend import Target
from alchemesh_platform.data.errors import SHOWN_MAX, Misfit, NotWritable, shown
from alchemesh_platform.data.writing.checked import CheckedRows
from alchemesh_platform.manifest.models import LogicalType, Property

Numbered = tuple[int, dict[str, Any]]  # number of the row, from 1, and its values


@contextmanager
def all_checked(rows: CheckedRows) -> Iterator[Iterator[Numbered]]:
    """The rows, after the last one was checked. They wait in a temporary file, so memory stays bounded.

    Raises:
        RowsRefused: when a row does not fit its model, or a message cannot hold it.
    """
    schema = rows.target.schema
    with tempfile.TemporaryFile(prefix="alchemesh-messages-") as file:
        before = 0
        with pa.ipc.new_stream(file, schema) as stream:
            for batch in rows.batches():
                rows.refuse(_misfits(rows.target, batch, before))
                stream.write_batch(batch)
                before += batch.num_rows
        file.seek(0)
        yield _numbered(file, schema)


def _numbered(file: Any, schema: pa.Schema) -> Iterator[Numbered]:
    number = 0
    if not file.seek(0, 2):
        return
    file.seek(0)
    with pa.ipc.open_stream(file) as stream:
        for batch in stream:
            for row in batch.to_pylist():
                number += 1
                yield number, row


def json_text(value: Any) -> str:
    """A value of a row as JSON without spaces. A decimal keeps its digits; moments are written as RFC 3339 has them."""
    if isinstance(value, Mapping):
        parts = (f"{json.dumps(name, ensure_ascii=False)}:{json_text(part)}" for name, part in value.items())
        return f"{{{','.join(parts)}}}"
    if isinstance(value, list):
        return f"[{','.join(map(json_text, value))}]"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return f'"{value.astimezone(UTC).replace(tzinfo=None).isoformat()}Z"'
    if value is None or isinstance(value, str | bool | int | float):
        return json.dumps(value, ensure_ascii=False)
    return f'"{value}"'  # a date


def key_text(target: Target, row: Mapping[str, Any]) -> str | None:
    """The key of a message: the value of the model's key, a JSON array if it has several parts; None without a key."""
    values = [row[name] for name in target.key]
    if not values:
        return None
    if len(values) == 1 and isinstance(values[0], str):
        return values[0]
    return json_text(values[0] if len(values) == 1 else values)


def headers_of(target: Target, number: int) -> dict[str, str]:
    """Headers that identify a message: a consumer that reads one twice recognises it by run and row."""
    known = {"alchemesh-run": target.run, "alchemesh-write": target.write_id, "alchemesh-row": str(number)}
    return {name: value for name, value in known.items() if value is not None}


def not_sent(target: Target, kind: str, sent: int, failed: list[tuple[int, dict[str, Any], str]]) -> NotWritable:
    """The error for messages that a broker refused.

    Args:
        kind: The stream, for the message: ``the broker``.
        sent: Number of messages that it took.
        failed: Number, values and reason of each refused row.
    """
    first = sorted(failed, key=lambda each: each[0])[:SHOWN_MAX]
    lines = "\n".join(f"  row {number:,}{_key(target, row)}: {reason}" for number, row, reason in first)
    return NotWritable(
        f"output port {target.port!r}: {kind} refused {len(failed):,} of {sent + len(failed):,} messages of model "
        f"{target.model!r}\n{lines}",
        hint="correct the cause and run the code again: consumers then get the messages that were taken a second time",
    )


def _key(target: Target, row: Mapping[str, Any]) -> str:
    key = ", ".join(f"{name} {shown(row[name])}" for name in target.key)
    return f" ({key})" if key else ""


def _misfits(target: Target, batch: pa.RecordBatch, before: int) -> list[Misfit]:
    """The first values that no message can hold: numbers that JSON lacks, nulls in arrays and in keys."""
    if not any(_may_lack(each) for each in target.properties.values()):
        return []
    found: list[Misfit] = []
    for at, row in enumerate(batch.to_pylist()):
        key = tuple((name, row[name]) for name in target.key)
        for name, declared in target.properties.items():
            for place, why in _lacking(row[name], declared, name):
                found.append(Misfit(before + at + 1, place, why, key))
                if len(found) == SHOWN_MAX:
                    return found
    return found


def _may_lack(declared: Property) -> bool:
    if declared.type is LogicalType.OBJECT:
        return any(_may_lack(part) for part in (declared.properties or {}).values())
    return (
        declared.key
        or declared.type is LogicalType.ARRAY
        or (declared.type is LogicalType.NUMBER and declared.precision is None)
    )


def _lacking(value: Any, declared: Property, place: str) -> Iterator[tuple[str, str]]:
    if value is None:
        if declared.key:
            yield place, "found null, and a message needs its key"
    elif isinstance(value, float) and not math.isfinite(value):
        yield place, f"found {value}, and JSON has no such number"
    elif declared.type is LogicalType.OBJECT:
        for name, part in (declared.properties or {}).items():
            yield from _lacking(value[name], part, f"{place}.{name}")
    elif declared.type is LogicalType.ARRAY:
        for item in value:
            if item is None:
                yield f"{place}[]", "found null in an array, and the schema of the messages allows none"
            elif declared.items is not None:
                yield from _lacking(item, declared.items, f"{place}[]")
