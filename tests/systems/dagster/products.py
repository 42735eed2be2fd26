"""Two products of one environment: a plain entrypoint, and definitions of a team. Both run in one local Dagster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alchemesh_platform.machine.servers import processes
from alchemesh_platform.systems.dagster.client import Dagster
from alchemesh_platform.systems.dagster.server import LocalDagster
from tests.end_to_end.harness import Shop

ORDERS = """\
kind: DataProduct
name: orders
domain: shop
team: order-data
owner: ada@shop.example
version: 1.0.0
lifecycle: development
source_systems: [till]
input_ports:
  - name: sales
    from: {source_system: till}
    component: file-ingestion
    args: {path: "incoming/*.csv", format: csv}
models:
  order:
    description: One order.
    properties:
      order_id: {type: integer, key: true, required: true, description: Number of the order}
code:
  component: dagster-job
  args:
    entrypoint: job.py
    schedule: "0 3 29 2 *"
    time_zone: Europe/Amsterdam
    env: {TILL_TOKEN: {secret: TILL_TOKEN}}
output_ports:
  - name: orders-table
    models: [order]
    storage: {component: columnar-table}
    contract: {version: 1.0.0, lifecycle: active, access: internal, terms: {notice_period: 30d}}
"""
# It waits for the file `go` if it has the argument `wait`, and leaves `begun` and `ended` behind.
JOB = """\
import os, pathlib, sys, time
from alchemesh_platform.connections import connections

here = connections()
rows = here.input("sales").read().duckdb().project("order_id::BIGINT AS order_id")
if "wait" in sys.argv:
    pathlib.Path("begun").touch()
    while not pathlib.Path("go").exists():
        time.sleep(0.05)
    pathlib.Path("ended").touch()
if "fail" in sys.argv:
    raise SystemExit(4)
written = here.output("orders-table").write("order", rows, mode="overwrite")
print(f"{written.rows} orders with {os.environ['TILL_TOKEN']}")
"""
PRICES = """\
kind: DataProduct
name: prices
domain: shop
team: price-data
owner: ada@shop.example
version: 1.0.0
lifecycle: development
source_systems: [till]
models:
  price:
    description: One price.
    properties:
      good: {type: string, key: true, required: true, description: Name of the good}
code:
  component: dagster-job
  args: {definitions: defs.py}
output_ports:
  - name: prices-table
    models: [price]
    storage: {component: columnar-table}
    contract: {version: 1.0.0, lifecycle: active, access: internal, terms: {notice_period: 30d}}
"""
DEFINITIONS = """\
import json, os
import dagster as dg


@dg.asset(key_prefix=["prices-table"])
def price(context):
    with open(os.environ["ALCHEMESH_CONNECTIONS"]) as file:
        found = json.load(file)
    context.log.info(f"{found['product']} writes to {sorted(found['outputs'])}")
    return dg.MaterializeResult(metadata={"dagster/row_count": 3})


@dg.asset_check(asset=["prices-table", "price"])
def prices_are_positive():
    return dg.AssetCheckResult(passed=True)


defs = dg.Definitions(assets=[price], asset_checks=[prices_are_positive])
"""
SECRET = "till-token-71c3"


class Mesh:
    """The two products, deployed with the commands of a user.

    Args:
        folder: A new folder.
    """

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        environ = {"TILL_TOKEN": SECRET}
        self.orders = Shop(folder / "orders", self.home, environ)
        self.prices = Shop(folder / "prices", self.home, environ)
        for shop, manifest in ((self.orders, ORDERS), (self.prices, PRICES)):
            shop.folder.mkdir(parents=True)
            shop.manifest.write_text(manifest, "utf-8")
        (self.orders.folder / "incoming").mkdir()
        (self.orders.folder / "incoming" / "monday.csv").write_text("order_id\n1\n2\n3\n", "utf-8")
        (self.orders.folder / "job.py").write_text(JOB, "utf-8")
        (self.prices.folder / "defs.py").write_text(DEFINITIONS, "utf-8")

    @property
    def dagster_home(self) -> Path:
        """The folder of the local Dagster."""
        return self.home / "local" / "run" / "dagster"

    @property
    def client(self) -> Dagster:
        """A client of its webserver."""
        return LocalDagster(self.dagster_home, Path()).client

    def pid(self, process: str) -> int | None:
        """The process id of ``webserver``, ``daemon``, or the code server of a location."""
        if process in ("webserver", "daemon"):
            return processes.status(self.dagster_home / "run", process).pid
        return processes.status(self.dagster_home / "locations" / process, "code").pid

    def pids(self) -> dict[str, int | None]:
        """The process ids of everything that runs."""
        return {name: self.pid(name) for name in ("webserver", "daemon", "shop.orders", "shop.prices")}

    def runs(self, product: str = "shop/orders") -> list[Any]:
        """The runs of a product in the history, the newest first."""
        with self.orders.registry() as registry:
            return list(registry.deployments(product, "local", operations=("run",)))

    def asset_keys(self) -> dict[str, list[str]]:
        """The keys of Dagster's assets by code location."""
        found = self.client.ask(
            "query { workspaceOrError { ... on Workspace { locationEntries { name locationOrLoadError {"
            " ... on RepositoryLocation { repositories { assetNodes { assetKey { path } } } } } } } } }"
        )
        return {
            entry["name"]: sorted(
                "/".join(node["assetKey"]["path"])
                for repository in entry["locationOrLoadError"]["repositories"]
                for node in repository["assetNodes"]
            )
            for entry in found["workspaceOrError"]["locationEntries"]
        }

    def take_down(self) -> None:
        """End Dagster and its code servers."""
        self.orders.take_down()
