"""One instance of the data API: PostgreSQL, the loader that copies BigQuery tables into it, and the HTTP server.

The three are processes. If one of them ends, the instance ends, and Cloud Run starts another one.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from urllib.parse import quote

from alchemesh_platform.clouds.gcp.data_api.configuration import BigQueryTable, InstanceConfiguration
from alchemesh_platform.clouds.gcp.data_api.image import DATA_FOLDER
from alchemesh_platform.clouds.gcp.data_api.source import BigQuerySource
from alchemesh_platform.machine.files import write_if_changed
from alchemesh_platform.systems.local.data_api.http.configuration import (
    Address,
    Configuration,
    ConfiguredTable,
)
from alchemesh_platform.systems.local.data_api.http.configuration import Limits as HttpLimits
from alchemesh_platform.systems.local.data_api.serving.cluster import Cluster, prepared_folder, programs_folder
from alchemesh_platform.systems.local.data_api.serving.consumers.limits import Limits
from alchemesh_platform.systems.local.data_api.serving.consumers.roles import add_role
from alchemesh_platform.systems.local.data_api.serving.loader import Loader
from alchemesh_platform.systems.local.data_api.serving.loading.load import CopiedTable, Copy
from alchemesh_platform.systems.local.data_api.serving.loading.state import read_state
from alchemesh_platform.systems.local.data_api.serving.place import DATABASE, HTTP, PORT, Place

FOLDER = Path(DATA_FOLDER)  # in the memory of the instance
MODULE = "alchemesh_platform.clouds.gcp.data_api"
POSTGRES = "alchemesh_platform.systems.local.data_api.serving.postgres"
LOAD, WEB, PREPARE = "load", "web", "prepare"
# https://cloud.google.com/run/docs/configuring/healthchecks: a startup probe waits for at most 240 s
READY_SECONDS = 200.0
STOP_SECONDS = 8.0  # Cloud Run kills an instance 10 s after SIGTERM
OVERHEAD_MEGABYTES = 384  # the three programs, without rows
BYTES_IN_POSTGRESQL = 2  # for a byte of a row in Arrow: narrow rows have a header of 24 bytes, and a key has an index
_LOOK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Instance:
    """The parts of an instance.

    Args:
        configuration: The served tables and the limits.
        folder: Where its PostgreSQL lives.
    """

    configuration: InstanceConfiguration
    folder: Path = FOLDER

    @property
    def place(self) -> Place:
        """The folders of its PostgreSQL."""
        return Place(self.folder, self.folder / "sockets")

    @property
    def limits(self) -> Limits:
        """The limits of its PostgreSQL, in the memory of the instance: its files are there too."""
        free = self.configuration.memory_megabytes - OVERHEAD_MEGABYTES
        statements = max(128, free // 4)
        # A changed table is loaded beside the served ones.
        parts = max(1, len(self.configuration.tables)) + 1
        rows = free * 3 / 4 / parts / BYTES_IN_POSTGRESQL
        return Limits(
            statement_megabytes=max(64, statements // 2),
            memory_megabytes=statements,
            temporary_gigabytes=max(0.05, statements / 4 / 1000),
            connections_max=40,
            max_gigabytes=rows / 1000,
            max_lag_seconds=2 * self.configuration.refresh_seconds,
        )

    @property
    def cluster(self) -> Cluster:
        """Its PostgreSQL. The container is the enclosure: it runs as the container's user, which is not root."""
        place = self.place
        return Cluster(str(place.folder), str(place.sockets), str(programs_folder()), False, self.limits)

    def prepare(self) -> Path:
        """Write the settings of PostgreSQL, and return their file."""
        self.place.prepare()
        write_if_changed(self.place.settings_file, json.dumps({"cluster": self.cluster.described()}) + "\n")
        return self.place.settings_file

    def http(self, address: Address) -> Configuration:
        """The configuration of the HTTP server."""
        socket_folder = quote(str(self.place.consumers_socket), safe="")
        return Configuration(
            dsn=f"postgresql://{HTTP}@/{DATABASE}?host={socket_folder}&port={PORT}",
            socket=address,
            tables=tuple(
                ConfiguredTable(name=table.name, key=table.key, description=table.description)
                for table in self.configuration.tables
            ),
            limits=HttpLimits(statement_seconds=self.limits.statement_seconds),
            title=self.configuration.title,
            version=self.configuration.version,
        )


class InstanceLoader(Loader):
    """Loads BigQuery tables. Roles of consumers are made at their first request."""

    def __init__(self, instance: Instance) -> None:
        self.sources = {table.name: table for table in instance.configuration.tables}
        self.refresh_seconds = instance.configuration.refresh_seconds
        copied = [CopiedTable(table.name, Path(), "bigquery", table.key) for table in self.sources.values()]
        super().__init__(Cluster.at(instance.place.settings_file), copied, instance.folder)

    def keep_roles(self) -> None:
        """Keep all roles: Cloud Run decides who may call."""

    def copy_of(self, table: CopiedTable) -> Copy:
        """The copy of a table of BigQuery."""
        source = source_of(self.sources[table.name], self.refresh_seconds)
        return Copy(self.place, table, self.limits.bytes_max, stopped=self.stop.is_set, source=source)


def source_of(table: BigQueryTable, refresh_seconds: float) -> BigQuerySource:
    """The rows of a served table."""
    return BigQuerySource(table.table, table.columns, refresh_seconds)


def prepare_image() -> int:
    """Make the data folder that each instance copies at its start. The build of the image runs it."""
    nothing = InstanceConfiguration(title="", tables=(), refresh_seconds=60, memory_megabytes=512)
    prepared_folder(Instance(nothing).cluster)
    return 0


def load(instance: Instance) -> int:
    """Copy the tables, and follow their changes, until a signal."""
    loader = InstanceLoader(instance)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, frame: loader.stop.set())
    loader.run()
    return 0


def web(instance: Instance, address: Address) -> int:
    """Serve HTTP until a signal."""
    import asyncio

    from alchemesh_platform.clouds.gcp.data_api.web import Guarded, ready_when
    from alchemesh_platform.systems.local.data_api.http.__main__ import listening, serve
    from alchemesh_platform.systems.local.data_api.http.app import Application

    configuration = instance.http(address)
    place = instance.place

    application = Application(configuration)

    def loaded() -> bool:
        state = read_state(place.state_file)
        return state is not None and not state.loading and application.knows_columns

    def log(line: str) -> None:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    guarded = Guarded(
        application,
        protocols=instance.configuration.protocols,
        ready=ready_when(loaded, READY_SECONDS),
        add_role=lambda role: add_role(place, role),
        log=log,
    )
    asyncio.run(serve(configuration, listening(configuration.socket), guarded))
    return 0


def run(instance: Instance) -> int:
    """Run the three processes until a signal, or until one of them ends. Returns 0 after a signal."""
    settings = instance.prepare()
    stopping = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    python = sys.executable
    commands = ([python, "-m", POSTGRES, str(settings)], [python, "-m", MODULE, LOAD], [python, "-m", MODULE, WEB])
    processes = {" ".join(command[2:]): subprocess.Popen(command) for command in commands}
    while not stopping.wait(_LOOK_SECONDS):
        ended = {name: process.returncode for name, process in processes.items() if process.poll() is not None}
        if ended:
            sys.stderr.write("".join(f"error: {name} ended with {status}\n" for name, status in ended.items()))
            break
    _end(list(processes.values()))
    return 0 if stopping.is_set() else 1


def _end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """End the processes: the server of HTTP first, PostgreSQL last."""
    deadline = time.monotonic() + STOP_SECONDS
    for process in reversed(processes):
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
