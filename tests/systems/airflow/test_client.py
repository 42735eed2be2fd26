"""The client of Airflow's REST interface: versions, sign-in and faults, each with its remedy."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from alchemesh_platform.machine.servers.ports import free_port
from alchemesh_platform.sdk.connections.job import JobConnection
from alchemesh_platform.systems.airflow import client as clients
from alchemesh_platform.systems.airflow import handler as handlers
from alchemesh_platform.systems.airflow.client import AirflowFailed, Client, Existing, NotThere
from alchemesh_platform.systems.airflow.connecting import Place
from alchemesh_platform.systems.airflow.engine import CANCELLED, AirflowEngine
from alchemesh_platform.systems.airflow.handler import DagHandler, DagInputs, DagOutputs
from tests.systems.airflow.answers import Answer, answering
from tests.systems.airflow.conftest import context


@pytest.fixture(autouse=True)
def _one_try(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "TRIES", 1)


def three(more: dict[str, Answer] | None = None) -> Any:
    """Answers of Airflow 3, where others are not given by method and path."""
    known: dict[str, Answer] = {
        "GET /api/v2/version": (200, {"version": "3.3.2"}),
        "POST /auth/token": (201, {"access_token": "a-token"}),
        **(more or {}),
    }
    return lambda method, path, _body: known.get(f"{method} {path}", (404, {"detail": "Not Found"}))


def two(more: dict[str, Answer] | None = None) -> Any:
    """Answers of Airflow 2.10."""
    known: dict[str, Answer] = {"GET /api/v1/version": (200, {"version": "2.10.5"}), **(more or {})}
    return lambda method, path, _body: known.get(f"{method} {path}", (404, {"detail": "Not Found"}))


def test_airflow_three_gets_a_token_and_a_run_without_a_date() -> None:
    started = {"dag_run_id": "r", "state": "queued", "run_type": "manual", "conf": {}}
    with answering(three({"POST /api/v2/dags/a__b/dagRuns": (200, started)})) as server:
        client = Client(server.address, username="alchemesh", password="p")
        assert client.major == 3
        assert client.start("a__b", "r", {"x": 1}).state == "queued"
        assert ("POST", "/auth/token", {"username": "alchemesh", "password": "p"}) in server.requests
        body = {"dag_run_id": "r", "conf": {"x": 1}, "logical_date": None}
        assert server.requests[-1] == ("POST", "/api/v2/dags/a__b/dagRuns", body)
        assert server.signed[-1] == "Bearer a-token"


def test_airflow_two_is_told_apart_by_asking_and_gets_its_own_interface() -> None:
    dag = {
        "dag_id": "a__b",
        "fileloc": "/dags/a__b/dag.py",
        "is_paused": True,
        "is_active": True,
        "tags": [{"name": "alchemesh"}],
        "last_parsed_time": "2026-01-02T03:04:05+00:00",
    }
    answers = {
        "GET /api/v1/dags/a__b": (200, dag),
        "PATCH /api/v1/dags/a__b": (200, dag),
        "POST /api/v1/dags/a__b/dagRuns": (200, {"dag_run_id": "r", "state": "queued"}),
        "GET /api/v1/importErrors": (
            200,
            {"import_errors": [{"filename": "/dags/x.py", "stack_trace": "Traceback"}], "total_entries": 1},
        ),
        "GET /api/v1/dags/a__b/dagRuns/r/taskInstances/code/logs/1": (200, {"content": "one\ntwo"}),
        "GET /api/v1/datasets/events": (
            200,
            {
                "dataset_events": [
                    {"dataset_uri": "alchemesh://local/a/b/c", "extra": {"rows": 3}, "source_run_id": "r"},
                    {"dataset_uri": "alchemesh://local/a/b/c", "extra": None, "source_run_id": "other"},
                ],
                "total_entries": 2,
            },
        ),
    }
    with answering(two(answers)) as server:
        client = Client(server.address, username="alchemesh", password="p")
        assert client.major == 2
        found = client.dag("a__b")
        assert found is not None
        assert (found.is_paused, found.is_stale, found.tags) == (True, False, {"alchemesh"})
        client.pause("a__b", paused=False)
        client.start("a__b", "r", {})
        assert server.requests[-1] == ("POST", "/api/v1/dags/a__b/dagRuns", {"dag_run_id": "r", "conf": {}})
        assert server.signed[-1].startswith("Basic ")
        assert [each.traceback for each in client.import_failures()] == ["Traceback"]
        assert client.log("a__b", "r", clients.Task("code", -1, "success", 1, None), 1) == "one\ntwo"
        assert client.asset_events("a__b", "r") == [("alchemesh://local/a/b/c", {"rows": 3})]
        assert client.run_page("a__b", "r").endswith("/dags/a__b/grid?dag_run_id=r")


@pytest.mark.parametrize("version", ["2.9.3", "1.10.15", "4.0.0"])
def test_another_version_is_refused_by_its_number(version: str) -> None:
    with (
        answering(three({"GET /api/v2/version": (200, {"version": version})})) as server,
        pytest.raises(
            AirflowFailed, match=re.escape(f"Airflow at {server.address} is of version {version}; 2.10 to 3 is needed")
        ),
    ):
        Client(server.address)


def test_a_server_that_is_no_airflow_is_refused() -> None:
    with answering(lambda *_: (200, ["other"])) as server, pytest.raises(AirflowFailed, match="is no Airflow"):
        Client(server.address)
    with answering(lambda *_: (404, {})) as server, pytest.raises(AirflowFailed, match="has neither /api/v2/version"):
        Client(server.address)


def test_a_server_that_is_down_is_an_error_with_a_remedy() -> None:
    address = f"http://127.0.0.1:{free_port('127.0.0.1')}"
    with pytest.raises(AirflowFailed, match=f"Airflow at {address} does not answer") as failed:
        Client(address)
    assert failed.value.hint is not None
    assert "is it running, and reachable from here? `alchemesh up` resumes the deployment" in failed.value.hint


@pytest.mark.parametrize(
    ("status", "message", "hint"),
    [
        (401, "does not accept our sign-in: Invalid credentials", "check `username`, `password` and `token`"),
        (403, "does not allow POST /auth/token: Invalid credentials", "the role `User`"),
    ],
)
def test_a_refused_sign_in_names_the_settings(status: int, message: str, hint: str) -> None:
    refused = three({"POST /auth/token": (status, {"detail": "Invalid credentials"})})
    with answering(refused) as server, pytest.raises(AirflowFailed, match=message) as failed:
        Client(server.address, username="alchemesh", password="secret-password")
    assert hint in str(failed.value.hint)
    assert "secret-password" not in str(failed.value)


def test_an_error_of_the_server_is_repeated_for_reading_and_not_for_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "TRIES", 2)
    answers = {
        "GET /api/v2/dags/a__b": (503, {"detail": "busy"}),
        "POST /api/v2/dags/a__b/dagRuns": (503, {"detail": "busy"}),
    }
    with answering(three(answers)) as server:
        client = Client(server.address)
        with pytest.raises(AirflowFailed, match="answers GET /api/v2/dags/a__b with 503: busy"):
            client.dag("a__b")
        with pytest.raises(AirflowFailed, match="answers POST /api/v2/dags/a__b/dagRuns with 503: busy"):
            client.start("a__b", "r", {})
        paths = [(method, path) for method, path, _ in server.requests]
        assert paths.count(("GET", "/api/v2/dags/a__b")) == 2
        assert paths.count(("POST", "/api/v2/dags/a__b/dagRuns")) == 1


def test_a_repeated_run_and_a_missing_one_have_their_own_errors() -> None:
    with answering(three({"POST /api/v2/dags/a__b/dagRuns": (409, {"detail": "exists"})})) as server:
        client = Client(server.address)
        with pytest.raises(Existing, match="refuses POST"):
            client.start("a__b", "r", {})
        with pytest.raises(NotThere, match="has no /api/v2/dags/a__b/dagRuns/r"):
            client.run("a__b", "r")


def test_a_cancelled_run_of_airflow_two_has_its_note() -> None:
    run = {"dag_run_id": "r", "state": "failed"}
    answers = {
        "PATCH /api/v1/dags/a__b/dagRuns/r": (200, run),
        "PATCH /api/v1/dags/a__b/dagRuns/r/setNote": (200, run),
    }
    with answering(two(answers)) as server:
        Client(server.address).end("a__b", "r", "cancelled by alchemesh")
        assert [body for method, _, body in server.requests if method == "PATCH"] == [
            {"state": "failed"},
            {"note": "cancelled by alchemesh"},
        ]


def test_the_page_of_a_sign_in_in_front_of_airflow_is_named() -> None:
    said = r"answers /api/v2/dags/a__b with HTTP 302 and without JSON"
    page = three({"GET /api/v2/dags/a__b": (302, "")})
    with answering(page) as server, pytest.raises(AirflowFailed, match=said) as failed:
        Client(server.address).dag("a__b")
    assert "Set `token` in the settings group `airflow`" in str(failed.value.hint)


def test_a_missing_file_of_authorities_and_a_wrong_address_name_their_settings(tmp_path: Path) -> None:
    with pytest.raises(AirflowFailed, match=f"the authorities {tmp_path}/none.pem cannot be read") as failed:
        Client("https://airflow.acme.example", ca_file=f"{tmp_path}/none.pem")
    assert failed.value.hint == "set `ca_file` in the settings group `airflow` to a PEM file"
    with pytest.raises(AirflowFailed, match=r"http://\[:: is no address") as failed:
        Client("http://[::")
    assert "set `address` in the settings group `airflow`" in str(failed.value.hint)


def test_the_runs_of_a_teams_dag_are_those_that_ended_since_a_moment() -> None:
    listed = {"dag_runs": [{"dag_run_id": "long", "state": "failed", "note": CANCELLED}], "total_entries": 1}
    with answering(three({"GET /api/v2/dags/a__b/dagRuns": (200, listed)})) as server:
        job = JobConnection(
            entrypoint="dag.py",
            engine="airflow",
            engine_address=server.address,
            engine_job="a__b",
            engine_login={"token": "t"},
        )
        found = AirflowEngine().runs(job, datetime(2026, 1, 2, tzinfo=UTC), environ={})
        assert [(each.id, each.state) for each in found] == [("long", "cancelled")]
        assert "end_date_gte=2026-01-02T00%3A00%3A00%2B00%3A00" in server.queries[-1]
        assert "start_date_gte" not in server.queries[-1]


def test_the_removal_of_a_dag_leaves_the_runs_of_somebody_elses_dag() -> None:
    theirs = {"dag_id": "a__b", "fileloc": "/dags/their-a__b/dag.py", "is_paused": False, "is_stale": False}
    ours = {**theirs, "fileloc": "/dags/a__b/dag.py"}
    inputs = DagInputs(server=Place(folder="/run"), dags="/dags", dag_id="a__b", owner="a/b/code", descriptor="/j.json")
    with answering(three({"GET /api/v2/dags/a__b": (200, theirs)})) as server:
        handlers._end_runs(Client(server.address), "a__b", inputs)
        assert {method for method, _, _ in server.requests} == {"GET"}
    running = {"dag_runs": [{"dag_run_id": "r", "state": "running"}], "total_entries": 1}
    answers = {
        "GET /api/v2/dags/a__b": (200, ours),
        "PATCH /api/v2/dags/a__b": (200, ours),
        "GET /api/v2/dags/a__b/dagRuns": (200, running),
        "PATCH /api/v2/dags/a__b/dagRuns/r": (200, {}),
    }
    with answering(three(answers)) as server:
        handlers._end_runs(Client(server.address), "a__b", inputs)
        assert ("PATCH", "/api/v2/dags/a__b", {"is_paused": True}) in server.requests


def test_a_file_of_another_program_beside_a_dag_is_no_drift(tmp_path: Path) -> None:
    dag = {"dag_id": "a__b", "fileloc": f"{tmp_path}/a__b/dag.py", "is_paused": False, "is_stale": False}
    with answering(three({"GET /api/v2/dags/a__b": (200, dag)})) as server:
        place = Place(address=server.address, token="t")
        inputs = DagInputs(server=place, dags=str(tmp_path), dag_id="a__b", owner="a/b/code", definition="# a DAG\n")
        made = DagOutputs(address=server.address, server_version="3.3.2", since="2026-01-01", dag_ids=("a__b",))
        handlers.delivery(str(tmp_path), "a__b").write(handlers._files(inputs, made.since, context()))
        (tmp_path / "a__b" / ".nfs0001").write_bytes(b"\xff")
        assert DagHandler().drift(inputs, made, context()) is None
        (tmp_path / "a__b" / "dag.py").write_text("# another DAG\n")
        assert "differs from its declaration" in str(DagHandler().drift(inputs, made, context()))


@pytest.mark.parametrize(
    ("file", "is_ours"),
    [
        ("/opt/dags/a__b/dag.py", True),
        ("a__b/dag.py", True),  # Airflow 3 names the file of an import error by its path in the bundle
        ("x-a__b/dag.py", False),
        ("/opt/dags/x-a__b/dag.py", False),
        ("/opt/dags/a__b/other.py", False),
    ],
)
def test_the_file_of_another_product_is_not_taken_for_ours(file: str, is_ours: bool) -> None:
    inputs = DagInputs(server=Place(folder="/run"), dags="/dags", dag_id="a__b", owner="a/b/code", descriptor="/j.json")
    assert handlers._is_ours(file, inputs) is is_ours
