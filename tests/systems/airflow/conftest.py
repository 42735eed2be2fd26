"""One real Airflow for the tests of this folder, and a product whose code runs there."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from alchemesh_platform.provider.handler import Context
from alchemesh_platform.systems.airflow.connecting import Place
from alchemesh_platform.systems.airflow.handler import DagInputs
from alchemesh_platform.systems.airflow.server import LocalAirflow
from tests.end_to_end.harness import Shop

MANIFEST = """\
kind: DataProduct
name: orders
domain: shop
team: order-data
owner: ada@shop.example
version: 1.0.0
lifecycle: development
infrastructure:
  - name: notes
    component: object-storage
code:
  component: airflow-dag
  args:
    entrypoint: job:main
    schedule: "30 2 1 1 *"
    time_zone: Europe/Amsterdam
    env: {PIN: {secret: ORDERS_PIN}, WAIT: "0"}
"""
JOB = """\
import os, sys, time
from pathlib import Path


def main() -> None:
    print("pin", os.environ["PIN"], *sys.argv[1:], flush=True)
    Path("started").touch()
    while os.environ["WAIT"] == "1" and not Path("go").exists():
        time.sleep(0.05)
"""
PIN = "open-sesame"
KEPT = "shop__kept"


@pytest.fixture(scope="session")
def airflow_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A product repo. Its first `up` starts the server, which other tests use too."""
    folder = tmp_path_factory.mktemp("airflow")
    shop = Shop(folder / "repo", folder / "home", {"ORDERS_PIN": PIN})
    shop.folder.mkdir()
    shop.manifest.write_text(MANIFEST)
    (shop.folder / "job.py").write_text(JOB)
    try:
        yield shop
    finally:
        shop.take_down()
        local_airflow(shop).stop()


def local_airflow(shop: Shop) -> LocalAirflow:
    """The server of the home of a product."""
    return LocalAirflow(shop.home / "local" / "run" / "_airflow")


@pytest.fixture
def airflow(airflow_shop: Shop) -> LocalAirflow:
    """The running server. A DAG of these tests keeps it: without one, the removal of another DAG would end it."""
    local = local_airflow(airflow_shop)
    local.ensure((), {})
    kept = local.dags / KEPT
    kept.mkdir(exist_ok=True)
    (kept / "dag.py").write_text(own_dag("shop__kept"))
    return local


def context(reported: list[str] | None = None) -> Context:
    """The context of an operation on a resource in environment `local`."""
    return Context(
        urn="urn:pulumi:local::shop.other::alchemesh:airflow:Dag::code-dag",
        stop=threading.Event(),
        registry=lambda: pytest.fail("no registry is needed"),
        report=lambda _severity, line: (reported if reported is not None else []).append(line),
    )


def declared(local: LocalAirflow, dag_id: str, text: str | None, **more: Any) -> DagInputs:
    """The inputs of a DAG in the folder of the server."""
    product = dag_id.replace("__", "/")
    return DagInputs(
        server=Place(folder=str(local.folder)),
        dags=str(local.dags),
        dag_id=dag_id,
        owner=f"{product}/code",
        definition=text,
        descriptor=None if text is not None else "/missing/job.json",
        **more,
    )


def own_dag(dag_id: str, task: str = "pass", schedule: str = "None") -> str:
    """The text of a team's DAG with one task."""
    body = "\n".join(f"        {line}" for line in task.splitlines())
    return f"""\
from datetime import datetime, timezone

from airflow.sdk import DAG, Asset, Connection, task

TABLE = Asset("alchemesh://local/{dag_id.replace("__", "/")}/orders-table")

with DAG("{dag_id}", schedule={schedule}, start_date=datetime(2026, 1, 1, tzinfo=timezone.utc), catchup=False):

    @task(outlets=[TABLE])
    def work(*, outlet_events):
{body}

    work()
"""
