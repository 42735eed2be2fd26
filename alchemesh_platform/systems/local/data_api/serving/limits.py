"""What consumers of a serving copy may use, and how large and how late it may be."""

from __future__ import annotations

import os
from dataclasses import dataclass

_ADDRESS_SPACE_OF_A_SERVER_MEGABYTES = 320  # PostgreSQL's programs, libraries and shared memory


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of a serving copy.

    Args:
        statement_seconds: Time that a statement may take.
        idle_transaction_seconds: Time that a transaction may wait for its client.
        statement_megabytes: Memory that a statement may use.
        memory_megabytes: Memory that all statements may use together.
        temporary_gigabytes: Disk that a statement may use for sorting.
        connections: Connections that a consumer may have at once. Further ones wait.
        connections_max: Connections of all consumers.
        max_gigabytes: Size of a table's rows.
        max_lag_seconds: Time after a commit at which the copy counts as late.
    """

    statement_seconds: float = 60.0
    idle_transaction_seconds: float = 60.0
    statement_megabytes: int = 512
    memory_megabytes: int = 1536
    temporary_gigabytes: float = 2.0
    connections: int = 64
    connections_max: int = 400
    max_gigabytes: float = 10.0
    max_lag_seconds: float = 60.0

    @property
    def address_space_megabytes(self) -> int:
        """The limit of the operating system for each process of PostgreSQL."""
        return _ADDRESS_SPACE_OF_A_SERVER_MEGABYTES + self.statement_megabytes

    @property
    def bytes_max(self) -> int:
        """Bytes of a table's rows."""
        return int(self.max_gigabytes * 1e9)

    def settings(self) -> dict[str, str]:
        """The settings of PostgreSQL. A consumer can change some of them; the guard enforces the limits."""
        cores = os.cpu_count() or 1
        return {
            "max_connections": str(self.connections_max + 20),
            "statement_timeout": f"{int(self.statement_seconds * 1000)}ms",
            "idle_in_transaction_session_timeout": f"{int(self.idle_transaction_seconds * 1000)}ms",
            "temp_file_limit": f"{int(self.temporary_gigabytes * 1024 * 1024)}kB",
            "work_mem": f"{max(4, self.statement_megabytes // 32)}MB",
            "max_worker_processes": str(max(2, cores)),
            "max_parallel_workers": str(max(1, cores - 1)),
        }
