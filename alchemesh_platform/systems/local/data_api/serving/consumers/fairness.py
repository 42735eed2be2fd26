"""Fairness between consumers: one that used much of the processor waits for others, and memory has a limit.

PostgreSQL has no priorities, and a consumer can change its own limits of memory. Each connection is a process, so the
operating system has both. The kernel gives a process with a high nice value only what the others leave. Nice values
count for the whole machine, so a consumer without another one beside it keeps its own.

Linux only: it reads proc(5) several times a second.
"""

from __future__ import annotations

import os
import signal
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from alchemesh_platform.systems.local.data_api.gateway.consumers import HEALTH, PROBE
from alchemesh_platform.systems.local.data_api.serving.place import ADMIN, DATABASE

LOOK_SECONDS = 0.1
# The share of one processor, of late, from which a consumer waits for the others.
BUSY_SHARE = 0.25
_KEPT = 0.8  # of what was used before, at each look: what is older counts less and less
_PATIENT, _LAST = 10, 19
_LOADER_NICE = 5
_WORKERS = "parallel worker"  # their titles name no user
_NO_CONSUMERS = frozenset({ADMIN, HEALTH, PROBE, _WORKERS})
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(slots=True)
class Fairness:
    """Watches the processes of one PostgreSQL.

    Args:
        enclosure: The process above PostgreSQL.
        memory_bytes: Memory that all statements may use together.
    """

    enclosure: int
    memory_bytes: int
    _server: int | None = None
    _used: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    _seconds: dict[int, float] = field(default_factory=dict)
    _users: dict[int, str] = field(default_factory=dict)
    _nice: dict[int, int] = field(default_factory=dict)

    def look(self, elapsed: float) -> None:
        """Set the priorities for what was used since the last look, and end what uses too much memory."""
        users = dict(self._connections())
        for user in self._used:
            self._used[user] *= _KEPT
        seconds = {pid: _seconds(pid) for pid in users}
        for pid, user in users.items():
            self._used[user] += seconds[pid] - self._seconds.get(pid, 0.0)
        self._seconds, self._users = seconds, users
        self._nice = {pid: nice for pid, nice in self._nice.items() if pid in users}
        shared = len(set(users.values()) - _NO_CONSUMERS) > 1
        for pid, user in users.items():
            self._renice(pid, self._wanted(user, elapsed, shared=shared))
        sizes = [(_private_bytes(pid), pid) for pid, user in users.items() if user != ADMIN]
        if sum(size for size, _ in sizes) > self.memory_bytes:
            with suppress(OSError):
                os.kill(max(sizes)[1], signal.SIGTERM)

    def _wanted(self, user: str, elapsed: float, *, shared: bool) -> int:
        if user == ADMIN:
            return _LOADER_NICE
        if not shared:
            return 0
        if user == _WORKERS:
            return _PATIENT
        # The share of one processor that a steady use comes to, when older looks count less and less.
        share = self._used[user] * (1 - _KEPT) / max(elapsed, LOOK_SECONDS)
        return 0 if share < BUSY_SHARE else _PATIENT if share < 2 * BUSY_SHARE else _LAST

    def _renice(self, pid: int, more: int) -> None:
        """Raise the nice value of a process by so much over that of the server."""
        if self._nice.get(pid, 0) == more or self._server is None:
            return
        # Only root can lower a nice value again. For others it ends with the connection.
        with suppress(OSError):
            nice = os.getpriority(os.PRIO_PROCESS, self._server) + more
            os.setpriority(os.PRIO_PROCESS, pid, min(nice, _LAST))
            self._nice[pid] = more

    def _connections(self) -> Iterator[tuple[int, str]]:
        """The processes of connections, each with its user: ``postgres: USER DATABASE [local] SELECT``."""
        if self._server is None:
            self._server = server_below(self.enclosure)
        if self._server is None:
            return
        for pid in _children(self._server):
            user = self._users.get(pid) or _user(_read(pid, "cmdline").replace("\0", " "))
            if user is not None:
                yield pid, user


def server_below(pid: int) -> int | None:
    """The PostgreSQL server that is this process, or below it."""
    if _read(pid, "comm").strip() == "postgres":
        return pid
    return next((found for child in _children(pid) if (found := server_below(child)) is not None), None)


def _user(title: str) -> str | None:
    if title.startswith(f"postgres: {_WORKERS}"):
        return _WORKERS
    if title.startswith("postgres: ") and f" {DATABASE} " in title:
        return title.removeprefix("postgres: ").split(" ", 1)[0]
    return None


def _children(pid: int) -> list[int]:
    return [int(child) for child in _read(pid, f"task/{pid}/children").split()]


def _seconds(pid: int) -> float:
    """Time of the processor that a process used."""
    fields = _read(pid, "stat").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS if fields else 0.0


def _private_bytes(pid: int) -> int:
    """Memory of a process that it shares with no other."""
    fields = _read(pid, "statm").split()
    return (int(fields[1]) - int(fields[2])) * _PAGE if fields else 0


def _read(pid: int, name: str) -> str:
    """A file of a process; empty if it has ended."""
    try:
        with open(f"/proc/{pid}/{name}", encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - read often
            return file.read()
    except OSError:
        return ""
