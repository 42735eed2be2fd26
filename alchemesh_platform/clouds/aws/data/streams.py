"""Rows as messages of streams of Kinesis: JSON, one row in each."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any
from uuid import uuid4

from alchemesh_platform.clouds.aws.data.access import access, code_client
from alchemesh_platform.data.backend import Backend, Source, Target, Written
from alchemesh_platform.data.errors import NotReadable, NotWritable
from alchemesh_platform.data.rows import Rows
from alchemesh_platform.data.writing.checked import CheckedRows
from alchemesh_platform.data.writing.messages import Numbered, all_checked, json_text, key_text, not_sent

# https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html
RECORDS_MAX = 500
BYTES_MAX = 5 * 1024**2
ATTEMPTS, PAUSE_SECONDS = 8, 0.1  # pauses double: 25 s in all

_Waiting = tuple[Numbered, dict[str, Any]]


class KinesisMessages(Backend):
    """Streams of Kinesis. Rows can only be added, and a run that is repeated sends them again.

    Rows of one key are in one shard. A record that Kinesis throttles is sent again, and then comes after later ones.
    """

    name = "a stream"
    modes = ("append",)

    def read(self, source: Source) -> Rows:
        raise NotReadable(
            f"port {source.port!r}: a stream has no end, so it is not read as a whole",
            hint="read its records with boto3, or with the Kinesis Client Library",
        )

    def write(self, target: Target, rows: CheckedRows) -> Written:
        client = code_client("kinesis", NotWritable, f"output port {target.port!r}")
        stream = target.connection.topic(target.model)
        sent, failed = 0, list[tuple[int, dict[str, Any], str]]()
        with all_checked(rows) as checked:
            for batch in _batches(checked, target):
                refused = _put(client, stream, batch)
                sent += len(batch) - len(refused)
                failed += refused
        if failed:
            raise not_sent(target, "Kinesis", sent, failed)
        return Written(port=target.port, model=target.model, mode=target.mode, rows=rows.count)


DATA = KinesisMessages()


def _batches(rows: Iterator[Numbered], target: Target) -> Iterator[list[_Waiting]]:
    batch: list[_Waiting] = []
    size = 0
    for numbered in rows:
        data = json_text(numbered[1]).encode()
        key = (key_text(target, numbered[1]) or uuid4().hex)[:256]
        if batch and (len(batch) == RECORDS_MAX or size + len(data) + len(key) > BYTES_MAX):
            yield batch
            batch, size = [], 0
        batch.append((numbered, {"Data": data, "PartitionKey": key}))
        size += len(data) + len(key)
    if batch:
        yield batch


def _put(client: Any, stream: str, batch: Sequence[_Waiting]) -> list[tuple[int, dict[str, Any], str]]:
    """Send a batch, and again the records that Kinesis throttles; returns those that it refuses in the end."""
    waiting = list(batch)
    for attempt in count(1):
        with access(NotWritable, f"stream {stream}"):
            answer = client.put_records(StreamName=stream, Records=[record for _, record in waiting])
        again = [
            (each, str(result.get("ErrorMessage") or result["ErrorCode"]))
            for each, result in zip(waiting, answer["Records"], strict=True)
            if result.get("ErrorCode")
        ]
        if not again or attempt == ATTEMPTS:
            break
        waiting = [each for each, _ in again]
        time.sleep(PAUSE_SECONDS * 2 ** (attempt - 1))
    return [(number, row, reason) for ((number, row), _), reason in again]
