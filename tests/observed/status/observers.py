"""Components that report healthy or unhealthy states, for the tests of the status."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path

from alchemesh_platform.connections import DataApiConnection, FilesConnection, TablesConnection
from alchemesh_platform.observed.observing import OBSERVERS
from alchemesh_platform.sdk.observation import Observation, TableObservation
from alchemesh_platform.sdk.spec import ComponentSpec

CHANGED = datetime(2026, 1, 5, 14, 3, tzinfo=UTC)
never = threading.Event()
all_are_asked = threading.Barrier(OBSERVERS)


def observe_tables(connection: TablesConnection) -> Observation:
    rows = {name: TableObservation(336_776, 31_200_000, CHANGED) for name in connection.tables}
    return Observation("healthy", "", rows)


def observe_files(connection: FilesConnection) -> Observation:
    """Reads the folder, as the components do."""
    folder = connection.path
    if not folder.is_dir():
        return Observation("unhealthy", f"{folder} is not there")
    return Observation("healthy", "", {"files": TableObservation(size_bytes=sum(1 for _ in folder.iterdir()))})


def observe_dead(connection: DataApiConnection) -> Observation:
    return Observation("unhealthy", f"nothing answers at {connection.rest}")


def observe_current(connection: DataApiConnection) -> Observation:
    return Observation("healthy", "copy of 2 kB", lag_seconds=0.0)


def observe_late(connection: DataApiConnection) -> Observation:
    return Observation("healthy", "copy of 2 kB", lag_seconds=301.0)


def observe_empty(connection: TablesConnection) -> Observation:
    return Observation("healthy", "", {name: TableObservation(0, 0) for name in connection.tables})


def observe_with_credential(connection: DataApiConnection) -> Observation:
    """Reads the credential, as the health check of a data API does."""
    user = connection.credential.user
    return Observation("healthy") if user == "good" else Observation("unhealthy", f"REST: 401 for {user}")


def observe_for_consumer(connection: DataApiConnection, consumer: str | None = None) -> Observation:
    """Looks up the account of the reader, as views of a cloud do."""
    return Observation("unhealthy" if consumer == "revoked@acme" else "healthy", f"read by {consumer}")


def observe_hanging(_: FilesConnection) -> Observation:
    never.wait()
    return Observation("healthy")


def observe_together(_: FilesConnection) -> Observation:
    """Answers after as many observations started as can run at the same time."""
    all_are_asked.wait()
    return Observation("healthy")


def observe_failing(_: FilesConnection) -> Observation:
    raise PermissionError("not for you\nsecond line")


def observe_nonsense(_: FilesConnection) -> str:
    return "fine"


def spec(observe: str | None) -> ComponentSpec:
    return ComponentSpec(
        name="any",
        component_type="any",
        roles=(),
        summary="",
        version="1.0.0",
        maturity="stable",
        owner="team",
        stateful=True,
        component="",
        args="",
        settings="",
        outputs="",
        observe=observe and f"{__name__}:{observe}",
    )


SPECS = {
    "delta-table": spec("observe_tables"),
    "local-directory": spec("observe_files"),
    "local-files": spec("observe_files"),
    "roapi": spec("observe_dead"),
    "local-python": spec(None),
    "current": spec("observe_current"),
    "late": spec("observe_late"),
    "hanging": spec("observe_hanging"),
    "together": spec("observe_together"),
    "failing": spec("observe_failing"),
    "nonsense": spec("observe_nonsense"),
    "without-function": spec("no_such_function"),
}


def files(folder: Path) -> dict[str, str]:
    return {"kind": "files", "url": folder.as_uri()}
