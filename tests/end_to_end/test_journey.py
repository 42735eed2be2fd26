"""The journey of a user from a manifest to a running product and back."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

import psycopg
import pyarrow.parquet as pq
import pytest

from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.base.files.private import open_paths
from alchemesh_platform.connections import Connections
from alchemesh_platform.registry.audit import acts_of
from tests.attacks.reach import files, reached_by_others
from tests.commands import COMMAND, LONGEST
from tests.waiting import until

from .harness import WITH_API, Shop

pytestmark = pytest.mark.engine


def answers(shop: Shop) -> dict[str, Any]:
    """The number of orders over each protocol of the port."""
    api = Connections.model_validate(shop.json("env")).output("orders-table").data_api
    with psycopg.connect(api.dsn(), autocommit=True) as connection:
        rows = connection.cursor().execute('SELECT count(*) FROM "order"').fetchall()
    with urllib.request.urlopen(urllib.request.Request(f"{api.rest}/tables/order", headers=api.headers())) as response:
        rest = json.load(response)
    query = urllib.request.Request(f"{api.graphql}", b"{ order(limit: 100) { order_id amount } }", api.headers())
    with urllib.request.urlopen(query) as response:
        graphql = json.load(response)
    found = graphql["data"]["order"] if isinstance(graphql, dict) else graphql
    return {"sql": int(rows[0][0]), "rest": len(rest), "graphql": len(found)}


def an_order_is_erased(shop: Shop) -> None:
    """Erase one of four orders, and look for it in the copy, in the files and in the audit."""
    refused = shop.run("data", "erase", "orders-table", "--where", "customer = 2", "--yes")
    assert refused.returncode == ExitCode.USAGE
    assert "No field named customer" in refused.stderr and "the columns are order_id, amount;" in refused.stderr
    asked = shop.run("data", "erase", "orders-table", "--where", "order_id = 2")
    assert (asked.returncode, "1 row fit order_id = 2" in asked.stderr) == (ExitCode.USAGE, True), asked.stderr
    erased = shop.json("data", "erase", "orders-table", "--where", "order_id = 2", "--reason", "request 118", "--yes")
    assert answers(shop) == {"sql": 3, "rest": 3, "graphql": 3}, "the copy has loaded it when the command ends"
    assert (erased["rows"], erased["copy"], erased["copy_problem"]) == (1, True, None)
    folder = shop.home / "local" / "data" / "shop" / "orders" / "orders-table" / "order"
    ids = {id_ for file in folder.glob("*.parquet") for id_ in pq.read_table(file)["order_id"].to_pylist()}
    assert ids == {1, 3, 4}, "no file of a former version has the row"
    assert [(place["kind"], place["address"]) for place in erased["unreached"]] == [
        ("storage", "shop/orders/orders-table"),
        ("input port", "shop/orders/sales"),
        ("need", "shop/orders/workspace"),
    ]
    with shop.registry() as registry:
        ended, begun = acts_of(registry, product="shop/orders")[:2]
    assert (ended.operation, ended.reason, ended.address) == ("data erase", "request 118", "shop/orders/orders-table")
    said = {"model": "order", "where": "order_id = 2", "rows": 1}
    assert begun.detail == {**said, "state": "begun"}
    unreached = [place["address"] for place in erased["unreached"]]
    assert ended.detail == {**said, "state": "ended", "files": erased["files"], "copy": True, "unreached": unreached}


def other_users_read_nothing(shop: Shop) -> None:
    """The files are private, and `doctor` finds those that are opened."""
    assert list(open_paths(shop.home)) == [], "other users of the machine read nothing"
    assert reached_by_others(shop.home) == {kind: [] for kind in files()}
    (shop.home / "local" / "registry.db").chmod(0o644)
    (shop.home / "local" / "data").chmod(0o755)
    checks = {check["check"]: check for check in json.loads(shop.run("doctor", "--json").stdout)}
    assert checks["private"] == {
        "check": "private",
        "passed": False,
        "found": f"other users of this machine have rights to {shop.home}/local/data, {shop.home}/local/registry.db",
        "hint": "`alchemesh up` removes them",
        "commands": [["alchemesh", "up"]],
    }


@WITH_API
def test_a_product_is_deployed_run_queried_and_destroyed(shop: Shop) -> None:
    preview = shop.json("preview")
    assert preview["outcome"] == "succeeded"
    assert preview["assets"] == {"create": ["shop/orders/orders-table/order"]}
    assert preview["contracts"] == {"create": ["shop/orders/orders-table"]}
    assert not (shop.home / "local" / "data").exists(), "a preview must not make anything"

    up = shop.json("up", "--yes")
    assert up["outcome"] == "succeeded"
    assert up["changes"].keys() == {"create"}
    assert up["assets"] == {"create": ["shop/orders/orders-table/order"]}
    assert answers(shop) == {"sql": 0, "rest": 0, "graphql": 0}, "the table answers before its first row"

    assert "3 orders written" in shop.done("run")
    # Each connection of SQL has a server of its own, which sees them directly; the shared one looks every two seconds.
    until(lambda: answers(shop) == {"sql": 3, "rest": 3, "graphql": 3}, what="the API sees the rows")

    other_users_read_nothing(shop)

    password = Connections.model_validate(shop.json("env")).output("orders-table").data_api.credential.password
    assert password not in shop.done("env")
    assert f"export ALCHEMESH_OUTPUT_ORDERS_TABLE_PASSWORD={password}" in shop.done("env", "--with-credentials")

    status = shop.json("status")
    assert (status["address"], status["stands"], status["health"]) == ("shop/orders", True, "healthy")
    assert [place["name"] for place in (*status["inputs"], *status["needs"])] == ["sales", "workspace"]
    assert [(run["outcome"], run["written"]) for run in status["code"]["runs"]] == [
        ("succeeded", {"orders-table/order": 3})
    ]
    assert " · 3 rows written · took " in shop.done("status")
    [port] = status["outputs"]
    assert [(asset["name"], asset["rows"]) for asset in port["assets"]] == [("order", 3)]

    repeated = shop.json("up", "--yes")
    assert repeated["changes"].keys() == {"same"}, repeated["changes"]
    assert list(open_paths(shop.home)) == [], "`up` takes the rights of others"
    assert shop.run("preview", "--detailed-exitcode").returncode == 0

    (shop.folder / "incoming" / "tuesday.csv").write_text("order_id,amount\n4,40\n", "utf-8")
    ran = shop.run("run")
    assert (ran.returncode, "4 orders written" in ran.stdout) == (0, True), "a new file needs no deployment"
    assert "landed new data of shop/orders/sales: now 4 rows of 2 files, before 3 rows" in ran.stderr
    addresses = shop.json("env")["outputs"]["orders-table"]["proxy"]

    an_order_is_erased(shop)
    shop.done("run")
    until(lambda: answers(shop)["sql"] == 4, what="the landed rows are written again")

    destroyed = shop.json("destroy", "--yes")
    assert destroyed["outcome"] == "succeeded"
    assert destroyed["assets"] == {"delete": ["shop/orders/orders-table/order"]}
    assert any("kept" in note for note in destroyed["notes"]), destroyed["notes"]
    gone = shop.run("env")
    assert gone.returncode == 1
    assert "not deployed" in gone.stderr
    history = shop.json("status", "shop/orders", "--history")["history"]
    assert [(act["operation"], act["outcome"]) for act in history] == [
        (operation, "succeeded") for operation in ("destroy", "run", "run", "up", "run", "up")
    ]

    back = shop.json("up", "--yes")
    assert back["outcome"] == "succeeded"
    until(lambda: answers(shop)["sql"] == 4, what="the kept rows are found again")
    again = shop.json("env")["outputs"]["orders-table"]["proxy"]
    assert (again["sql"], again["rest"]) == (addresses["sql"], addresses["rest"]), "clients keep their addresses"


@WITH_API
def test_a_deployed_product_changes(shop: Shop) -> None:
    shop.done("up", "--yes")
    shop.done("run")
    a_model_that_breaks_its_table_is_refused(shop)
    a_new_port_is_removed_with_its_asset(shop)
    new_source_files_are_landed(shop)
    a_model_that_grows_evolves_its_table(shop)
    a_dead_data_api_is_started_again(shop)


def a_model_that_breaks_its_table_is_refused(shop: Shop) -> None:
    """A preview names the reason and the line, and the table still answers."""
    declared = shop.manifest.read_text("utf-8")
    shop.edit("amount: {type: number, description: Euros}", "amount: {type: boolean, description: Euros}")
    shop.edit("      version: 1.0.0\n", "      version: 2.0.0\n")
    for command in (("preview",), ("up", "--yes")):
        refused = shop.run(*command)
        assert refused.returncode == 1
        assert "alchemesh.yaml:29:" in refused.stderr, refused.stderr
        assert "amount" in refused.stderr
        assert "Traceback" not in refused.stderr
    until(lambda: answers(shop)["sql"] == 3, what="the old table still answers")
    shop.manifest.write_text(declared, "utf-8")


def a_new_port_is_removed_with_its_asset(shop: Shop) -> None:
    declared = shop.manifest.read_text("utf-8")
    shop.edit(
        "output_ports:\n",
        "output_ports:\n  - name: orders-files\n    models: [order]\n    storage: {component: object-storage}\n",
    )
    assert shop.json("up", "--yes")["assets"]["create"] == ["shop/orders/orders-files/order"]
    shop.manifest.write_text(declared, "utf-8")
    shown = shop.json("preview")
    assert shown["assets"]["delete"] == ["shop/orders/orders-files/order"]
    shop.done("up", "--yes")
    assert list(shop.json("env")["outputs"]) == ["orders-table"]


def new_source_files_are_landed(shop: Shop) -> None:
    (shop.folder / "incoming" / "tuesday.csv").write_text("order_id,amount\n4,1\n", "utf-8")
    shown = shop.json("preview")
    assert next(port for port in shown["ports"] if port["name"] == "sales")["operation"] == "update"
    shop.done("up", "--yes")
    shop.done("run")
    until(lambda: answers(shop)["sql"] == 4, what="the new order is there")


def a_model_that_grows_evolves_its_table(shop: Shop) -> None:
    """It is a change of the asset."""
    shop.edit(
        "      amount: {type: number, description: Euros}\n",
        "      amount: {type: number, description: Euros}\n      note: {type: string, description: Free text}\n",
    )
    shop.edit("      version: 1.0.0\n", "      version: 1.1.0\n")
    shown = shop.run("preview", "--detailed-exitcode")
    assert shown.returncode == 10
    assert "~ asset shop/orders/orders-table/order" in shown.stdout
    assert "note" in shown.stdout
    up = shop.json("up", "--yes")
    assert up["assets"] == {"update": ["shop/orders/orders-table/order"]}
    api = Connections.model_validate(shop.json("env")).output("orders-table").data_api

    def has_note() -> bool:
        with psycopg.connect(api.dsn(), autocommit=True) as connection:
            rows = connection.cursor().execute('SELECT * FROM "order"')
            return {column.name for column in rows.description or ()} == {"order_id", "amount", "note"}

    until(has_note, what="the API sees the new column")


def a_dead_data_api_is_started_again(shop: Shop) -> None:
    subprocess.run(["pkill", "-KILL", "-f", f"supervisord.*{shop.home}"], check=False)
    subprocess.run(["pkill", "-KILL", "-f", f"bwrap.*{shop.home}"], check=False)
    shown = shop.json("preview")
    port = next(port for port in shown["ports"] if port["name"] == "orders-table")
    assert port["operation"] == "update", port
    shop.done("up", "--yes")
    until(lambda: answers(shop)["sql"] == 4, what="the API answers again")


def test_one_port_can_be_targeted(shop: Shop) -> None:
    up = shop.json("up", "--yes", "--target", "workspace")
    touched = {port["name"] for port in up["ports"] if port["operation"] != "same"}
    assert touched == {"workspace"}
    unknown = shop.run("up", "--yes", "--target", "work-space")
    assert unknown.returncode == 2
    assert "did you mean 'workspace'" in unknown.stderr


def test_without_a_terminal_up_asks_no_question(shop: Shop) -> None:
    refused = shop.run("up")
    assert refused.returncode == 2
    assert "--yes" in refused.stderr
    assert not (shop.home / "local").exists(), "nothing is begun"


@pytest.mark.parametrize(("answer", "deployed"), [("n\n", False), ("y\n", True)])
def test_at_a_terminal_up_previews_and_asks(shop: Shop, answer: str, deployed: bool) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, "up"], cwd=shop.folder, env=shop.environment(), stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    seen = b""
    answered = False
    while True:
        ready, _, _ = select.select([ours], [], [], LONGEST)
        assert ready, f"nothing more came after {seen.decode()}"
        try:
            read = os.read(ours, 65536)
        except OSError:  # Linux reports the end of the other side so
            break
        if not read:
            break
        seen += read
        if not answered and b"Deploy this?" in seen:
            assert b"to create" in seen, "the preview comes before the question"
            os.write(ours, answer.encode())
            answered = True
    os.close(ours)
    code = process.wait(timeout=LONGEST)
    assert answered
    assert (code == 0) is deployed, seen.decode()
    assert Path(shop.home, "local", "data", "shop", "orders", "orders-table").exists() is deployed


def test_a_product_is_checked_against_its_mesh(shop: Shop, tmp_path: Path) -> None:
    mesh = tmp_path / "mesh"
    mesh.mkdir()
    (mesh / "users.yaml").write_text(
        "kind: Users\nusers:\n  - {email: ada@shop.example, name: Ada, personas: [data_product_owner]}\n", "utf-8"
    )
    (mesh / "shop.yaml").write_text(
        "kind: Domain\nname: shop\ndescription: Everything sold.\ntype: source_aligned\nowner: ada@shop.example\n"
        "teams:\n  - {name: order-data, kind: data_product_team, members: [ada@shop.example]}\n"
        "source_systems:\n  - {name: till, description: Sells., technology: COBOL, contact: ada@shop.example}\n",
        "utf-8",
    )
    shop.environ["ALCHEMESH_USER"] = "ada@shop.example"
    shop.done("mesh", "apply", str(mesh), "--yes")
    assert shop.json("preview")["outcome"] == "succeeded"

    shop.edit("team: order-data", "team: order-dato")
    unknown = shop.run("preview")
    assert unknown.returncode == 3
    assert "alchemesh.yaml:4:" in unknown.stderr
    assert "order-data" in unknown.stderr

    shop.edit("team: order-dato", "team: order-data")
    shop.edit("description: Euros}", "description: Euros, classification: confidential}")
    forbidden = shop.run("up", "--yes")
    assert forbidden.returncode == 4, forbidden.stderr
    assert "restricted" in forbidden.stderr
    assert not (shop.home / "local" / "data").exists()
