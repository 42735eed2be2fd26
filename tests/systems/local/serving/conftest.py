"""One real PostgreSQL as a serving copy, in its enclosure."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

from alchemesh_platform.systems.local.data_api.serving.cluster import Cluster, programs_folder
from alchemesh_platform.systems.local.data_api.serving.consumers.hardening import open_statement
from alchemesh_platform.systems.local.data_api.serving.consumers.roles import keep_roles
from alchemesh_platform.systems.local.data_api.serving.loading.load import CopiedTable, Copy
from alchemesh_platform.systems.local.data_api.serving.place import DATABASE, Place, connect
from tests.waiting import until

if TYPE_CHECKING:
    import psycopg

CONSUMER = "ada"
BYTES_MAX = 1_000_000_000


@pytest.fixture(scope="package")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A running PostgreSQL with one consumer."""
    folder = tmp_path_factory.mktemp("serving")
    (folder / "s").mkdir()
    cluster = Cluster(str(folder / "serving"), str(folder / "s"), str(programs_folder()), True)
    with running(cluster):
        keep_roles(cluster.place, [CONSUMER])
        with connect(cluster.place) as session:
            session.execute(open_statement(cluster.place))
        yield cluster


class running:
    """A server that runs in a ``with`` block."""

    def __init__(self, cluster: Cluster) -> None:
        place = cluster.place
        place.prepare()
        place.settings_file.write_text(json.dumps({"cluster": cluster.described()}))
        module = "alchemesh_platform.systems.local.data_api.serving.postgres"
        self.server = subprocess.Popen([sys.executable, "-m", module, str(place.settings_file)])
        self.place = place

    def __enter__(self) -> subprocess.Popen[bytes]:
        until(lambda: self.server.poll() is not None or self.place.answers(), "PostgreSQL listens")
        assert self.server.poll() is None
        return self.server

    def __exit__(self, *error: object) -> None:
        if self.server.poll() is None:
            self.server.send_signal(signal.SIGTERM)
            assert self.server.wait(60) == 0


@pytest.fixture
def place(cluster: Cluster) -> Place:
    return cluster.place


@pytest.fixture
def consumer(place: Place) -> Iterator[psycopg.Connection[Any]]:
    """A connection of a consumer, on its socket."""
    with as_consumer(place) as connection:
        yield connection


def as_consumer(place: Place, user: str = CONSUMER) -> psycopg.Connection[Any]:
    import psycopg

    return psycopg.connect(f"host={place.consumers_socket} user={user} dbname={DATABASE}", autocommit=True)


@pytest.fixture
def copy_of(place: Place, request: pytest.FixtureRequest) -> Callable[..., Copy]:
    """Copies of tables, each named after the test."""

    def make(folder: Path, kind: Literal["delta", "parquet"] = "delta", key: tuple[str, ...] = (), **more: Any) -> Copy:
        name = request.node.name.replace("[", "_").rstrip("]")[-50:]
        return Copy(place, CopiedTable(name, folder, kind, key), more.pop("bytes_max", BYTES_MAX), **more)

    return make
