"""A connection of DuckDB for measuring: its own memory limit, folder for spilling, and time limits."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from alchemesh_platform.base.packages.extras import PACKAGE
from alchemesh_platform.base.secrecy.recognise import without_secrets
from alchemesh_platform.data.in_memory import open_duckdb
from alchemesh_platform.data.rows import needs
from alchemesh_platform.quality.tables import TooSlow

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MEMORY = "1GB"
_REASON_MAX = 500


class NoRoom(Exception):
    """Raised when a scan needs more memory and disk than it may have."""


@contextmanager
def working(memory: str = MEMORY, disk: str | None = None) -> Iterator[DuckDBPyConnection]:
    """A connection for scans. It moves data that does not fit into its memory to a temporary folder.

    Args:
        memory: The most memory.
        disk: The most disk; by default, nine tenths of the free disk.

    Raises:
        NotReadable: when DuckDB is not installed.
    """
    needs("duckdb", f"{PACKAGE}[local]")

    with tempfile.TemporaryDirectory(prefix="alchemesh-quality-") as spill, open_duckdb() as work:
        work.execute(f"SET memory_limit = '{memory}'")
        work.execute("SET preserve_insertion_order = false")
        work.execute("SET temp_directory = ?", [spill])
        if disk is not None:
            work.execute("SET max_temp_directory_size = ?", [disk])
        yield work


@contextmanager
def limited(work: DuckDBPyConnection, seconds: float) -> Iterator[None]:
    """Statements that together have a time limit.

    Raises:
        TooSlow: when they do not end in time.
        NoRoom: when they need more memory and disk than they may have.
    """
    import duckdb

    # A statement cannot be given a time limit, but another thread can stop it.
    ended = threading.Event()

    def stop() -> None:
        ended.set()
        work.interrupt()

    timer = threading.Timer(seconds, stop)
    timer.daemon = True
    timer.start()
    try:
        yield
    except duckdb.InterruptException:
        if ended.is_set():
            raise TooSlow(seconds) from None
        raise
    except (duckdb.OutOfMemoryException, duckdb.IOException) as error:
        if isinstance(error, duckdb.OutOfMemoryException) or "No space left" in str(error):
            raise NoRoom(
                f"the scan needs more than its {MEMORY} of memory and the free disk of {tempfile.gettempdir()}"
            ) from error
        raise
    finally:
        timer.cancel()


def reason_of(error: BaseException) -> str:
    """The reason of an error in one line of at most 500 characters; the name of its class if it has no text."""
    text = without_secrets(str(getattr(error, "message", None) or error))
    line = next((line.strip() for line in text.splitlines() if line.strip()), type(error).__name__)
    return line.replace("\0", "\\0")[:_REASON_MAX]
