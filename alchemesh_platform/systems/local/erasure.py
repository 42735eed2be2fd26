"""Erase rows of Delta tables on this machine, and of the serving copies of their ports."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from alchemesh_platform.machine.files import count
from alchemesh_platform.sdk.connections.data_api import DataApiConnection
from alchemesh_platform.sdk.connections.ports import PortConnections
from alchemesh_platform.sdk.connections.tables import TablesConnection
from alchemesh_platform.sdk.system.erasure import ErasedRows, Erasure, NotErasable
from alchemesh_platform.systems.local.data_api.gateway.gateway import Gateway
from alchemesh_platform.systems.local.data_api.serving.loading.source import DeltaSource
from alchemesh_platform.systems.local.data_api.serving.loading.state import TableState, read_state
from alchemesh_platform.systems.local.data_api.serving.place import Place
from alchemesh_platform.systems.local.tables.erasing import count_rows, delete_rows, remove_former

COPY_SECONDS = 60.0
_LOOK_SECONDS = 0.1


class LocalErasure(Erasure):
    """Rows of Delta tables below the root of an environment."""

    def count(self, port: PortConnections, model: str, where: str) -> int:
        return count_rows(_folder(port, model), where)

    def erase(
        self, port: PortConnections, model: str, where: str, report: Callable[[str], None], begun: Callable[[int], None]
    ) -> ErasedRows:
        folder = _folder(port, model)
        rows = count_rows(folder, where)
        begun(rows)
        if rows:
            delete_rows(folder, where)
            report(f"erased {count(rows, 'row')} of table {model}")
        place = place_of_copy(port)
        # The copy reads the new version first: it may be reading a file of the former one now.
        problem = copy_problem(place, model, folder) if place is not None else ""
        if place is not None and not problem:
            report(f"the serving copy has the current version of table {model}")
        files = remove_former(folder)
        report(f"removed {count(files, 'file')} of former versions of table {model}")
        return ErasedRows(rows, files, None if place is None else not problem, problem)

    def remains(self, port: PortConnections, model: str) -> str:
        return (
            f"{_folder(port, model) / '_delta_log'} keeps the predicate, and the smallest and largest value of each "
            "column of removed files"
        )


def copy_problem(place: Place, table: str, folder: Path, seconds: float = COPY_SECONDS) -> str:
    """Wait until a serving copy has the current version of a table; the reason if it has not, empty if it has.

    Args:
        place: The place of the copy.
        table: Name of the table.
        folder: Folder of the table.
        seconds: How long to wait.
    """
    return problem_of_copy(place, table, DeltaSource(folder).snapshot().committed_at, seconds)


def problem_of_copy(place: Place, table: str, committed_at: datetime, seconds: float = COPY_SECONDS) -> str:
    """Wait until a serving copy has a version of a table; the reason if it has not, empty if it has.

    Args:
        place: The place of the copy.
        table: Name of the table.
        committed_at: When the version was committed.
        seconds: How long to wait.
    """
    deadline = time.monotonic() + seconds
    while True:
        found = _state(place, table)
        if found is not None and found.committed_at is not None and found.committed_at >= committed_at:
            return ""
        if not place.answers():
            return "its PostgreSQL does not run; it loads the current version when it starts"
        if time.monotonic() > deadline:
            reason = found.problem if found is not None else None
            return reason or f"it has not loaded the current version after {seconds:g} s"
        time.sleep(_LOOK_SECONDS)


def _state(place: Place, table: str) -> TableState | None:
    copy = read_state(place.state_file)
    return next((each for each in copy.tables if each.name == table), None) if copy is not None else None


def place_of_copy(port: PortConnections) -> Place | None:
    """The place of the serving copy of a port; None if it has none."""
    if not isinstance(port.proxy, DataApiConnection) or port.proxy.credential_file is None:
        return None
    place = Gateway.at(Path(port.proxy.credential_file).parent).place
    return place if place.state_file.is_file() else None


def _folder(port: PortConnections, model: str) -> Path:
    if not isinstance(port.storage, TablesConnection) or port.storage.format != "delta":
        raise NotErasable(
            "its storage is no Delta table of this machine",
            hint="delete the rows with the means of that service, and remove its backups and former versions too",
        )
    return port.storage.path(model)


ERASURE = LocalErasure()
