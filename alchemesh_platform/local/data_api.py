"""SQL, REST and GraphQL over tables of this machine: one supervised `roapi` server for each data API.

What roapi 0.12 does, and what follows from it:

- It always listens for HTTP, PostgreSQL and Flight SQL. A protocol that is not offered listens on a port of loopback
  that the system picks and nobody is told; HTTP has its port on loopback also when only SQL is offered.
- It sees rows that are appended only when it reloads tables, and reloads only when started writable (``-d``). Then
  whoever reaches its HTTP port can also have it serve other files of this machine. So that is done on loopback only; on
  any other address it is started read-only, and new rows are seen after a restart.
- A table that is empty answers; a column that is added is seen with the next reload; so is a table that is replaced.
- It knows no users. SQL lets whoever reaches it write files as its user (``COPY … TO``): another reason for loopback.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import re
import shutil
import sys
import sysconfig
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from alchemesh_platform.catalog.observation import Observation
from alchemesh_platform.connections import DataApiConnection
from alchemesh_platform.failure import Failure
from alchemesh_platform.local import processes
from alchemesh_platform.local.answering import first_refusal
from alchemesh_platform.local.files import storage_errors, write_if_changed
from alchemesh_platform.local.ports import becomes_free, free_port, port_taken
from alchemesh_platform.local.processes import Program
from alchemesh_platform.local.supervisor import end_orphans

Protocol = Literal["sql", "rest", "graphql"]

LOOPBACK = "127.0.0.1"
RELOAD_SECONDS = 2
START_TIMEOUT_SECONDS = 30.0
PROBE_SECONDS = 2.0
_HOPELESS = ("FATAL", "EXITED", "STOPPED", "ABSENT", "UNSUPERVISED")
_TRIES_OF_FREE_PORTS = 3
_PORT_IN_USE = re.compile("address (already )?in use", re.IGNORECASE)
_LINES_READ = 60  # of what a server said since its start; a panic is followed by its backtrace


class DataApiFailed(Failure):
    """Raised when a data API does not come up; carries what the server said."""


@dataclass(frozen=True, slots=True)
class ServedTable:
    """A table that is served: a Delta table, or a folder of Parquet files."""

    name: str
    url: str
    format: Literal["delta", "parquet"]


@dataclass(frozen=True, slots=True)
class DataApi:
    """A data API as it is wanted. A port that is None is a free one, chosen once and kept."""

    process: str
    run_directory: Path
    tables: tuple[ServedTable, ...]
    protocols: tuple[Protocol, ...]
    host: str = LOOPBACK
    http_port: int | None = None
    postgres_port: int | None = None


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where a data API answers; a protocol that is not offered is None."""

    http_port: int
    postgres_port: int | None
    sql: str | None
    rest: str | None
    graphql: str | None

    def offered(self) -> dict[str, str]:
        """Protocol: address, of those that are offered."""
        addresses = {"sql": self.sql, "rest": self.rest, "graphql": self.graphql}
        return {protocol: address for protocol, address in addresses.items() if address is not None}


def roapi_program() -> Path:
    """The `roapi` that belongs to this Python, or else the one on PATH.

    Raises:
        DataApiFailed: when there is none.
    """
    for folder in (Path(sys.executable).parent, Path(sysconfig.get_path("scripts"))):
        if (folder / "roapi").is_file():
            return folder / "roapi"
    found = shutil.which("roapi")
    if found is None:
        raise DataApiFailed("there is no `roapi` program", hint="pip install roapi")
    return Path(found)


def bring_up(
    api: DataApi,
    *,
    timeout_seconds: float = START_TIMEOUT_SECONDS,
    cancelled: threading.Event | None = None,
) -> Endpoints:
    """Start a data API, or bring the one that runs to what is wanted, and wait until it answers on every protocol.

    Raises:
        PortTaken: when a port is another process's.
        DataApiFailed: when it does not answer in time, with what it said.
        StorageFailed, SupervisorFailed: when the machine refuses.
    """
    stop = cancelled or threading.Event()
    if processes.status(api.run_directory, api.process).state == "UNSUPERVISED":
        end_orphans(_command(api))  # or its ports would look like another process's
    given = api.http_port is not None and (api.postgres_port is not None or "sql" not in api.protocols)
    for attempt in range(_TRIES_OF_FREE_PORTS):
        endpoints = choose_ports(api)
        _check_ports(api, endpoints)
        _write(api, endpoints)
        said_before = _log_size(api)
        processes.ensure_running(api.run_directory, _program(api, endpoints))
        refusal = _wait_until_healthy(api, endpoints, said_before, timeout_seconds, stop)
        if refusal is None:
            return endpoints
        # Between choosing a free port and listening on it, somebody else may have taken it.
        if _PORT_IN_USE.search(refusal) and not given and attempt + 1 < _TRIES_OF_FREE_PORTS:
            _state_file(api).unlink(missing_ok=True)
            continue
        break
    raise DataApiFailed(
        f"data API {api.process} does not answer: {refusal}",
        hint=f"its log is {processes.log_file(api.run_directory, api.process)}",
    )


def trouble(api: DataApi, endpoints: Endpoints) -> str | None:
    """Why a data API that was brought up has to be brought up again, in a sentence; None when it runs and answers."""
    found = processes.status(api.run_directory, api.process)
    if not found.alive:
        return f"its server is not running: {found.description or found.state.lower()}"
    refusal = first_refusal(_connection(api, endpoints), PROBE_SECONDS)
    return f"its server does not answer: {refusal}" if refusal else None


def is_configured(api: DataApi) -> bool:
    """Whether a data API was brought up here, and not taken down since."""
    return _config_file(api).is_file()


def take_down(api: DataApi) -> None:
    """Stop a data API and remove what it ran with. Stopping what is not there does nothing."""
    processes.stop(api.run_directory, api.process, _command(api))
    with storage_errors(f"remove the configuration of {api.process}"):
        _state_file(api).unlink(missing_ok=True)
        _config_file(api).unlink(missing_ok=True)


def choose_ports(api: DataApi) -> Endpoints:
    """The ports that are asked for, or were chosen before, or are free now."""
    kept = _kept_ports(api)
    http_port = api.http_port or kept.get("http") or free_port(api.host)
    postgres_port = None
    if "sql" in api.protocols:
        postgres_port = api.postgres_port or kept.get("postgres") or free_port(api.host)
        while postgres_port == http_port:
            postgres_port = free_port(api.host)
    return endpoints_of(api, http_port, postgres_port)


def endpoints_of(api: DataApi, http_port: int, postgres_port: int | None) -> Endpoints:
    """Where a data API answers on given ports."""
    host = f"[{api.host}]" if ":" in api.host else api.host
    web = f"http://{host}:{http_port}/api"
    return Endpoints(
        http_port,
        postgres_port,
        sql=f"postgresql://{host}:{postgres_port}/{api.process}" if postgres_port else None,
        rest=web if "rest" in api.protocols else None,
        graphql=f"{web}/graphql" if "graphql" in api.protocols else None,
    )


def observe_api(connection: DataApiConnection) -> Observation:
    """Whether a data API answers on each protocol that it offers."""
    started = time.monotonic()
    refusal = first_refusal(connection, PROBE_SECONDS)
    if refusal is not None:
        return Observation("unhealthy", refusal)
    return Observation("healthy", f"answers in {(time.monotonic() - started) * 1000:.0f} ms")


def _check_ports(api: DataApi, endpoints: Endpoints) -> None:
    """Refuse ports of other processes; those that this server itself has are fine."""
    ours = _kept_ports(api) if processes.status(api.run_directory, api.process).alive else {}
    wanted = ((endpoints.http_port, "HTTP", "http"), (endpoints.postgres_port, "the PostgreSQL protocol", "postgres"))
    for port, what, name in wanted:
        if port is not None and ours.get(name) != port and not becomes_free(api.host, port):
            raise port_taken(api.host, port, what, f"{name}_port")


def _wait_until_healthy(
    api: DataApi, endpoints: Endpoints, said_before: int, timeout_seconds: float, cancelled: threading.Event
) -> str | None:
    deadline = time.monotonic() + timeout_seconds
    connection = _connection(api, endpoints)
    while not cancelled.wait(0.02):
        found = processes.status(api.run_directory, api.process)
        said = processes.log_tail(api.run_directory, api.process, since=said_before, lines=_LINES_READ)
        # Ended with a reason, it would end with it again; ended without one (killed), its supervisor starts it again.
        if found.state in _HOPELESS or (found.state == "BACKOFF" and _reasons(said)):
            return f"it ended at once: {_telling(said) or found.description}"
        refusal = first_refusal(connection, PROBE_SECONDS)
        if refusal is None:
            return None
        if time.monotonic() > deadline:
            return f"{refusal}, {timeout_seconds:g} s after its start{f'; it said: {_telling(said)}' if said else ''}"
    return "it was told to stop"


def _connection(api: DataApi, endpoints: Endpoints) -> DataApiConnection:
    tables = tuple(table.name for table in api.tables)
    return DataApiConnection(sql=endpoints.sql, rest=endpoints.rest, graphql=endpoints.graphql, tables=tables)


def _telling(said: str) -> str:
    """Of what the server said, why it ended; a usage text and a backtrace are left out."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return " ".join(_reasons(said)[-2:] or lines[-1:])


def _reasons(said: str) -> list[str]:
    lines = [line.strip() for line in said.splitlines()]
    # A panic says where on its own line, and why on the next.
    return [
        line
        for before, line in zip(["", *lines], lines, strict=False)
        if line.lower().startswith("error") or " panicked at " in before
    ]


def _program(api: DataApi, endpoints: Endpoints) -> Program:
    digest = hashlib.sha256(_configuration(api, endpoints).encode()).hexdigest()[:16]
    return Program(api.process, _command(api), {"ALCHEMESH_CONFIGURATION": digest})


def _command(api: DataApi) -> tuple[str, ...]:
    command = (str(roapi_program()), "--config", str(_config_file(api)))
    if ipaddress.ip_address(api.host).is_loopback:
        return (*command, "--disable-read-only", "--reload-interval", str(RELOAD_SECONDS))
    return command


def _configuration(api: DataApi, endpoints: Endpoints) -> str:
    """What roapi reads: JSON, which is YAML too and needs no escaping of its own."""
    host = f"[{api.host}]" if ":" in api.host else api.host
    web_host = host if {"rest", "graphql"} & set(api.protocols) else LOOPBACK
    document = {
        "addr": {
            "http": f"{web_host}:{endpoints.http_port}",
            "postgres": f"{host}:{endpoints.postgres_port}" if endpoints.postgres_port else f"{LOOPBACK}:0",
            "flight_sql": f"{LOOPBACK}:0",
        },
        "tables": [
            {
                "name": table.name,
                "uri": unquote(urlsplit(table.url).path) if table.url.startswith("file://") else table.url,
                "option": {"format": table.format, "use_memory_table": False},
            }
            for table in api.tables
        ],
    }
    return json.dumps(document, indent=1) + "\n"


def _write(api: DataApi, endpoints: Endpoints) -> None:
    write_if_changed(_config_file(api), _configuration(api, endpoints))
    write_if_changed(_state_file(api), json.dumps(_ports(endpoints)) + "\n")


def _ports(endpoints: Endpoints) -> dict[str, int | None]:
    return {"http": endpoints.http_port, "postgres": endpoints.postgres_port}


def _kept_ports(api: DataApi) -> dict[str, int | None]:
    try:
        kept = json.loads(_state_file(api).read_bytes())
    except (OSError, ValueError):
        return {}
    return {name: kept.get(name) for name in ("http", "postgres")} if isinstance(kept, dict) else {}


def _config_file(api: DataApi) -> Path:
    return api.run_directory.absolute() / f"{api.process}.roapi.yml"


def _state_file(api: DataApi) -> Path:
    return api.run_directory.absolute() / f"{api.process}.ports.json"


def _log_size(api: DataApi) -> int:
    try:
        return processes.log_file(api.run_directory, api.process).stat().st_size
    except OSError:
        return 0
