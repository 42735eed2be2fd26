"""The gateway in front of a data API: it accepts only requests with a credential, on every protocol.

Its folder holds the consumers and the addresses; everything else is derived from these two. To grant or revoke access,
write or remove one file, then call :func:`apply`. The servers load the new state immediately, without affecting other
connections.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields
from pathlib import Path

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.machine.files import storage_errors, write_if_changed
from alchemesh_platform.machine.servers import processes
from alchemesh_platform.machine.servers.processes import Program
from alchemesh_platform.machine.servers.supervisor import SHORT_FOLDER, keep_folder
from alchemesh_platform.systems.local.data_api.gateway.consumers import (
    DEPARTED_FOLDER,
    Entry,
    locked,
    next_end,
    now,
    read_entries,
    remove_entry,
    secrets_of,
    settled_entries,
)
from alchemesh_platform.systems.local.data_api.gateway.files import (
    ACCESS_LOG,
    ADMIN_SOCKET,
    SERVING,
    WEB_SOCKET,
    caddy_configuration,
    console_folder,
    pgbouncer_configuration,
    pgbouncer_rules,
    pgbouncer_users,
)
from alchemesh_platform.systems.local.data_api.metering.counters import CONSOLE, COUNTERS_LOG, record_counters
from alchemesh_platform.systems.local.data_api.programs import Protocol, program
from alchemesh_platform.systems.local.data_api.sandbox import unprivileged_command
from alchemesh_platform.systems.local.data_api.serving.consumers.limits import Limits
from alchemesh_platform.systems.local.data_api.serving.consumers.roles import keep_roles
from alchemesh_platform.systems.local.data_api.serving.place import Place
from alchemesh_platform.systems.local.data_api.sql_query import PostgresRefused, simple_query

LOOPBACK = "127.0.0.1"
FOLDER_END = ".gateway"
RELOAD_SECONDS = 20.0
_LISTENING_FILE = "listening.json"
_USAGE_LOGS = tuple(Path(name).stem for name in (ACCESS_LOG, COUNTERS_LOG))  # with the rotated ones
_KEEP_USAGE_FILE = "usage.kept"  # the logs outlive the removal of the gateway
# unix(7) gives a socket's path 108 bytes with the closing NUL, macOS 104.
_SOCKET_PATH_MAX = 103
_LONGEST_SOCKET = "console/.s.PGSQL.65535"


class GatewayFailed(Failure):
    """Raised when a gateway cannot load a new state."""


@dataclass(frozen=True, slots=True)
class Listening:
    """The addresses and protocols of a gateway.

    Args:
        host: Address.
        http_port: Port of REST and GraphQL; reserved if neither is offered.
        postgres_port: Port of SQL; None if SQL is not offered.
        protocols: The offered protocols.
        server_port: Loopback port of a server without an enclosure, in files of earlier versions.
        limits: Limits of consumers and of the copy.
        enclosed: Whether the servers behind the gateway run in an enclosure.
    """

    host: str
    http_port: int
    postgres_port: int | None
    protocols: tuple[Protocol, ...]
    server_port: int | None = None
    limits: Limits = field(default_factory=Limits)
    enclosed: bool = True

    @property
    def web(self) -> bool:
        """Whether it listens for HTTP."""
        return bool({"rest", "graphql"} & set(self.protocols))

    def described(self) -> dict[str, object]:
        """The form of it in a file."""
        return {**{one.name: getattr(self, one.name) for one in fields(self)}, "limits": self.limits.model_dump()}

    @property
    def netloc(self) -> str:
        """The address in the form of URLs."""
        return f"[{self.host}]" if ":" in self.host else self.host


@dataclass(frozen=True, slots=True)
class Gateway:
    """The gateway of one data API: a folder next to its supervisor."""

    run_directory: Path
    process: str

    @classmethod
    def at(cls, folder: Path) -> Gateway:
        """The gateway of a folder."""
        return cls(folder.parent, folder.name.removesuffix(FOLDER_END))

    @property
    def folder(self) -> Path:
        """The folder of the gateway, which only its user can read."""
        return self.run_directory.absolute() / f"{self.process}{FOLDER_END}"

    @property
    def sockets(self) -> Path:
        """The folder of its servers' sockets: in its own folder, or under /tmp if that path would be too long."""
        beside = self.folder / "sockets"
        if len(os.fsencode(beside / _LONGEST_SOCKET)) <= _SOCKET_PATH_MAX:
            return beside
        digest = hashlib.sha256(os.fsencode(beside)).hexdigest()[:16]
        return SHORT_FOLDER / f"alchemesh-{os.getuid()}" / digest

    @property
    def place(self) -> Place:
        """The serving copy behind it."""
        return Place(self.folder / SERVING, self.sockets)

    @property
    def postgres(self) -> str:
        """Name of the process that serves SQL."""
        return f"{self.process}.postgres"

    @property
    def loader(self) -> str:
        """Name of the process that loads the serving copy."""
        return f"{self.process}.loader"

    @property
    def web(self) -> str:
        """Name of the process that guards REST and GraphQL."""
        return f"{self.process}.web"

    @property
    def sql(self) -> str:
        """Name of the process that guards SQL."""
        return f"{self.process}.sql"

    @property
    def expiry(self) -> str:
        """Name of the process that waits until an access expires."""
        return f"{self.process}.expiry"


def prepare(gateway: Gateway) -> None:
    """Make the folders of a gateway.

    Raises:
        StorageFailed: when the folders cannot be created.
    """
    with storage_errors(f"make {gateway.folder}"):
        gateway.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (gateway.sockets, console_folder(gateway.sockets)):
            if gateway.sockets.parent != gateway.folder:  # a reboot may remove it
                keep_folder(gateway.run_directory, folder)
            folder.mkdir(mode=0o700, exist_ok=True)
        (gateway.folder / _KEEP_USAGE_FILE).unlink(missing_ok=True)
    gateway.place.prepare()


def listen(gateway: Gateway, listening: Listening) -> None:
    """Set the addresses of a gateway. They take effect with the next :func:`apply`."""
    write_if_changed(gateway.folder / _LISTENING_FILE, json.dumps(listening.described()) + "\n")


def listening(gateway: Gateway) -> Listening | None:
    """The addresses of a gateway; None if they are not known."""
    try:
        found = json.loads((gateway.folder / _LISTENING_FILE).read_bytes())
        limits = Limits(**found.get("limits", {}))
        return Listening(**{**found, "protocols": tuple(found["protocols"]), "limits": limits})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def forget_listening(gateway: Gateway) -> None:
    """Make a gateway choose its ports again."""
    (gateway.folder / _LISTENING_FILE).unlink(missing_ok=True)


def apply(gateway: Gateway, *, start: bool = False, watch: bool = True) -> None:
    """Update the servers of a gateway to the current consumers. Call it with the gateway locked.

    Args:
        start: Whether to start servers that do not run.
        watch: Whether to run the process that waits until accesses expire.

    Raises:
        GatewayFailed: when a server does not accept it. The gateway then stops that server: it fails closed.
        StorageFailed, SupervisorFailed: when the machine refuses.
    """
    where = listening(gateway)
    if where is None:
        return
    entries = settled_entries(gateway.folder, now())
    admitted = [entry for entry in entries if entry.has_access(now())]
    _keep_roles(gateway, admitted)
    if where.web:
        running = processes.status(gateway.run_directory, gateway.web).alive
        changed = _write_web(gateway, where, admitted)
        if start:
            processes.ensure_running(gateway.run_directory, web_program(gateway))
        if changed and running:
            _reload(gateway, gateway.web, lambda: _reload_web(gateway))
    elif start:
        processes.stop(gateway.run_directory, gateway.web)
    if (port := where.postgres_port) is not None:
        # Users without access have no role any more, so their counters are final. They disappear with the reload.
        running = record_usage(gateway, last=start)
        changed = _write_sql(gateway, where, admitted, port)
        if start:
            processes.ensure_running(gateway.run_directory, sql_program(gateway))
        if changed and running:
            _reload(gateway, gateway.sql, lambda: _reload_sql(gateway, port))
        if running and (start or changed):
            record_usage(gateway)  # it may run on; and a user that comes back begins at zero
    elif start:
        record_usage(gateway, last=True)
        processes.stop(gateway.run_directory, gateway.sql)
    if watch and next_end(entries, now()) is not None:
        processes.ensure_running(gateway.run_directory, expiry_program(gateway, entries))


def record_usage(gateway: Gateway, *, last: bool = False) -> bool:
    """Record what the SQL gateway has counted; returns whether it runs. Call it with the gateway locked.

    Args:
        last: Whether the SQL gateway may be stopped next.

    Raises:
        StorageFailed: when the record cannot be written.
    """
    found = processes.status(gateway.run_directory, gateway.sql)
    where = listening(gateway)
    if found.alive and where is not None and where.postgres_port is not None:
        server = f"{found.pid}:{found.started}"
        record_counters(gateway.folder, console_folder(gateway.sockets), where.postgres_port, server, last=last)
    return found.alive


def server_answers(gateway: Gateway) -> bool:
    """Whether the server of REST and GraphQL listens."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(gateway.place.web_socket / WEB_SOCKET)) == 0


def take_down(gateway: Gateway) -> None:
    """Stop the servers of a gateway. Does nothing if there are none."""
    for name in (gateway.expiry, gateway.web):
        processes.stop(gateway.run_directory, name)
    if gateway.folder.is_dir():
        with locked(gateway.folder), suppress(Failure):  # a full disk does not stop the removal
            record_usage(gateway, last=True)
    for name in (gateway.sql, gateway.loader, gateway.postgres):
        processes.stop(gateway.run_directory, name)
    shutil.rmtree(gateway.sockets, ignore_errors=True)


def keep_usage(gateway: Gateway) -> None:
    """Keep the logs of a gateway when it is removed next, until :func:`forget_usage`: they may have unread requests."""
    with suppress(OSError):  # then the removal takes them, as without this call
        (gateway.folder / _KEEP_USAGE_FILE).touch()


def forget_usage(gateway: Gateway) -> None:
    """Remove the logs that a removed gateway left. The logs of a gateway that still exists stay."""
    (gateway.folder / _KEEP_USAGE_FILE).unlink(missing_ok=True)
    if gateway.folder.is_dir() and listening(gateway) is None:
        shutil.rmtree(gateway.folder, ignore_errors=True)


def remove_files(gateway: Gateway) -> None:
    """Remove the files of a gateway whose servers have stopped. Logs stay where :func:`keep_usage` asked for them."""
    folder = gateway.folder
    if not (folder / _KEEP_USAGE_FILE).exists():
        shutil.rmtree(folder)
        return
    for entry in read_entries(folder):
        remove_entry(folder, entry.user)  # without its credential, so that its requests keep their consumer
    for each in folder.iterdir():
        if each.name in (_KEEP_USAGE_FILE, DEPARTED_FOLDER) or each.name.startswith(_USAGE_LOGS):
            continue
        shutil.rmtree(each) if each.is_dir() and not each.is_symlink() else each.unlink()


def web_program(gateway: Gateway) -> Program:
    """The program of Caddy. A changed configuration reloads it, without a restart."""
    command = (str(program("caddy")), "run", "--config", str(gateway.folder / "caddy.json"))
    return Program(gateway.web, command, {"XDG_CONFIG_HOME": str(gateway.folder / "caddy")})


def sql_program(gateway: Gateway) -> Program:
    """The program of PgBouncer. A changed configuration reloads it; a changed port restarts it."""
    command = (str(program("pgbouncer")), str(gateway.folder / "pgbouncer.ini"))
    where = listening(gateway)
    address = f"{where.host}:{where.postgres_port}" if where else ""
    hidden = (gateway.place.folder, gateway.place.admin_socket)
    return Program(gateway.sql, unprivileged_command(command, gateway.sockets, hidden), {"ALCHEMESH_LISTEN": address})


def expiry_program(gateway: Gateway, entries: Sequence[Entry]) -> Program:
    """The program that waits until the next access expires. It stops if no access expires."""
    command = (sys.executable, "-m", "alchemesh_platform.systems.local.data_api.gateway.expiry", str(gateway.folder))
    ends = sorted(entry.ends.isoformat() for entry in entries if entry.ends)
    digest = hashlib.sha256("\n".join(ends).encode()).hexdigest()[:16]
    return Program(gateway.expiry, command, {"ALCHEMESH_ENDS": digest}, ends=True)


def _write_web(gateway: Gateway, where: Listening, admitted: Sequence[Entry]) -> bool:
    configuration = caddy_configuration(
        gateway.folder,
        admitted,
        realm=gateway.process,
        listen=f"{where.netloc}:{where.http_port}",
        protocols=where.protocols,
        statements=where.enclosed,
        sockets=gateway.sockets,
    )
    return write_if_changed(gateway.folder / "caddy.json", configuration)


def _write_sql(gateway: Gateway, where: Listening, admitted: Sequence[Entry], port: int) -> bool:
    configuration = pgbouncer_configuration(
        gateway.folder, admitted, host=where.host, port=port, sockets=gateway.sockets, limits=where.limits
    )
    # Write users first: a database without its user gives no access.
    changed = [
        write_if_changed(gateway.folder / "pgbouncer.users", pgbouncer_users(admitted)),
        write_if_changed(gateway.folder / "pgbouncer.rules", pgbouncer_rules()),
        write_if_changed(gateway.folder / "pgbouncer.ini", configuration),
    ]
    return any(changed)


def _keep_roles(gateway: Gateway, admitted: Sequence[Entry]) -> None:
    """Update the roles in the serving copy. One that does not run yet reads the consumers at its start."""
    import psycopg

    if not gateway.place.answers():
        return
    try:
        keep_roles(gateway.place, [entry.user for entry in admitted], secrets_of(admitted))
    except psycopg.Error as error:
        if gateway.place.answers():
            for name in (gateway.sql, gateway.web):
                processes.halt(gateway.run_directory, name)
            raise GatewayFailed(
                f"{gateway.postgres} does not accept the current consumers, so the gateway is stopped: {error}",
                hint=remedy("{} starts it again", command("up")),
            ) from error


def _reload(gateway: Gateway, process: str, reload: Callable[[], str | None]) -> None:
    """Make a server reload its configuration. A server that is still starting may have read the old one."""
    deadline = time.monotonic() + RELOAD_SECONDS
    while processes.status(gateway.run_directory, process).alive:
        refusal = reload()
        if refusal is None:
            return
        if time.monotonic() > deadline:
            processes.halt(gateway.run_directory, process)
            raise GatewayFailed(
                f"{process} does not accept the current consumers, so it is stopped: {refusal}",
                hint=remedy(
                    "{} starts it again; see {}", command("up"), processes.log_file(gateway.run_directory, process)
                ),
            )
        time.sleep(0.05)


def _reload_web(gateway: Gateway) -> str | None:
    address = f"unix/{gateway.sockets / ADMIN_SOCKET}"
    config = str(gateway.folder / "caddy.json")
    command = (str(program("caddy")), "reload", "--force", "--config", config, "--address", address)
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=RELOAD_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return "it does not answer"
    return None if done.returncode == 0 else "it refuses its configuration"


def _reload_sql(gateway: Gateway, port: int) -> str | None:
    console = str(console_folder(gateway.sockets))
    try:
        simple_query(console, port, "RELOAD", user=CONSOLE, password=None, timeout=RELOAD_SECONDS)
    except (PostgresRefused, OSError) as error:
        return str(error)
    return None
