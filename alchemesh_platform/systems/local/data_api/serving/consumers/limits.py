"""Limits of the consumers of a serving copy, and of its size and lag."""

from __future__ import annotations

import os

from pydantic import Field

from alchemesh_platform.documents.models import Strict

_ADDRESS_SPACE_OF_A_SERVER_MEGABYTES = 320  # PostgreSQL's programs, libraries and shared memory
_OUTSIDE_STATEMENTS_MEGABYTES = 768  # shared buffers, the loader, and connections that do nothing


class Limits(Strict):
    """Limits of a serving copy, for each consumer and for the copy itself."""

    statement_seconds: float = Field(default=60.0, gt=0, description="Time that a statement may take.")
    idle_transaction_seconds: float = Field(
        default=60.0, gt=0, description="Time that an open transaction may wait for its client."
    )
    statement_megabytes: int = Field(default=512, ge=64, description="Memory that a statement may use.")
    memory_megabytes: int = Field(default=1536, ge=128, description="Memory that all statements may use together.")
    temporary_gigabytes: float = Field(default=2.0, gt=0, description="Disk that a statement may use to sort.")
    connections: int = Field(default=64, ge=1, description="Connections of a consumer at once; further ones wait.")
    connections_max: int = Field(default=400, ge=2, description="Connections of all consumers at once.")
    max_gigabytes: float = Field(default=10.0, gt=0, description="Size of a table's rows, uncompressed.")
    max_lag_seconds: float = Field(default=60.0, gt=0, description="Time after a commit at which the copy is late.")

    @property
    def address_space_megabytes(self) -> int:
        """The limit of the operating system for each process of PostgreSQL."""
        return _ADDRESS_SPACE_OF_A_SERVER_MEGABYTES + self.statement_megabytes

    @property
    def group_bytes(self) -> int:
        """The limit of the control group. The largest statement is ended before, when all together use too much.

        The cache of files counts too. So half of the machine's memory is allowed, if that is more.
        """
        needed = (_OUTSIDE_STATEMENTS_MEGABYTES + self.memory_megabytes + self.statement_megabytes) * 1_000_000
        return max(needed, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2)

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
            "max_parallel_workers": str(max(2, cores)),
        }
