"""Feeds a writer that runs in a thread of its own, so that the code's own iterators run in the code's thread.

Writers pull batches from threads of their own. There, a generator could neither use what belongs to its thread, such as
a cursor of SQLite, nor read another table with the same library.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import Any, TypeVar

import pyarrow as pa

T = TypeVar("T")

_AHEAD_BYTES = 64 * 1024 * 1024
_LOOK_SECONDS = 0.1


class _Ahead(Queue[Any]):
    """A queue that is full by the size of what waits in it.

    While the writer works on the last batches, this thread finds out whether the keys of all rows are unique.
    """

    def _init(self, maxsize: int) -> None:
        super()._init(maxsize)
        self._bytes = 0

    def _qsize(self) -> int:
        return self._bytes

    def _put(self, item: Any) -> None:
        super()._put(item)
        self._bytes += _size(item)

    def _get(self) -> Any:
        item = super()._get()
        self._bytes -= _size(item)
        return item


def _size(item: pa.RecordBatch | None) -> int:
    return 1 if item is None else 1 + item.nbytes


class Abandoned(Exception):
    """Raised inside of the writer when the rows have ended with an error."""


def fed(schema: pa.Schema, batches: Iterator[pa.RecordBatch], write: Callable[[pa.RecordBatchReader], T]) -> T:
    """Call a writer in a thread with a reader of batches that this thread produces; returns its result.

    Raises:
        Exception: that of the iterator, or else that of the writer.
    """
    queue = _Ahead(_AHEAD_BYTES)
    failed, ended = Event(), Event()
    result: list[T] = []
    error: list[BaseException] = []

    def following() -> Iterator[pa.RecordBatch]:
        while True:
            try:
                batch = queue.get(timeout=_LOOK_SECONDS)
            except Empty:
                if failed.is_set():
                    raise Abandoned from None
                continue
            if failed.is_set():
                raise Abandoned
            if batch is None:
                return
            yield batch

    def run() -> None:
        try:
            result.append(write(pa.RecordBatchReader.from_batches(schema, following())))
        except BaseException as raised:  # noqa: BLE001 - raised again in the thread that waits
            error.append(raised)
        finally:
            ended.set()

    thread = Thread(target=run, name="alchemesh-write", daemon=True)
    thread.start()
    try:
        for batch in batches:
            if not _put(queue, batch, ended):
                break
        _put(queue, None, ended)
        ended.wait()
    except BaseException:
        failed.set()
        raise
    finally:
        thread.join()
    if error:
        raise error[0]
    return result[0]


def _put(queue: Queue[Any], item: Any, ended: Event) -> bool:
    """Put an item unless the writer has ended; returns whether it was put."""
    while not ended.is_set():
        try:
            queue.put(item, timeout=_LOOK_SECONDS)
        except Full:
            continue
        return True
    return False
