"""Reads a log of lines that another program appends to and rotates: every line once, in bounded memory.

The beginning of a file identifies it, since its first line has a time and an address. A renamed or compressed file
keeps its position, and a new file with a used name has a new one. Files are independent of each other: the position
holds an offset for each of them.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from alchemesh_platform.machine.files import storage_errors

READ_BYTES = 1024 * 1024
LINE_MAX_BYTES = 4 * 1024 * 1024  # a longer line is damage
_NAME_BYTES = 4_096  # of a first line, enough to identify a file
_TAIL_BYTES = 256
_REMEMBERED = 200  # files, also those that are not there now: a rename may hide one for a moment
_LOOKS = 5
_GZIP = ".gz"

Take = Callable[[bytes], bool]


@dataclass(slots=True)
class LogPosition:
    """The position in a log: an offset for each of its files.

    Args:
        files: Identity of a file: the offset, a digest of the bytes before it, and whether the file is complete.
        current: Identity of the file that was written to.
    """

    files: dict[str, tuple[int, str, bool]] = field(default_factory=dict)
    current: str | None = None

    @classmethod
    def of(cls, document: Mapping[str, Any] | None) -> LogPosition:
        """The position in a document."""
        found = document or {}
        files = {name: (int(at), str(tail), bool(whole)) for name, (at, tail, whole) in found.get("files", {}).items()}
        return cls(files, found.get("current"))

    def document(self) -> dict[str, Any]:
        """The position as a JSON object."""
        kept = list(self.files.items())[-_REMEMBERED:]
        return {"files": {name: list(each) for name, each in kept}, "current": self.current}


@dataclass(slots=True)
class LogReading:
    """The result of reading a log.

    Args:
        position: The new position.
        lost: Sentences about parts that disappeared before they were read.
        unreadable: Lines that were not accepted.
        more: Whether there is more to read.
    """

    position: LogPosition
    lost: list[str] = field(default_factory=list)
    unreadable: int = 0
    more: bool = False


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    content: IO[bytes]
    identity: str
    current: bool
    size: int | None  # of an uncompressed file


def read_log(path: Path, before: LogPosition, take: Take, bytes_max: int) -> LogReading:
    """Read the complete lines of a log after a position.

    Args:
        path: The file that the program writes to. Rotated files are next to it, as ``NAME-*.log`` or ``NAME-*.log.gz``.
        before: The position.
        take: Receives each line without its end; returns whether it accepts it.
        bytes_max: About how many bytes to read.

    Raises:
        StorageFailed: when a file cannot be read.
    """
    done = LogReading(LogPosition(dict(before.files)))
    with storage_errors(f"read {path}"), _opened(path, before.current) as files:
        left = bytes_max
        for each in files:
            if each.current:
                done.position.current = each.identity
            left -= _read_file(each, done, take, left)
        found = {each.identity for each in files}
    if before.current is not None and before.current not in found:
        done.lost.append(f"{path.name} was removed or truncated before it was read to its end")
    return done


def _read_file(file: _File, done: LogReading, take: Take, bytes_max: int) -> int:
    """Read a file after its offset; returns the number of bytes."""
    files = done.position.files
    start, tail, whole = files.pop(file.identity, (0, "", False))
    files[file.identity] = (start, tail, whole)  # the last seen is the last forgotten
    if whole:
        return 0
    if bytes_max <= 0:
        done.more = True
        return 0
    if (file.size is not None and file.size < start) or (start and _digest(_before(file.content, start)) != tail):
        done.lost.append(f"{file.path.name} was truncated or rewritten: only lines after that are counted")
        end = _last_line_end(file.content)
        files[file.identity] = (end, _digest(_before(file.content, end)), False)
        return 0
    file.content.seek(start)
    end, last, read, open_, skips = start, b"", 0, b"", False
    while read < bytes_max and (block := file.content.read(READ_BYTES)):
        read += len(block)
        *lines, open_ = (open_ + block).split(b"\n")
        for at, line in enumerate(lines):
            if at == 0 and skips:
                skips = False
                done.unreadable += 1
            elif line:
                done.unreadable += not take(line)
        if lines:
            end = start + read - len(open_)
            last = (last + b"\n".join(lines) + b"\n")[-_TAIL_BYTES:]
        if len(open_) > LINE_MAX_BYTES:
            skips, open_ = True, b""
    if end > start:
        tail = _digest(last if len(last) == _TAIL_BYTES else _before(file.content, end))
    ended = read < bytes_max
    done.more |= not ended
    files[file.identity] = (end, tail, ended and not file.current)
    return read


@contextmanager
def _opened(path: Path, expected: str | None) -> Iterator[list[_File]]:
    """The open files of a log. The program may rotate between a look at the folder and the opening of a file."""
    for look in range(_LOOKS):
        with ExitStack() as stack:
            files = _open_all(path, stack)
            last = look == _LOOKS - 1
            if files is None or (not last and expected and all(each.identity != expected for each in files)):
                continue
            yield files
            return
    yield []


def _open_all(path: Path, stack: ExitStack) -> list[_File] | None:
    """The files of a log, open, the current one last; None if one disappeared meanwhile."""
    plain = sorted(path.parent.glob(f"{path.stem}-*{path.suffix}"))
    packed = sorted(path.parent.glob(f"{path.stem}-*{path.suffix}{_GZIP}"))
    names = {each.name for each in plain}
    # A file that is being compressed has both forms, and only the plain one is complete.
    rotated = sorted([*plain, *(each for each in packed if each.name.removesuffix(_GZIP) not in names)])
    found: dict[str, _File] = {}
    for each in [*rotated, path]:
        current = each == path
        try:
            content: Any = stack.enter_context(_open(each))
        except FileNotFoundError:
            if current:
                continue
            return None
        identity = _identity(content)
        if identity is not None:
            size = None if each.suffix == _GZIP else _size(content)
            found[identity] = _File(each, content, identity, current, size)
    return list(found.values())


def _open(path: Path) -> Any:
    return gzip.open(path) if path.suffix == _GZIP else path.open("rb")


def _size(content: IO[bytes]) -> int:
    return content.seek(0, 2)


def _identity(content: IO[bytes]) -> str | None:
    """The identity of a file; None while its first line is not complete."""
    start = content.read(_NAME_BYTES)
    line, end, _ = start.partition(b"\n")
    return _digest(line) if end or len(start) == _NAME_BYTES else None


def _before(content: IO[bytes], offset: int) -> bytes:
    """The last bytes before an offset."""
    start = max(offset - _TAIL_BYTES, 0)
    content.seek(start)
    return content.read(offset - start)


def _last_line_end(content: IO[bytes]) -> int:
    """The end of the last complete line."""
    content.seek(0)
    at = end = 0
    while block := content.read(READ_BYTES):
        if (found := block.rfind(b"\n")) >= 0:
            end = at + found + 1
        at += len(block)
    return end


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]
