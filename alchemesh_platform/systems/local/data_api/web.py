"""The server of REST and GraphQL behind a data API: a program of the platform over the serving copy.

It reaches PostgreSQL and the gateway by Unix sockets only. In its enclosure it has no network, can read the port's
tables and its own programs, and can write nothing.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import alchemesh_platform
from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.machine.files import write_if_changed
from alchemesh_platform.machine.servers.processes import Program
from alchemesh_platform.systems.local.data_api.gateway.files import WEB_SOCKET
from alchemesh_platform.systems.local.data_api.gateway.gateway import Gateway
from alchemesh_platform.systems.local.data_api.programs import program
from alchemesh_platform.systems.local.data_api.sandbox import SYSTEM_FOLDERS
from alchemesh_platform.systems.local.data_api.serving.consumers.limits import Limits
from alchemesh_platform.systems.local.data_api.serving.place import DATABASE, HTTP, PORT
from alchemesh_platform.systems.local.data_api.tables import ServedTable, TableNotServed

_MODULE = "alchemesh_platform.systems.local.data_api.http"
_CONFIG, _SQL, _WEB, _TABLES = "/http.json", "/sql", "/web", "/tables"  # in the enclosure


def prepared(gateway: Gateway, tables: Sequence[ServedTable], limits: Limits, *, title: str, enclosed: bool) -> Program:
    """Write the configuration of the server, and return its program.

    Args:
        gateway: The gateway in front of it.
        tables: The served tables.
        limits: Limits of consumers.
        title: Title of the OpenAPI document.
        enclosed: Whether it runs in an enclosure.

    Raises:
        TableNotServed: when a table has no folder on this machine.
        StorageFailed: when a file cannot be written.
    """
    for table in tables:
        if not table.folder.is_dir():
            raise TableNotServed(
                f"table {table.name}: there is no folder {table.folder}",
                hint=remedy("{} makes it again", command("up")),
            )
    text = _configuration(gateway, tables, limits, title=title, enclosed=enclosed)
    write_if_changed(_config_file(gateway), text)
    return server(gateway, tables, limits, title=title, enclosed=enclosed)


def server(gateway: Gateway, tables: Sequence[ServedTable], limits: Limits, *, title: str, enclosed: bool) -> Program:
    """The program of the server. It changes if a table's folder is replaced by another of the same name."""
    text = _configuration(gateway, tables, limits, title=title, enclosed=enclosed)
    folders = [_identity(table.folder) for table in tables]
    digest = hashlib.sha256(f"{text}{folders}".encode()).hexdigest()[:16]
    run = (sys.executable, "-m", _MODULE, "--config", _CONFIG if enclosed else str(_config_file(gateway)))
    whole = (*_enclosure(gateway, tables), *run) if enclosed else run
    return Program(gateway.process, whole, {"ALCHEMESH_CONFIGURATION": digest})


def _configuration(
    gateway: Gateway, tables: Sequence[ServedTable], limits: Limits, *, title: str, enclosed: bool
) -> str:
    sql, web = (_SQL, _WEB) if enclosed else (str(gateway.place.consumers_socket), str(gateway.place.web_socket))
    described = [
        {
            "name": table.name,
            "key": list(table.key),
            "delta": None if table.format != "delta" else f"{_TABLES}/{table.name}" if enclosed else str(table.folder),
        }
        for table in tables
    ]
    document = {
        "dsn": f"postgresql://{HTTP}@/{DATABASE}?host={quote(sql, safe='')}&port={PORT}",
        "socket": f"{web}/{WEB_SOCKET}",
        "tables": described,
        "limits": {"statement_seconds": limits.statement_seconds},
        "title": title,
        "statements": enclosed,
    }
    return json.dumps(document, indent=1) + "\n"


def _enclosure(gateway: Gateway, tables: Sequence[ServedTable]) -> tuple[str, ...]:
    """The enclosure: no network, this Python with its packages, the tables, and two folders of sockets."""
    place = gateway.place
    found = [str(program("bwrap")), "--unshare-all", "--die-with-parent", "--clearenv"]
    for name, value in (("LC_ALL", "C.UTF-8"), ("TZ", "UTC"), ("PYTHONDONTWRITEBYTECODE", "1")):
        found += ["--setenv", name, value]
    found += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]  # noqa: S108 - of the enclosure
    for folder in (*SYSTEM_FOLDERS, *python_folders()):
        found += ["--ro-bind-try", folder, folder]
    for table in tables:
        if table.format == "delta":
            found += ["--ro-bind", str(table.folder), f"{_TABLES}/{table.name}"]
    found += ["--ro-bind", str(_config_file(gateway)), _CONFIG]
    found += ["--ro-bind", str(place.consumers_socket), _SQL, "--bind", str(place.web_socket), _WEB]
    return (*found, "--remount-ro", "/", "--")


def python_folders() -> list[str]:
    """The folders of this Python and its packages; of a package that is under development, its own folder only."""
    packages = [Path(path) for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    # Some installers link packages into an environment.
    linked = {
        entry.resolve().parent
        for folder in packages
        if folder.is_dir()
        for entry in folder.iterdir()
        if entry.is_symlink()
    }
    python = Path(sys.executable).resolve().parent.parent
    folders = [sys.base_prefix, sys.prefix, python, *packages, *sorted(linked), *alchemesh_platform.__path__]
    return list(dict.fromkeys(str(folder) for folder in folders))


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        found = folder.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _config_file(gateway: Gateway) -> Path:
    return gateway.folder / "http.json"
