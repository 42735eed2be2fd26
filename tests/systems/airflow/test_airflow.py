"""A real Airflow of this machine: products' code runs there, and one history has the runs."""

from __future__ import annotations

import os
import re
import shutil
import signal
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from alchemesh_platform.machine.servers import processes
from alchemesh_platform.provider.handler import NotDone
from alchemesh_platform.registry.records import Deployment
from alchemesh_platform.sdk.code.engine import RunRequest
from alchemesh_platform.sdk.connections.job import JobConnection
from alchemesh_platform.systems.airflow.client import AirflowFailed, Client
from alchemesh_platform.systems.airflow.engine import AirflowEngine
from alchemesh_platform.systems.airflow.handler import DagHandler
from alchemesh_platform.systems.airflow.server import LocalAirflow
from tests.end_to_end.harness import Shop
from tests.systems.airflow.conftest import KEPT, PIN, context, declared, local_airflow, own_dag
from tests.waiting import gone, until

pytestmark = pytest.mark.engine

DAG_ID = "shop__orders"


def runs_of(shop: Shop) -> list[Deployment]:
    """The runs in the history, the newest first."""
    with shop.registry() as registry:
        return list(registry.deployments("shop/orders", "local", operations=("run",), limit=10))


def client_of(local: LocalAirflow) -> Client:
    return local.client()


def job_of(local: LocalAirflow, dag_id: str, descriptor: str | None = None) -> JobConnection:
    return JobConnection(
        entrypoint="dag.py",
        descriptor=descriptor,
        engine="airflow",
        engine_address=local.address,
        engine_job=dag_id,
        engine_login={"folder": str(local.folder)},
    )


def test_a_teams_own_dag_gets_its_connections_and_its_asset_events_are_in_the_run(airflow: LocalAirflow) -> None:
    dag_id, handler, engine = "shop__returns", DagHandler(), AirflowEngine()
    task = (
        f'found = Connection.get("{dag_id}__notes")\n'
        'print("notes at", found.host, "with", found.extra_dejson["storage"]["key"])\n'
        'outlet_events[TABLE].extra = {"rows": 7}'
    )
    storage = {"kind": "files", "url": "file:///data/notes", "key": {"secret": "NOTES_KEY"}}
    inputs = declared(airflow, dag_id, own_dag(dag_id, task), connections={"notes": {"storage": storage}})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NOTES_KEY", "a-key-of-notes")
        outputs = handler.create(inputs, context())
    assert outputs.dag_ids == (dag_id,)
    assert (airflow.dags / dag_id / "dag.py").read_text() == inputs.definition, "the file is delivered unchanged"
    assert handler.drift(inputs, outputs, context()) is None

    job, request = job_of(airflow, dag_id), RunRequest("r1", "shop/returns", "local")
    begun = datetime.now(UTC) - timedelta(minutes=1)
    started = engine.start(job, request, environ={})
    assert engine.start(job, request, environ={}).id == started.id, "a repeated request starts no second run"
    until(lambda: engine.look(job, started.id, environ={}).has_ended, "the run ends")
    run = engine.look(job, started.id, environ={})
    assert (run.state, run.request, run.trigger, run.written) == ("succeeded", "r1", "manual", {"orders-table": 7})
    assert "notes at file:///data/notes with a-key-of-notes" in engine.log(job, run.id, environ={}).replace(
        "***", "a-key-of-notes"
    )
    assert [each.id for each in engine.runs(job, begun, environ={})] == [run.id]
    assert engine.runs(job.model_copy(update={"descriptor": "/x"}), begun, environ={}) == ()

    # A file that fails on import is reported with its traceback. The former file stays.
    broken = inputs.model_copy(update={"definition": f"import nowhere\n{inputs.definition}"})
    with pytest.raises(
        NotDone, match=r"(?s)cannot import the DAG file: Traceback.*No module named 'nowhere'"
    ) as failed:
        handler.update(broken, inputs, outputs, context())
    assert "until then the former DAG stays as it is" in str(failed.value.hint)
    assert (airflow.dags / dag_id / "dag.py").read_text() == inputs.definition
    # Airflow finds an error that the import does not show: it says so, and the former file is put back.
    rejected = inputs.model_copy(update={"definition": own_dag(dag_id, schedule='"61 * * * *"')})
    with pytest.raises(NotDone, match="cannot import"):
        handler.update(rejected, inputs, outputs, context())
    assert (airflow.dags / dag_id / "dag.py").read_text() == inputs.definition

    handler.delete(inputs, outputs, context())
    handler.delete(inputs, outputs, context())
    assert not (airflow.dags / dag_id).exists()


def test_the_dag_of_somebody_else_is_not_taken_over(airflow: LocalAirflow) -> None:
    folder = airflow.dags / "elsewhere"
    folder.mkdir()
    (folder / "theirs.py").write_text(own_dag("shop__taken"))
    until(lambda: client_of(airflow).dag("shop__taken"), "Airflow reads the DAG")
    inputs = declared(airflow, "shop__taken", own_dag("shop__taken"))
    with pytest.raises(NotDone, match=r"has a DAG 'shop__taken' that alchemesh did not deliver: .*theirs\.py"):
        DagHandler().create(inputs, context())
    assert not (airflow.dags / "shop__taken").exists()
    shutil.rmtree(folder)


def test_a_cancelled_run_ends_its_code_and_a_paused_dag_is_drift(airflow: LocalAirflow, tmp_path: Path) -> None:
    dag_id, handler, engine = "shop__waits", DagHandler(), AirflowEngine()
    task = f'import os, time\nopen("{tmp_path}/pid", "w").write(str(os.getpid()))\nwhile True:\n    time.sleep(0.1)'
    inputs = declared(airflow, dag_id, own_dag(dag_id, task))
    outputs = handler.create(inputs, context())
    job = job_of(airflow, dag_id)
    run = engine.start(job, RunRequest("r2", "shop/waits", "local"), environ={})
    until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text(), "the task runs")
    engine.cancel(job, run.id, environ={})
    until(lambda: gone(int((tmp_path / "pid").read_text())), "Airflow ends the task")
    ended = engine.look(job, run.id, environ={})
    assert (ended.state, ended.problem) == ("cancelled", "cancelled by alchemesh")
    engine.cancel(job, run.id, environ={})

    client_of(airflow).pause(dag_id, paused=True)
    drift = handler.drift(inputs, outputs, context())
    assert drift is not None
    assert drift.reason == f"DAG {dag_id} was paused by hand; `up` turns its schedule on"
    handler.update(inputs, inputs, outputs, context())
    assert handler.drift(inputs, outputs, context()) is None
    handler.delete(inputs, outputs, context())


def test_the_platform_has_the_role_user_only(airflow: LocalAirflow) -> None:
    assert re.search(r"simple_auth_manager_users = alchemesh:user$", (airflow.folder / "airflow.cfg").read_text(), re.M)
    with pytest.raises(AirflowFailed, match="does not accept our sign-in"):
        Client(str(airflow.address), username="alchemesh", password="wrong")
    client = client_of(airflow)
    with pytest.raises(AirflowFailed, match="does not allow GET /api/v2/connections"):
        client._get("/connections")
    password = str(airflow._known()["password"])
    commands = [" ".join(each.info["cmdline"] or ()) for each in psutil.process_iter(["cmdline"])]
    assert not any(password in command for command in commands)


def test_an_entrypoint_runs_in_airflow_from_its_first_up_to_its_destroy(airflow_shop: Shop) -> None:
    shop = airflow_shop
    assert "created" in shop.done("up", "--yes")
    local = local_airflow(shop)
    client = client_of(local)

    dag = client.dag(DAG_ID)
    assert dag is not None
    assert not dag.is_paused, "a new DAG of Airflow is paused; the platform turns its schedule on"
    assert {"alchemesh", "local", "shop/orders"} <= dag.tags
    for name in ("airflow.cfg", "passwords.json", "server.json"):
        assert stat.S_IMODE((local.folder / name).stat().st_mode) == 0o600
    ports = {
        each.laddr.ip
        for name in ("api-server", "scheduler", "dag-processor")
        for pid in [processes.status(local.folder / "run", name).pid]
        for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        for each in process.net_connections("tcp")
        if each.status == psutil.CONN_LISTEN
    }
    assert ports == {"127.0.0.1"}
    kept = [file for file in shop.home.rglob("*") if file.is_file() and PIN.encode() in file.read_bytes()]
    assert kept == [], "the value of a secret is in a file"

    output = shop.done("run", "--", "first", "--second")
    assert "pin [secret] first --second" in output
    (run,) = runs_of(shop)
    assert (run.outcome, run.actor) == ("succeeded", "product:shop/orders")
    assert (run.engine, run.trigger, run.attempt) == ("airflow", "manual", 1)

    assert "nothing to change" in shop.done("up", "--yes")
    client.pause(DAG_ID, paused=True)
    (local.dags / DAG_ID / "dag.py").write_text("# edited\n")
    assert "differs from its declaration" in shop.run("preview").stderr
    shop.done("up", "--yes")
    restored = client.dag(DAG_ID)
    assert restored is not None
    assert not restored.is_paused

    # The scheduler is killed in the middle of a run: the run ends, and is in the history once.
    shop.edit('WAIT: "0"', 'WAIT: "1"')
    shop.done("up", "--yes")
    (shop.folder / "started").unlink()
    following = shop.start("run")
    until((shop.folder / "started").exists, "the code runs")
    scheduler = processes.status(local.folder / "run", "scheduler").pid
    assert scheduler is not None
    os.kill(scheduler, signal.SIGKILL)
    until(lambda: gone(scheduler), "the scheduler is killed")
    (shop.folder / "go").touch()
    printed, problems = following.communicate(timeout=300)
    assert following.returncode == 0, problems
    assert "pin [secret]" in printed
    assert [each.outcome for each in runs_of(shop)] == ["succeeded", "succeeded"]

    pids = [processes.status(local.folder / "run", name).pid for name in ("api-server", "scheduler", "dag-processor")]
    pids += [each.pid for each in local._workers()]
    shutil.rmtree(local.dags / KEPT, ignore_errors=True)
    shop.done("destroy", "--yes")
    assert all(gone(pid) for pid in pids if pid is not None)
    assert [each.name for each in local.folder.iterdir()] == [".server.lock"]
