"""The programs of a serving copy, for the supervisor: PostgreSQL, and its loader."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from alchemesh_platform.machine.files import write_if_changed
from alchemesh_platform.machine.servers.processes import Program
from alchemesh_platform.systems.local.data_api.serving.cluster import Cluster, programs_folder
from alchemesh_platform.systems.local.data_api.serving.consumers.limits import Limits
from alchemesh_platform.systems.local.data_api.serving.place import Place
from alchemesh_platform.systems.local.data_api.tables import ServedTable

_MODULE = "alchemesh_platform.systems.local.data_api.serving"


def prepared(
    place: Place,
    gateway: Path,
    tables: Sequence[ServedTable],
    limits: Limits,
    *,
    names: tuple[str, str],
    enclosed: bool,
    postgresql: str | None = None,
    managed: bool = False,
) -> tuple[Program, ...]:
    """Write the settings of a serving copy, and return its programs.

    Args:
        place: Where it lives.
        gateway: Folder of the gateway, with the consumers.
        tables: The tables.
        limits: Limits of consumers and of the copy.
        names: Names of the two processes.
        enclosed: Whether PostgreSQL runs in an enclosure.
        postgresql: Folder of PostgreSQL's programs; None to find one.
        managed: Whether somebody else runs PostgreSQL. Only the loader runs here then.

    Raises:
        PostgresqlMissing: when this machine has no PostgreSQL.
        StorageFailed: when a file cannot be written.
    """
    place.prepare()
    found = programs_folder(postgresql) if not managed else None
    text = _settings(place, gateway, tables, limits, enclosed=enclosed, postgresql=found)
    write_if_changed(place.settings_file, text)
    return programs(
        place, gateway, tables, limits, names=names, enclosed=enclosed, postgresql=postgresql, managed=managed
    )


def programs(
    place: Place,
    gateway: Path,
    tables: Sequence[ServedTable],
    limits: Limits,
    *,
    names: tuple[str, str],
    enclosed: bool,
    postgresql: str | None = None,
    managed: bool = False,
) -> tuple[Program, ...]:
    """The programs of a serving copy. Each changes with the settings that it reads."""
    found = programs_folder(postgresql) if not managed else None
    text = _settings(place, gateway, tables, limits, enclosed=enclosed, postgresql=found)
    cluster = json.dumps(json.loads(text)["cluster"])
    server, loader = names
    settings = str(place.settings_file)
    loading = Program(loader, (sys.executable, "-m", f"{_MODULE}.loader", settings), _digest(text))
    if managed:
        return (loading,)
    return Program(server, (sys.executable, "-m", f"{_MODULE}.postgres", settings), _digest(cluster)), loading


def _settings(
    place: Place,
    gateway: Path,
    tables: Sequence[ServedTable],
    limits: Limits,
    *,
    enclosed: bool,
    postgresql: Path | None,
) -> str:
    programs = str(postgresql) if postgresql is not None else ""
    cluster = Cluster(str(place.folder), str(place.sockets), programs, enclosed, limits).described()
    described = [
        {
            "name": table.name,
            "folder": str(table.folder),
            "format": table.format,
            "key": list(table.key),
            **({"catalog": list(table.catalog)} if table.catalog is not None else {}),
        }
        for table in tables
    ]
    return json.dumps({"cluster": cluster, "gateway": str(gateway), "tables": described}, indent=1) + "\n"


def _digest(text: str) -> dict[str, str]:
    return {"ALCHEMESH_CONFIGURATION": hashlib.sha256(text.encode()).hexdigest()[:16]}
