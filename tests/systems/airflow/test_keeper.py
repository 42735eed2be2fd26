"""The process that keeps secrets in memory for the tasks of Airflow."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from alchemesh_platform.systems.airflow.keeper import secrets_for
from tests.waiting import until


def document(dags: Path, dag_id: str, *names: str) -> None:
    (dags / dag_id).mkdir(parents=True)
    (dags / dag_id / "connections.json").write_text(json.dumps({"secrets": names, "ports": {}}))


def test_a_dag_gets_the_secrets_that_its_product_names(tmp_path: Path) -> None:
    document(tmp_path, "shop__orders", "TOKEN", "EMPTY", "MISSING")
    document(tmp_path, "shop__other", "OTHER")
    environ = {"TOKEN": "one", "EMPTY": "", "OTHER": "two"}
    assert secrets_for("shop__orders", tmp_path, environ) == {"TOKEN": "one"}
    assert secrets_for("shop__other", tmp_path, environ) == {"OTHER": "two"}
    assert secrets_for("shop__unknown", tmp_path, environ) == {}


@pytest.mark.parametrize("hostile", ["../shop__orders", "", ".", "shop__orders/../shop__orders", "a\x00b", "/etc"])
def test_a_path_is_no_dag(tmp_path: Path, hostile: str) -> None:
    document(tmp_path / "dags", "shop__orders", "TOKEN")
    document(tmp_path, "shop__orders", "TOKEN")
    assert secrets_for(hostile, tmp_path / "dags", {"TOKEN": "one"}) == {}


def asked(path: Path, dag_id: str) -> dict[str, str]:
    """The answer to a question."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.connect(str(path))
        asking.sendall(dag_id.encode() + b"\n")
        found: dict[str, str] = json.loads(b"".join(iter(lambda: asking.recv(65536), b"")))
        return found


def answers(path: Path) -> bool:
    """Whether a process answers on a socket."""
    try:
        asked(path, "shop__orders")
    except OSError:
        return False
    return True


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[Path]:
    """The socket of a running process."""
    document(tmp_path, "shop__orders", "TOKEN")
    with tempfile.TemporaryDirectory(prefix="alchemesh-keeper-") as short:  # paths of sockets are short
        path = Path(short, "k.sock")
        command = [sys.executable, "-m", "alchemesh_platform.systems.airflow.keeper", str(path), str(tmp_path)]
        process = subprocess.Popen(command, env={**os.environ, "TOKEN": "one"})
        try:
            until(lambda: answers(path), "an answer")
            yield path
        finally:
            process.terminate()
            process.wait()


def test_a_task_asks_by_its_socket_which_only_the_user_may_open(keeper: Path) -> None:
    assert [asked(keeper, "shop__orders") for _ in range(3)] == [{"TOKEN": "one"}] * 3
    assert asked(keeper, "shop__unknown") == {}
    assert stat.S_IMODE(keeper.stat().st_mode) == 0o600
