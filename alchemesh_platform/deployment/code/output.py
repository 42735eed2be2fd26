"""The output of a run while it runs: a private file that `alchemesh runs logs` reads. The history has its end later."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

LIMIT_BYTES = 8 * 1024 * 1024
KEPT_BYTES = 64 * 1024  # of a killed run, in the history
KEPT_SECONDS = 30 * 86_400.0  # of a file that nobody writes to
_POLL_SECONDS = 0.1
_CUT = "[…] the rest is not shown while the code runs; the history has the end of the output\n"


def output_file(home: Path, environment: str, run: str) -> Path:
    """The file of a run's output while it runs."""
    return home / environment / "runs" / f"{run}.log"


@contextmanager
def kept_output(path: Path, on_output: Callable[[str], None]) -> Iterator[Callable[[str], None]]:
    """Append each line to a file, and forward it. The file is removed at the end.

    A full disk costs the file and not the run.

    Yields:
        The function that receives each line, with secrets masked.
    """
    file: IO[bytes] | None = None
    with suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb", buffering=0)
    left = LIMIT_BYTES

    def receive(line: str) -> None:
        nonlocal left
        data = f"{line}\n".encode(errors="replace")
        if file is not None and left > 0:
            with suppress(OSError):
                file.write(data if len(data) <= left else _CUT.encode())
            left -= len(data)
        on_output(line)

    try:
        yield receive
    finally:
        if file is not None:
            file.close()
        with suppress(OSError):
            path.unlink(missing_ok=True)


def left_over(home: Path, environment: str, run: str) -> str | None:
    """The end of the output of a killed run, which could not record it; None if it left none on this machine."""
    try:
        with output_file(home, environment, run).open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - KEPT_BYTES))
            return file.read().decode(errors="replace")
    except OSError:
        return None


def remove_left_over(home: Path, environment: str, runs: Iterable[str]) -> None:
    """Remove the files of killed runs."""
    for run in runs:
        with suppress(OSError):
            output_file(home, environment, run).unlink(missing_ok=True)


def remove_old(home: Path, environment: str) -> None:
    """Remove the files of killed runs that nobody recorded, as of a product that was destroyed since.

    A run that writes nothing for so long continues to write into its file, which only `alchemesh runs logs` misses.
    """
    before = time.time() - KEPT_SECONDS
    with suppress(OSError):
        for file in output_file(home, environment, "").parent.glob("*.log"):
            with suppress(OSError):
                if file.stat().st_mtime < before:
                    file.unlink(missing_ok=True)


def followed(path: Path, ended: Callable[[], bool]) -> Iterator[str]:
    """The lines of a running run, until it has ended.

    Args:
        path: Its file. It may not exist yet.
        ended: Whether the run has ended.
    """
    while True:
        over = ended()
        try:
            file = path.open("r", encoding="utf-8", errors="replace", newline="\n")
            break
        except OSError:
            if over:
                return
            time.sleep(_POLL_SECONDS)
    rest = ""
    with file:
        while True:
            over = ended()  # before the read, so that the last lines are read
            rest += file.read()
            *lines, rest = rest.split("\n")
            yield from lines
            if over:
                break
            time.sleep(_POLL_SECONDS)
    if rest:
        yield rest
