"""SQL, REST and GraphQL over tables of this machine: a supervised server for each data API, behind a gateway."""

from __future__ import annotations

import os
import re
import shutil
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.machine.files import storage_errors
from alchemesh_platform.machine.servers import processes
from alchemesh_platform.machine.servers.ports import becomes_free, free_port, port_taken
from alchemesh_platform.machine.servers.processes import Program
from alchemesh_platform.sdk.connections.data_api import DataApiConnection
from alchemesh_platform.sdk.observation import Observation
from alchemesh_platform.systems.local.data_api import web as web_server
from alchemesh_platform.systems.local.data_api.gateway import gateway as gateways
from alchemesh_platform.systems.local.data_api.gateway.consumers import HEALTH, OWNER, locked
from alchemesh_platform.systems.local.data_api.gateway.gateway import LOOPBACK, Gateway, Listening
from alchemesh_platform.systems.local.data_api.gateway.issue import (
    credential_file,
    ensure_own_credentials,
    own_credentials_are_kept,
)
from alchemesh_platform.systems.local.data_api.health import first_refusal
from alchemesh_platform.systems.local.data_api.programs import (
    Guard,
    Protocol,
    WithoutEnclosure,
    guard_of,
    unenclosed_hint,
    unenclosed_problem,
)
from alchemesh_platform.systems.local.data_api.serving import managed
from alchemesh_platform.systems.local.data_api.serving import programs as serving
from alchemesh_platform.systems.local.data_api.serving.consumers.limits import Limits
from alchemesh_platform.systems.local.data_api.serving.loading.state import read_state
from alchemesh_platform.systems.local.data_api.tables import ServedTable

START_TIMEOUT_SECONDS = 30.0
_LOOK_SECONDS = 0.05  # each look takes processor time from the servers that start
PROBE_SECONDS = 2.0  # during the start, which repeats the check
# Once it runs, for a single check. On a busy machine an answer takes seconds, since each SQL connection starts a
# server. It must be shorter than the time limit of the health check (observed/observing.py).
ANSWER_SECONDS = 8.0
MANAGED_HINT = "offer SQL alone at this port, or leave `postgresql_server` out of platform.yaml"
NOT_ENCLOSED = "not enclosed: its servers can read the files of their user"
_HOPELESS = ("FATAL", "STOPPED", "ABSENT", "UNSUPERVISED")
_ENDED = ("BACKOFF", "EXITED")  # and about to be restarted
_TRIES_OF_FREE_PORTS = 3
_PORT_IN_USE = re.compile("address (already )?in use", re.IGNORECASE)
_LINES_READ = 60  # lines of a server's log since its start; a backtrace follows a panic


class DataApiFailed(Failure):
    """Raised when a data API does not start. It holds the server's message."""


@dataclass(frozen=True, slots=True)
class DataApi:
    """The declaration of a data API. For a port that is None, the platform chooses a free one once and keeps it."""

    process: str
    run_directory: Path
    tables: tuple[ServedTable, ...]
    protocols: tuple[Protocol, ...]
    host: str = LOOPBACK
    http_port: int | None = None
    postgres_port: int | None = None
    owner: str = ""
    without_enclosure: WithoutEnclosure | None = None
    limits: Limits = field(default_factory=Limits)
    postgresql: str | None = None
    postgresql_server: str | None = None

    @property
    def gateway(self) -> Gateway:
        """The gateway in front of the data API."""
        return Gateway(self.run_directory, self.process)


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The addresses of a data API, and the file of its own product's credential.

    A protocol that is not offered is None.
    """

    http_port: int
    postgres_port: int | None
    sql: str | None
    rest: str | None
    graphql: str | None
    credential_file: str

    def offered(self) -> dict[str, str]:
        """The address of each offered protocol."""
        addresses = {"sql": self.sql, "rest": self.rest, "graphql": self.graphql}
        return {protocol: address for protocol, address in addresses.items() if address is not None}


def deploy_product(
    api: DataApi,
    *,
    timeout_seconds: float = START_TIMEOUT_SECONDS,
    cancelled: threading.Event | None = None,
) -> Endpoints:
    """Start or update a data API, and wait until it answers on every protocol.

    Raises:
        PortInUse: when another process uses a port.
        DataApiFailed: when it does not answer in time, with its message.
        TableNotServed: when a table does not exist, or is not on this machine.
        StorageFailed, SupervisorFailed: when the machine refuses.
    """
    stop = cancelled or threading.Event()
    gateway = api.gateway
    problem = unenclosed_problem(api.without_enclosure, was_enclosed=is_enclosed(gateway))
    if problem is not None:
        raise DataApiFailed(f"data API {api.process}: {problem}", hint=unenclosed_hint(api.owner or api.process))
    guard = guard_of(api.protocols)
    if not guard.protocols:
        raise DataApiFailed(f"data API {api.process} can offer nothing", hint="; ".join(guard.warnings))
    if not guard.sandboxed and os.geteuid() == 0:
        raise DataApiFailed(
            f"data API {api.process} cannot start: PostgreSQL refuses to run as root without an enclosure",
            hint="make `bwrap` work, or run as another user",
        )
    refusal = why_not_managed(api.postgresql_server, api.protocols)
    if refusal is not None:
        raise DataApiFailed(f"data API {api.process}: {refusal}", hint=MANAGED_HINT)
    api = replace(api, protocols=guard.protocols)
    gateways.prepare(gateway)
    processes.end_remains(api.run_directory)  # otherwise their ports would count as another process's
    _restart_hanging(api, guard)
    given = api.http_port is not None and (api.postgres_port is not None or "sql" not in api.protocols)
    for attempt in range(_TRIES_OF_FREE_PORTS):
        endpoints = choose_ports(api)
        _check_ports(api, endpoints)
        log_sizes = {name: _log_size(api, name) for name in _names(api)}
        _start(api, endpoints, guard)
        refusal = _wait_until_healthy(api, endpoints, guard, log_sizes, timeout_seconds, stop)
        if refusal is None:
            return endpoints
        # Another process may have taken the free port before the server listened on it.
        if _PORT_IN_USE.search(refusal) and not given and attempt + 1 < _TRIES_OF_FREE_PORTS:
            gateways.forget_listening(gateway)
            continue
        break
    raise DataApiFailed(
        f"data API {api.process} does not answer: {refusal}",
        hint=f"its logs are {processes.log_file(api.run_directory, api.process).with_suffix('')}*.log",
    )


def trouble(api: DataApi, endpoints: Endpoints) -> str | None:
    """The reason why a deployed data API must be started again, in a sentence; None if it runs and answers."""
    guard = guard_of(api.protocols)
    missing = [protocol for protocol in guard.protocols if protocol not in endpoints.offered()]
    if missing:
        return f"{' and '.join(missing)} can be guarded now, and so offered"
    api = replace(api, protocols=guard.protocols)
    for name in _names(api):
        found = processes.status(api.run_directory, name)
        if not found.alive:
            servers = (api.process, api.gateway.postgres, api.gateway.loader)
            what = "its server" if name in servers else "its gateway"
            return f"{what} is not running: {found.description or found.state.lower()}"
    gateway = api.gateway
    if not own_credentials_are_kept(gateway):
        return "a credential of its own is gone"
    wanted = [*_serving_programs(api, guard), *((_web_program(api, guard),) if _serves_web(api) else ())]
    if not all(processes.is_current(api.run_directory, program) for program in wanted):
        return "its server runs with another configuration, such as other folders of tables"
    refusal = first_refusal(_connection(api, endpoints), ANSWER_SECONDS)
    return f"its server does not answer: {refusal}" if refusal else None


def is_configured(api: DataApi) -> bool:
    """Whether a data API was deployed on this machine, and not taken down since."""
    return gateways.listening(api.gateway) is not None


def is_enclosed(gateway: Gateway) -> bool:
    """Whether a data API was deployed on this machine with an enclosed server."""
    listening = gateways.listening(gateway)
    return listening is not None and _encloses(listening)


def take_down(api: DataApi) -> None:
    """Stop a data API and remove its files and its consumers. Stopping a missing one does nothing.

    The logs stay if a metering reads them next.
    """
    gateway = api.gateway
    gateways.take_down(gateway)
    processes.stop(api.run_directory, api.process)
    managed.drop(gateway.place)
    with storage_errors(f"remove {gateway.folder}"), suppress(FileNotFoundError):
        gateways.remove_files(gateway)


def choose_ports(api: DataApi) -> Endpoints:
    """The requested ports, the ports chosen before, or ports that are free now."""
    kept = gateways.listening(api.gateway)
    http_port = api.http_port or (kept.http_port if kept else None) or free_port(api.host)
    postgres_port = None
    if "sql" in api.protocols:
        postgres_port = api.postgres_port or (kept.postgres_port if kept else None) or free_port(api.host)
        while postgres_port == http_port:
            postgres_port = free_port(api.host)
    return endpoints_of(api, http_port, postgres_port)


def endpoints_of(api: DataApi, http_port: int, postgres_port: int | None) -> Endpoints:
    """The addresses of a data API on the given ports."""
    host = f"[{api.host}]" if ":" in api.host else api.host
    web = f"http://{host}:{http_port}/api"
    return Endpoints(
        http_port,
        postgres_port,
        sql=f"postgresql://{host}:{postgres_port}" if postgres_port else None,
        rest=web if "rest" in api.protocols else None,
        graphql=f"{web}/graphql" if "graphql" in api.protocols else None,
        credential_file=str(own_credential_file(api.run_directory, api.process)),
    )


def observe_api(connection: DataApiConnection) -> Observation:
    """Whether a data API answers on each protocol that it offers."""
    started = time.monotonic()
    refusal = first_refusal(connection, ANSWER_SECONDS)
    if refusal is not None:
        return Observation("unhealthy", refusal)
    answer = f"answers in {(time.monotonic() - started) * 1000:.0f} ms"
    folder = Path(connection.credential_file).parent if connection.credential_file else None
    copy = read_state(Gateway.at(folder).place.state_file) if folder else None
    lag, lags = None, {}
    if copy is not None:
        copy = copy.with_commits()
        now = datetime.now(UTC)
        lag, lags = copy.lag_seconds(now), copy.lags(now)
        problem = copy.first_problem()
        if problem is not None:
            return Observation("unhealthy", problem, lag_seconds=lag, lags=lags)
        answer = f"{answer}; {copy.described()}"
    elsewhere = Gateway.at(folder).place.managed if folder else None
    if elsewhere is not None:
        answer = f"{answer}; {elsewhere.described_limits}"
    listening = gateways.listening(Gateway.at(folder)) if folder else None
    open_server = listening is not None and not _encloses(listening)
    answer = f"{answer}; {NOT_ENCLOSED}" if open_server else answer
    return Observation("healthy", answer, lag_seconds=lag, lags=lags)


def own_credential_file(run_directory: Path, process: str) -> Path:
    """The file of the credential that the product itself uses for its data API."""
    return credential_file(Gateway(run_directory, process).folder, OWNER)


def _start(api: DataApi, endpoints: Endpoints, guard: Guard) -> None:
    """Write the configuration of the server and its gateway, and start both with it."""
    gateway = api.gateway
    where = Listening(
        api.host,
        endpoints.http_port,
        endpoints.postgres_port,
        api.protocols,
        limits=api.limits,
        enclosed=guard.sandboxed,
    )
    with locked(gateway.folder):
        gateways.listen(gateway, where)
        _prepare_postgresql(api)
        programs = _serving_programs(api, guard, prepare=True)
        if not all(processes.is_current(api.run_directory, program) for program in programs):
            gateway.place.state_file.unlink(missing_ok=True)  # it says what the former loader found
        for program in programs:
            processes.ensure_running(api.run_directory, program)
        if _serves_web(api):
            processes.ensure_running(api.run_directory, _web_program(api, guard, prepare=True))
        else:
            processes.stop(api.run_directory, api.process)
        ensure_own_credentials(gateway)
        gateways.apply(gateway, start=True)


def _prepare_postgresql(api: DataApi) -> None:
    """Set up the managed server of the serving copy, and remove the copy from the place where it was before."""
    gateway = api.gateway
    if api.postgresql_server is None:
        managed.drop(gateway.place)
        return
    processes.stop(api.run_directory, gateway.postgres)
    with storage_errors(f"remove {gateway.place.cluster}"), suppress(FileNotFoundError):
        shutil.rmtree(gateway.place.cluster)
    managed.set_up(gateway.place, api.postgresql_server, api.limits)


def unenforced(api: DataApi) -> str | None:
    """The limits that the managed server of a data API does not enforce; None if it has a PostgreSQL of its own."""
    found = api.gateway.place.managed
    return found.described_limits if found is not None else None


def why_not_managed(url: str | None, protocols: Sequence[Protocol]) -> str | None:
    """The reason why a data API cannot use a managed server; None if it can, or uses none."""
    web = [protocol for protocol in protocols if protocol != "sql"]
    if url is None or not web:
        return None
    return f"{' and '.join(web)} cannot be served from a managed PostgreSQL: their server has no network"


def _restart_hanging(api: DataApi, guard: Guard) -> None:
    """Restart the processes of a data API that run as they should, and do not answer."""
    kept = gateways.listening(api.gateway)
    if kept is None or set(kept.protocols) != set(api.protocols):
        return
    programs = [*_serving_programs(api, guard), *((_web_program(api, guard),) if _serves_web(api) else ())]
    if not all(processes.is_current(api.run_directory, program) for program in programs):
        return  # they are restarted with their new configuration
    if not all(processes.status(api.run_directory, name).alive for name in _names(api)):
        return
    endpoints = endpoints_of(api, kept.http_port, kept.postgres_port)
    if first_refusal(_connection(api, endpoints), ANSWER_SECONDS) is not None:
        for name in _names(api):
            processes.restart(api.run_directory, name)


def _check_ports(api: DataApi, endpoints: Endpoints) -> None:
    """Reject ports that other processes use. The ports of this gateway itself are allowed."""
    gateway = api.gateway
    kept = gateways.listening(gateway)
    web, sql = (
        kept is not None and processes.status(api.run_directory, name).alive for name in (gateway.web, gateway.sql)
    )
    wanted = (
        (endpoints.http_port, kept.http_port if kept and web else None, "HTTP", "http_port"),
        (
            endpoints.postgres_port,
            kept.postgres_port if kept and sql else None,
            "the PostgreSQL protocol",
            "postgres_port",
        ),
    )
    for port, ours, what, setting in wanted:
        if port is not None and port != ours and not becomes_free(api.host, port):
            raise port_taken(api.host, port, what, setting)


def _wait_until_healthy(
    api: DataApi,
    endpoints: Endpoints,
    guard: Guard,
    log_sizes: Mapping[str, int],
    timeout_seconds: float,
    cancelled: threading.Event,
) -> str | None:
    deadline = time.monotonic() + timeout_seconds
    connection = _connection(api, endpoints)
    loaded: tuple[tuple[str, int], ...] = ()
    while not cancelled.wait(_LOOK_SECONDS):
        logs = {}
        for name, found in processes.statuses(api.run_directory, _names(api)).items():
            logs[name] = processes.log_tail(api.run_directory, name, since=log_sizes[name], lines=_LINES_READ)
            in_use = next((line for line in logs[name].splitlines() if _PORT_IN_USE.search(line)), None)
            if in_use is not None:  # PgBouncer continues without the port
                return in_use.strip()
            # A server that ended with a reason would end again. One that ended without a reason (killed) is restarted.
            if found.state in _HOPELESS or (found.state in _ENDED and _reasons(logs[name])):
                return f"it ended at once: {_reporting(logs[name]) or found.description}"
        # A gateway that finds no server behind it waits before it tries again.
        copy = read_state(api.gateway.place.state_file)
        if copy is not None and (problem := copy.blocked) is not None:
            return problem
        loading = copy.loading if copy is not None else ()
        if loading != loaded:
            loaded, deadline = loading, max(deadline, time.monotonic() + timeout_seconds)  # it gets on
        answers = not _serves_web(api) or gateways.server_answers(api.gateway)
        if not answers or copy is None:
            refusal: str | None = "its server is starting"
        elif loading:
            name, rows = loading[0]
            refusal = f"table {name} is loading, {rows:,} rows so far"
        else:
            refusal = first_refusal(connection, PROBE_SECONDS)
        if refusal is None:
            return None
        if time.monotonic() > deadline:
            reporting = _reporting("\n".join(logs.values()))
            return f"{refusal}, {timeout_seconds:g} s after its start{f'; it said: {reporting}' if reporting else ''}"
    return "it was stopped"


def _names(api: DataApi) -> tuple[str, ...]:
    """The processes that the data API needs."""
    gateway = api.gateway
    web = (api.process, gateway.web) if _serves_web(api) else ()
    sql = (gateway.sql,) if "sql" in api.protocols else ()
    postgres = (gateway.postgres,) if api.postgresql_server is None else ()
    return (*postgres, gateway.loader, *web, *sql)


def _serves_web(api: DataApi) -> bool:
    return bool({"rest", "graphql"} & set(api.protocols))


def _encloses(listening: Listening) -> bool:
    """Whether the servers of a gateway are enclosed. Earlier versions kept the port of one that is not."""
    return listening.enclosed and listening.server_port is None


def _web_program(api: DataApi, guard: Guard, *, prepare: bool = False) -> Program:
    return (web_server.prepared if prepare else web_server.server)(
        api.gateway, api.tables, api.limits, title=api.owner or api.process, enclosed=guard.sandboxed
    )


def _serving_programs(api: DataApi, guard: Guard, *, prepare: bool = False) -> tuple[Program, ...]:
    gateway = api.gateway
    return (serving.prepared if prepare else serving.programs)(
        gateway.place,
        gateway.folder,
        api.tables,
        api.limits,
        names=(gateway.postgres, gateway.loader),
        enclosed=guard.sandboxed,
        postgresql=api.postgresql,
        managed=api.postgresql_server is not None,
    )


def _connection(api: DataApi, endpoints: Endpoints) -> DataApiConnection:
    return DataApiConnection(
        sql=endpoints.sql,
        rest=endpoints.rest,
        graphql=endpoints.graphql,
        tables=tuple(table.name for table in api.tables),
        credential_file=str(credential_file(api.gateway.folder, HEALTH)),
    )


def _reporting(logs: str) -> str:
    """The reason why the server ended, from its log, without usage texts and backtraces."""
    lines = [line.strip() for line in logs.splitlines() if line.strip()]
    return " ".join(_reasons(logs)[-2:] or lines[-1:])


def _reasons(logs: str) -> list[str]:
    lines = [line.strip() for line in logs.splitlines()]
    # A panic has its place on its own line, and its reason on the next.
    return [
        line
        for before, line in zip(["", *lines], lines, strict=False)
        if line.lower().startswith(("error", "bwrap:")) or " FATAL " in line or " panicked at " in before
    ]


def _log_size(api: DataApi, name: str) -> int:
    try:
        return processes.log_file(api.run_directory, name).stat().st_size
    except OSError:
        return 0
