"""The server behind a data API: roapi, over tables of this machine.

Properties of roapi 0.12, and their consequences:

- It has no users, and serves any file to every client of its HTTP port. So it runs in a sandbox (sandbox.py), and
  clients reach it only through the gateway (gateway.py). Its PostgreSQL port is not used: PostgreSQL serves SQL.
- It always listens for HTTP, PostgreSQL and Flight SQL. Here it listens on the loopback interface of its sandbox.
- It reads appended rows only when it reloads tables, and reloads only if it was started writable.
- It serves empty tables. The next reload finds added columns and replaced tables.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.machine.files import storage_errors, write_if_changed
from alchemesh_platform.machine.ports import free_port
from alchemesh_platform.machine.processes import Program
from alchemesh_platform.systems.local.data_api.gateway import gateway as gateways
from alchemesh_platform.systems.local.data_api.gateway.gateway import LOOPBACK, Gateway
from alchemesh_platform.systems.local.data_api.programs import Guard, program
from alchemesh_platform.systems.local.data_api.sandbox import sandboxed_command, table_inside
from alchemesh_platform.systems.local.data_api.sandboxed import RELOAD_SECONDS
from alchemesh_platform.systems.local.data_api.tables import ServedTable, TableNotServed


def prepared(gateway: Gateway, tables: Sequence[ServedTable], guard: Guard) -> Program:
    """Write the files that the server behind a gateway reads, and return its program.

    Raises:
        TableNotServed: when a table has no folder on this machine.
        StorageFailed: when a file cannot be written.
    """
    _link_tables(gateway, tables)
    write_if_changed(_config_file(gateway), _configuration(gateway, tables, guard))
    return server(gateway, tables, guard)


def server(gateway: Gateway, tables: Sequence[ServedTable], guard: Guard) -> Program:
    """The program of the server behind a gateway.

    It changes if a table's folder is replaced by another of the same name.
    """
    folders = [_identity(table.folder) for table in tables]
    digest = hashlib.sha256(f"{_configuration(gateway, tables, guard)}{folders}".encode()).hexdigest()[:16]
    return Program(gateway.process, _command(gateway, tables, guard), {"ALCHEMESH_CONFIGURATION": digest})


def server_port(gateway: Gateway) -> int:
    """The loopback port of a server without a sandbox. It is chosen once and kept."""
    kept = gateways.listening(gateway)
    return (kept.server_port if kept else None) or free_port(LOOPBACK)


def _command(gateway: Gateway, tables: Sequence[ServedTable], guard: Guard) -> tuple[str, ...]:
    if guard.sandboxed:
        links = {table.name: _link(gateway, table) for table in tables}
        return sandboxed_command(_config_file(gateway), links, gateway.sockets)
    options = ("--disable-read-only", "--reload-interval", str(RELOAD_SECONDS))
    return (str(program("roapi")), "--config", str(_config_file(gateway)), *options)


def _configuration(gateway: Gateway, tables: Sequence[ServedTable], guard: Guard) -> str:
    """The configuration of roapi: JSON, which is valid YAML and needs no extra escaping."""
    nowhere = f"{LOOPBACK}:0"
    port = 0 if guard.sandboxed else server_port(gateway)
    document = {
        "addr": {"http": f"{LOOPBACK}:{port}", "postgres": nowhere, "flight_sql": nowhere},
        "tables": [
            {
                "name": table.name,
                "uri": table_inside(table.name) if guard.sandboxed else str(table.folder),
                "option": {"format": table.format, "use_memory_table": False},
            }
            for table in tables
        ],
    }
    return json.dumps(document, indent=1) + "\n"


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        found = folder.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _link(gateway: Gateway, table: ServedTable) -> Path:
    """A link to a table.

    With it, a path may hold any characters, and the supervisor's configuration does not contain it.
    """
    return gateway.folder / "tables" / table.name


def _link_tables(gateway: Gateway, tables: Sequence[ServedTable]) -> None:
    for table in tables:
        link, folder = _link(gateway, table), table.folder
        if not folder.is_dir():
            raise TableNotServed(
                f"table {table.name}: there is no folder {folder}", hint=remedy("{} makes it again", command("up"))
            )
        with storage_errors(f"link {folder} at {link}"):
            link.parent.mkdir(mode=0o700, exist_ok=True)
            if not link.is_symlink() or link.readlink() != folder:
                link.unlink(missing_ok=True)
                link.symlink_to(folder)


def _config_file(gateway: Gateway) -> Path:
    return gateway.folder / "roapi.yml"
