"""A product whose code runs in Kestra: deployed, run, killed in the middle, with a flow of its own, and destroyed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, time
from pathlib import Path
from urllib.request import urlopen
from zoneinfo import ZoneInfo

import pytest
import yaml

from alchemesh_platform.engine.install.find import Engine
from alchemesh_platform.machine.servers.ports import free_port
from alchemesh_platform.registry.records import Deployment
from alchemesh_platform.systems.kestra.client import Kestra, KestraFailed
from parts.kestra import Kestra as Server
from tests.end_to_end.harness import Shop, everything_in
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.engine, pytest.mark.timeout(1800)]

SECRET = "token-of-flights"  # as the server of the session has it
NAMESPACE = "acme.shop.orders"
PLATFORM = """\
kind: Platform
name: acme
environments:
  local:
    extends: builtin/local
    settings:
      kestra: {{address: "{address}", namespace: acme}}
"""
MANIFEST = """\
kind: DataProduct
name: orders
domain: shop
team: order-data
owner: ada@shop.example
version: 1.0.0
description: Orders of the shop
models:
  order:
    description: One order
    properties:
      order_id: {type: integer, key: true, required: true, description: Number of the order}
output_ports:
  - name: orders-table
    models: [order]
    storage: {component: columnar-table}
    contract: {version: 1.0.0, access: internal}
code:
  component: kestra-flow
  args:
    entrypoint: job:main
    schedule: "0 6 * * *"
    time_zone: Europe/Amsterdam
    env: {FLIGHTS_TOKEN: {secret: FLIGHTS_TOKEN}}
"""
JOB = """\
import os
import pathlib
import sys
import time

from alchemesh_platform.connections import connections


def main() -> None:
    with pathlib.Path("starts").open("a") as file:
        file.write("x")
    while pathlib.Path("gate").exists():
        time.sleep(0.02)
    rows = [{"order_id": number} for number in range(3)]
    connections().output("orders-table").write("order", rows, mode="overwrite")
    print("arguments", sys.argv[1:], "token", os.environ["FLIGHTS_TOKEN"])
"""
OWN = """\
# The team's own flow.
id: nightly
tasks:
  - id: hello
    type: io.kestra.plugin.core.log.Log
    mesage: Good night
"""


@pytest.fixture
def shop(tmp_path: Path, engine: Engine) -> Iterator[Shop]:
    """A product with code for Kestra. Neither the folder nor the environment has the value of its secret."""
    folder = tmp_path / "orders"
    (folder / "flows").mkdir(parents=True)
    (folder / "alchemesh.yaml").write_text(MANIFEST, "utf-8")
    (folder / "job.py").write_text(JOB, "utf-8")
    made = Shop(folder, tmp_path / "home")
    yield made
    made.take_down()


def runs(shop: Shop) -> list[Deployment]:
    """The runs of the history, the newest first."""
    with shop.registry() as registry:
        return [*registry.deployments("shop/orders", "local", operations=("run",))]


def next_time(server: Server) -> time | None:
    """The next time of the schedule in Kestra's scheduler, in the time zone of the manifest."""
    with urlopen(f"{server.url}/api/v1/main/triggers/{NAMESPACE}/code", timeout=60) as answer:
        found = json.load(answer)["results"]
    if not found or "nextEvaluationDate" not in found[0]:
        return None
    return datetime.fromisoformat(found[0]["nextEvaluationDate"]).astimezone(ZoneInfo("Europe/Amsterdam")).time()


def line_of(shop: Shop, text: str) -> int:
    lines = shop.manifest.read_text("utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def test_the_code_of_a_product_runs_in_kestra(shop: Shop, client: Kestra, kestra_server: Server) -> None:
    settings = shop.folder / "platform.yaml"

    # Kestra is down: the rest is deployed, and the next `up` resumes.
    settings.write_text(PLATFORM.format(address=f"http://127.0.0.1:{free_port('127.0.0.1')}"), "utf-8")
    failed = shop.run("up", "--yes")
    assert failed.returncode == 1
    assert f"alchemesh.yaml:{line_of(shop, 'component: kestra-flow')}:" in failed.stderr
    assert "does not answer" in failed.stderr
    assert "start it, or correct settings.kestra.address" in failed.stderr
    assert (shop.home / "local" / "data" / "shop" / "orders" / "orders-table").is_dir()

    settings.write_text(PLATFORM.format(address=kestra_server.url), "utf-8")
    shop.done("up", "--yes")
    flow = client.flow(NAMESPACE, "code")
    assert flow is not None
    assert flow.labels == {"alchemesh-owner": "local:shop/orders/code", "alchemesh-product": "shop/orders"}
    assert yaml.safe_load(flow.source)["tasks"][0]["env"]["FLIGHTS_TOKEN"] == "{{ secret('FLIGHTS_TOKEN') }}"
    assert "nothing to change" in shop.done("preview")

    until(lambda: next_time(kestra_server) is not None, "the next time of the schedule")
    assert str(next_time(kestra_server)).startswith("06:00")

    # A run by request: its arguments and its secret arrive, and the history has its rows.
    said = shop.run("run", "--", "one", "two words; $(id)")
    assert said.returncode == 0, said.stderr
    assert "arguments ['one', 'two words; $(id)'] token [secret]" in said.stdout
    [first] = runs(shop)
    assert (first.engine, first.trigger, first.outcome, first.actor) == (
        "kestra",
        "manual",
        "succeeded",
        "product:shop/orders",
    )
    assert first.written == {"orders-table/order": 3}

    survives_a_kill(shop, client, kestra_server)
    delivers_the_flow_of_the_team(shop, client)

    shop.done("destroy", "--yes")
    assert client.flow(NAMESPACE, "nightly") is None
    assert SECRET.encode() not in everything_in(shop.home, shop.folder)


def survives_a_kill(shop: Shop, client: Kestra, server: Server) -> None:
    """Kestra is killed in the middle: it starts the task again, and the code runs once."""
    before = [each.engine_run for each in runs(shop)]
    gate, starts = shop.folder / "gate", shop.folder / "starts"
    gate.touch()
    accepted = shop.json("run", "--no-wait")
    until(lambda: starts.read_text() == "xx", "the start of the second run")
    run = accepted["engine_run"]
    server.kill()
    with pytest.raises(KestraFailed, match="does not answer"):
        client.execution(run)
    server.start()
    until(
        lambda: any("waits for it" in line for _, line in client.log(run)),
        "the task that Kestra starts again",
        seconds=300,
    )
    gate.unlink()
    until(lambda: client.execution(run).state == "SUCCESS", "the end of the execution")
    assert [(each.engine_run, each.outcome) for each in runs(shop)] == [
        (run, "succeeded"),
        *((each, "succeeded") for each in before),
    ]
    assert starts.read_text() == "xx"


def delivers_the_flow_of_the_team(shop: Shop, client: Kestra) -> None:
    """Kestra's own words are at the line of the file, and the old flow stays until it is correct."""
    own = shop.folder / "flows" / "nightly.yaml"
    own.write_text(OWN, "utf-8")
    text = shop.manifest.read_text("utf-8")
    shop.manifest.write_text(text[: text.index("    entrypoint")] + "    flow: flows/nightly.yaml\n", "utf-8")
    failed = shop.run("up", "--yes")
    assert failed.returncode == 1
    assert f"alchemesh.yaml:{line_of(shop, 'component: kestra-flow')}:" in failed.stderr
    assert 'flows/nightly.yaml:6: Unrecognized field "mesage"' in failed.stderr
    assert client.flow(NAMESPACE, "code") is not None
    own.write_text(OWN.replace("mesage", "message"), "utf-8")
    shop.done("up", "--yes")
    assert client.flow(NAMESPACE, "code") is None
    assert client.flow(NAMESPACE, "nightly") is not None
    assert "Good night" in shop.done("run")
    assert (runs(shop)[0].engine, runs(shop)[0].outcome) == ("kestra", "succeeded")
