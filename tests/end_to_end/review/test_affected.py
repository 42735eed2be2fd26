"""`preview --affected-by` and `refresh --preview-only --all` over a repository of products, with the real engine."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from alchemesh_platform.base.failure import ExitCode
from tests.app.review.branch import Branch
from tests.end_to_end.harness import Shop

pytestmark = pytest.mark.engine


def test_only_the_affected_products_are_previewed_and_all_are_checked_for_drift(tmp_path: Path) -> None:
    branch = Branch.made(tmp_path / "repo", "orders", "stock", "returns")
    shop = Shop(branch.root, tmp_path / "home")
    for name in ("orders", "stock"):
        shop.done("up", "--yes", "-C", f"products/{name}")
    branch.commit("locks")
    branch.git("branch", "--force", "main")
    branch.edit("products/stock/alchemesh.yaml", "type: integer, key", "description: Its number, type: integer, key")
    branch.commit()

    previewed = shop.json("preview", "--affected-by", "main")
    [one] = previewed["previews"]
    assert (one["product"], one["folder"], one["reasons"]) == (
        "shop/stock",
        "products/stock",
        ["alchemesh.yaml changed"],
    )
    assert one["preview"]["changes"]["update"] > 0
    assert previewed["again"] == ["alchemesh", "preview", "-e", "local", "--affected-by=main"]
    assert previewed["notes"] == ["1 of 3 products differ from main, or read a port that does, in local"]
    shown = shop.run("preview", "--affected-by", "main", "-C", "products/orders")
    assert "products/stock: alchemesh.yaml changed\n" in shown.stderr
    assert "shop/stock" in shown.stdout

    branch.git("branch", "--force", "main")
    nothing = shop.run("preview", "--affected-by", "main", "--format", "markdown")
    assert nothing.returncode == ExitCode.DONE
    assert "0 of 3 products differ from main" in nothing.stdout.replace("\\", "")

    [table] = shop.home.glob("local/data/shop/orders/orders-table/*")
    shutil.rmtree(table)
    drift = ("refresh", "--preview-only", "--all", "--detailed-exitcode")
    found = shop.run(*drift, "--json")
    assert found.returncode == ExitCode.CHANGES, found.stderr
    document = json.loads(found.stdout)
    assert document["counts"]["changed"] == 1
    assert [(each["product"], len(each["preview"]["drift"])) for each in document["previews"]] == [
        ("shop/orders", 1),
        ("shop/stock", 0),
    ]
    formatted = shop.run(*drift, "--format", "github")
    assert formatted.returncode == ExitCode.CHANGES, formatted.stderr
    comment = formatted.stdout
    assert comment.startswith(
        "### ⚠ `shop/orders` · `local`: drift of 1 resource\n\n1 drifted · 2 previews: 1 drifted, "
    )
    assert "<summary>1 unchanged</summary>" in comment
    assert shop.run("refresh", "--all").returncode == ExitCode.USAGE

    # A branch that adds a provider and its reader: the deployment deploys the provider first.
    branch.commit("all of this")
    branch.git("branch", "--force", "main")
    branch.product("parcels")
    branch.product("routes", "parcels")
    alone = shop.run("preview", "-C", "products/routes")
    assert alone.returncode == ExitCode.FAILED
    assert "shop/parcels is not deployed in environment 'local'" in alone.stderr
    assert "+ contract 1.0.0 active" in alone.stdout
    added = shop.json("preview", "--affected-by", "main")
    assert [(each["product"], each["outcome"]) for each in added["previews"]] == [
        ("shop/parcels", "succeeded"),
        ("shop/routes", "succeeded"),
    ]
    routes = added["previews"][1]["preview"]
    [subscription] = [each for port in routes["ports"] for each in port["resources"] if "Subscription" in each["type"]]
    assert (subscription["operation"], "origin" in subscription["unknown"]) == ("create", True)
    assert (
        "shop/parcels/parcels-table is not deployed yet: the changes of its product are previewed too, and its "
        "connection and the access to it are known only after their deployment"
    ) in routes["notes"]
