"""The emulators accept every request of this machine, and reach no file of their user except their own data."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import pytest

from alchemesh_platform.clouds.gcp.emulation.servers.servers import Emulators
from alchemesh_platform.clouds.gcp.emulation.world import BIGQUERY, STORAGE
from alchemesh_platform.machine.servers.supervisor import supervisor
from tests.clouds.gcp.emulation.cloud_run.running import CloudServing

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def answer(url: str, body: str, content_type: str = "application/json") -> tuple[int, str]:
    """Status and text of the answer to a POST."""
    request = urllib.request.Request(url, body.encode(), {"Content-Type": content_type}, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file of the user who runs the emulators."""
    file = tmp_path / "secret.csv"
    file.write_text("password\nhunter2-hunter2\n", "utf-8")
    return file


@pytest.mark.parametrize("steps", ["../../..", "a/../../../..", "../../../../../../../../..", ""])
def test_an_object_is_written_only_in_the_folder_of_the_emulator(
    emulators: Emulators, tmp_path: Path, steps: str
) -> None:
    """An object named `../../x` was once written outside of the emulator's folder."""
    url = emulators.address_of(STORAGE)
    answer(f"{url}/storage/v1/b?project=p", json.dumps({"name": "attacked"}))
    victim = tmp_path / "authorized_keys"
    name = quote(f"{steps}{victim}" if len(steps) > 20 or not steps else f"{steps}/authorized_keys", safe="")
    answer(f"{url}/upload/storage/v1/b/attacked/o?uploadType=media&name={name}", "mine", "text/plain")
    assert not victim.exists()
    own = emulators.folder / STORAGE
    outside = [path for path in emulators.folder.parent.rglob("authorized_keys") if own not in path.parents]
    assert outside == []


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_csv('{secret}')",
        "SELECT content FROM read_text('{secret}')",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM `{secret}`",
        "LOAD DATA INTO x.y FROM FILES (format = 'CSV', uris = ['{secret}'])",
    ],
)
def test_a_statement_reads_no_file_of_the_user(emulators: Emulators, secret: Path, statement: str) -> None:
    """The SQL of the emulator once read every file of the user who had started it."""
    url = f"{emulators.address_of(BIGQUERY)}/bigquery/v2/projects/p/queries"
    _status, text = answer(url, json.dumps({"query": statement.format(secret=secret), "useLegacySql": False}))
    assert "hunter2" not in text
    assert "root:" not in text


def test_a_statement_writes_no_file_of_the_user(emulators: Emulators, tmp_path: Path) -> None:
    url = f"{emulators.address_of(BIGQUERY)}/bigquery/v2/projects/p/queries"
    target = tmp_path / "written.csv"
    answer(url, json.dumps({"query": f"COPY (SELECT 1) TO '{target}'", "useLegacySql": False}))
    assert not target.exists()


def connections_of(process: psutil.Process) -> list[Any]:
    """The connections of a process; none after its end."""
    try:
        return list(process.net_connections("tcp"))
    except psutil.NoSuchProcess:
        return []


def test_the_emulators_listen_on_this_machine_only(emulators: Emulators, cloud_api: CloudServing) -> None:
    for service in (STORAGE, BIGQUERY):
        emulators.address_of(service)
    with cloud_api.client() as client:
        assert client.get("/api/tables/item?limit=1").status_code == HTTPStatus.OK, "an instance of Cloud Run listens"
    with supervisor(emulators.folder / "run") as rpc:
        processes = psutil.Process(rpc.getPID()).children(recursive=True)
    hosts = {
        connection.laddr.ip.removeprefix("::ffff:")  # an IPv4 address, as gRPC shows it
        for process in processes
        for connection in connections_of(process)
        if connection.status == psutil.CONN_LISTEN
    }
    assert hosts == {"127.0.0.1"}
