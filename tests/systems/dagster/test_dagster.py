"""Products whose code runs in a real Dagster: deployed, run, changed, broken, killed and removed as a user does it."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import yaml

from alchemesh_platform.machine.servers import processes
from alchemesh_platform.systems.dagster import workspace
from tests.end_to_end.harness import Shop, everything_in
from tests.systems.dagster.products import DEFINITIONS, PRICES, SECRET, Mesh
from tests.waiting import gone, until

pytestmark = [pytest.mark.engine, pytest.mark.slow]


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    """Two products in one Dagster, which the tests of this file share."""
    made = Mesh(tmp_path_factory.mktemp("dagster"))
    try:
        made.orders.done("up", "--yes")
        made.prices.done("up", "--yes")
        yield made
    finally:
        made.take_down()


def test_both_products_are_locations_of_one_dagster_with_the_assets_of_the_registry(mesh: Mesh) -> None:
    assert None not in mesh.pids().values()
    assert {name: found.problem for name, found in mesh.client.locations().items()} == {
        "shop.orders": None,
        "shop.prices": None,
    }
    # The team's asset `prices-table/price` is ours, so it replaces the external one.
    assert mesh.asset_keys() == {
        "shop.orders": ["shop/orders/orders-table/order"],
        "shop.prices": ["prices-table/price"],
    }
    [found] = mesh.client.ask(
        'query { schedulesOrError(repositorySelector: {repositoryName: "__repository__", '
        'repositoryLocationName: "shop.orders"}) { ... on Schedules { results { cronSchedule executionTimezone '
        "scheduleState { status } } } } }"
    )["schedulesOrError"]["results"]
    assert found == {
        "cronSchedule": "0 3 29 2 *",
        "executionTimezone": "Europe/Amsterdam",
        "scheduleState": {"status": "RUNNING"},
    }


def test_a_run_is_one_record_in_the_history_and_a_run_of_dagster_with_its_output_and_no_secret(mesh: Mesh) -> None:
    done = mesh.orders.run("run")
    assert done.returncode == 0, done.stderr
    [line] = done.stdout.splitlines()
    assert line.startswith("3 orders with ")
    assert SECRET not in line
    [run] = mesh.runs()
    assert (run.outcome, run.engine, run.trigger, run.actor) == (
        "succeeded",
        "dagster",
        "manual",
        "product:shop/orders",
    )
    assert run.written == {"orders-table/order": 3}
    events = mesh.client.ask(
        "query($id: ID!) { logsForRun(runId: $id) { ... on EventConnection { events {"
        " ... on MessageEvent { message } } } } }",
        {"id": run.engine_run},
    )["logsForRun"]["events"]
    assert any("3 orders with" in event["message"] for event in events if event)
    assert SECRET.encode() not in everything_in(mesh.home)

    failed = mesh.orders.run("run", "--", "fail")
    assert failed.returncode == 4
    [last, _] = mesh.runs()
    assert (last.outcome, last.exit_status, last.engine) == ("failed", 4, "dagster")


def test_definitions_of_a_team_materialize_and_check_their_assets(mesh: Mesh) -> None:
    done = mesh.prices.run("run")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "shop/prices writes to ['prices-table']" in done.stdout
    [run] = mesh.runs("shop/prices")
    assert (run.outcome, run.engine, run.problem) == ("succeeded", "dagster", None)
    assert run.written == {"prices-table/price": 3}
    found = mesh.client.ask(
        'query { assetOrError(assetKey: {path: ["prices-table", "price"]}) { ... on Asset {'
        " assetMaterializations { runId } } } }"
    )
    assert found["assetOrError"]["assetMaterializations"] == [{"runId": run.engine_run}]


def test_code_that_fails_on_import_is_reported_at_its_line_and_the_old_location_keeps_running(mesh: Mesh) -> None:
    before = mesh.pids()
    file = mesh.prices.folder / "defs.py"
    file.write_text(f"{DEFINITIONS}\nimport pandsa\n", "utf-8")
    broken = mesh.prices.run("up", "--yes")
    assert broken.returncode == 1
    said = " ".join(broken.stderr.split())
    assert "alchemesh.yaml:15:14 code: code, dagster-job: Dagster cannot load it: File " in said
    assert f"{file}" in said
    assert "ModuleNotFoundError: No module named 'pandsa'" in said
    assert mesh.pids() == before
    assert mesh.client.locations()["shop.prices"].problem is None

    second = DEFINITIONS.replace("assets=[price]", "assets=[price, dg.AssetSpec('shelf')]")
    file.write_text(second, "utf-8")
    mesh.prices.done("up", "--yes")
    after = mesh.pids()
    assert after.pop("shop.prices") != before.pop("shop.prices")
    assert after == before  # no process of another product, and none of Dagster, was restarted
    assert mesh.asset_keys()["shop.prices"] == ["prices-table/price", "shelf"]


def test_two_runs_at_once_run_one_after_the_other(mesh: Mesh) -> None:
    number = len(mesh.runs())
    both = [mesh.orders.start("run") for _ in range(2)]
    printed = [each.communicate(timeout=200) for each in both]
    assert [each.returncode for each in both] == [0, 0], printed
    [later, earlier] = sorted(mesh.runs()[: len(mesh.runs()) - number], key=lambda run: run.started_at, reverse=True)
    assert earlier.finished_at <= later.started_at


def test_a_killed_daemon_ends_no_run_and_an_interrupt_cancels_one(mesh: Mesh) -> None:
    folder, number = mesh.orders.folder, len(mesh.runs())
    running = mesh.orders.start("run", "--", "wait")
    until((folder / "begun").exists, "the code runs")
    killed = mesh.pid("daemon")
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    until(lambda: gone(killed), "the daemon is dead")
    until(lambda: mesh.pid("daemon") not in (None, killed), "the supervisor starts it again")
    (folder / "go").touch()
    printed = running.communicate(timeout=200)
    assert running.returncode == 0, printed
    assert [run.outcome for run in mesh.runs()[: len(mesh.runs()) - number]] == ["succeeded"]

    for name in ("go", "begun", "ended"):
        (folder / name).unlink()
    running = mesh.orders.start("run", "--", "wait")
    until((folder / "begun").exists, "the code runs")
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=200)
    (folder / "begun").unlink()
    last = mesh.runs()[0]
    assert (last.outcome, len(mesh.runs())) == ("cancelled", number + 2)
    assert not (folder / "ended").exists()
    answer = mesh.client.ask(
        "query($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }", {"id": last.engine_run}
    )
    assert answer["runOrError"]["status"] in ("CANCELED", "FAILURE")


def test_a_location_that_was_taken_out_by_hand_is_drift_and_up_adds_it(mesh: Mesh) -> None:
    file = mesh.dagster_home / "workspace.yaml"
    workspace.remove(file, "shop.prices")
    mesh.client.reload()
    found = mesh.prices.run("refresh", "--preview-only", "--detailed-exitcode")
    assert "code location shop.prices is not in" in found.stdout + found.stderr
    mesh.prices.done("up", "--yes")
    assert set(mesh.client.locations()) == {"shop.orders", "shop.prices"}


def test_a_dagster_of_a_platform_team_gets_a_location_and_keeps_those_of_others(mesh: Mesh, tmp_path: Path) -> None:
    """The Dagster of the other tests stands in for it: this home knows its address and its workspace file only."""
    shop = Shop(tmp_path / "repo", tmp_path / "home")
    shop.folder.mkdir()
    shop.manifest.write_text(PRICES, "utf-8")
    (shop.folder / "defs.py").write_text(DEFINITIONS, "utf-8")
    dagster = {"address": mesh.client.address, "workspace": str(mesh.dagster_home / "workspace.yaml")}
    dev = {"extends": "builtin/local", "settings": {"dagster": dagster}}
    (shop.folder / "platform.yaml").write_text(
        yaml.safe_dump({"kind": "Platform", "name": "acme", "environments": {"dev": dev}}), "utf-8"
    )
    before, others = mesh.pids(), (mesh.dagster_home / "workspace.yaml").read_text("utf-8")
    taken = shop.run("up", "--yes", "-e", "dev")
    assert taken.returncode == 1
    assert "has a code location shop.prices that another owner has added" in " ".join(taken.stderr.split())
    assert (mesh.dagster_home / "workspace.yaml").read_text("utf-8") == others

    shop.edit("name: prices\n", "name: far\n")
    shop.done("up", "--yes", "-e", "dev")
    assert mesh.client.locations()["shop.far"].problem is None
    assert mesh.pids() == before
    shop.done("destroy", "--yes", "-e", "dev")
    assert set(mesh.client.locations()) == {"shop.orders", "shop.prices"}
    assert mesh.pids() == before


def test_the_last_product_ends_dagster_and_keeps_the_history_of_runs(mesh: Mesh) -> None:
    """It is the last test of this file: it removes both products."""
    before = mesh.pids()
    mesh.prices.done("destroy", "--yes")
    assert set(mesh.client.locations()) == {"shop.orders"}
    assert before["shop.prices"] is not None
    assert gone(before["shop.prices"])
    assert mesh.pid("shop.orders") == before["shop.orders"]
    mesh.orders.done("destroy", "--yes")
    assert [name for name, pid in before.items() if pid is not None and psutil.pid_exists(pid) and not gone(pid)] == []
    assert processes.status(mesh.dagster_home / "run", "webserver").state == "UNSUPERVISED"
    assert (mesh.dagster_home / "history").is_dir()
    assert json.loads((mesh.dagster_home / "server.json").read_text("utf-8"))["port"]
