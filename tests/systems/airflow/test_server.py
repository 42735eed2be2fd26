"""The Airflow of this machine, without its processes: which command starts and ends it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from alchemesh_platform.systems.airflow.client import AirflowFailed
from alchemesh_platform.systems.airflow.connecting import Place
from alchemesh_platform.systems.airflow.handler import DagHandler, DagInputs
from alchemesh_platform.systems.airflow.server import LocalAirflow
from tests.systems.airflow.conftest import context


def test_the_removal_of_the_last_dag_does_not_end_the_server_of_a_delivery(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An `up` has started the server and has not written its DAG yet, and a `destroy` of the last other one runs."""
    monkeypatch.setattr(LocalAirflow, "_start", lambda *_: None)
    stopped: list[Path] = []
    monkeypatch.setattr(LocalAirflow, "stop", lambda self: stopped.append(self.folder))
    local = LocalAirflow(tmp_path / "_airflow")
    with ThreadPoolExecutor(1) as other:
        with local.serving((), {}):
            removal = other.submit(local.end_if_unused)
            (local.dags / "a__b").mkdir(parents=True)
            (local.dags / "a__b" / "dag.py").write_text("# a DAG")
        assert removal.result(30) is False
    assert stopped == []
    assert local.dags.is_dir()
    (local.dags / "a__b" / "dag.py").unlink()
    assert local.end_if_unused() is True
    assert stopped == [local.folder]


def test_a_first_delivery_that_fails_leaves_no_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "_airflow"
    monkeypatch.setattr(LocalAirflow, "_start", lambda self, *_: self.dags.mkdir())
    stopped: list[Path] = []
    monkeypatch.setattr(LocalAirflow, "stop", lambda self: stopped.append(self.folder))
    inputs = DagInputs(
        server=Place(folder=str(folder)), dags=f"{folder}/dags", dag_id="a__b", owner="a/b/code", descriptor="/j.json"
    )
    with pytest.raises(AirflowFailed, match="no Airflow was started in"):
        DagHandler().create(inputs, context())
    assert stopped == [folder]
    (folder / "dags" / "other").mkdir(parents=True)
    (folder / "dags" / "other" / "dag.py").write_text("# a DAG of another product")
    monkeypatch.setattr(LocalAirflow, "_start", lambda *_: None)
    with pytest.raises(AirflowFailed, match="no Airflow was started in"):
        DagHandler().create(inputs, context())
    assert stopped == [folder]
