"""Rights to operate, with the real engine: a refused user changes nothing, and a user of the domain takes over."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.registry.audit import acts_of, broken_links
from tests.end_to_end.harness import PORT_ALONE, Shop, write_shop

pytestmark = pytest.mark.engine

ADA, BOB, NEIGHBOUR, STRANGER = "ada@shop.example", "bob@shop.example", "nora@shop.example", "eve@mail.example"
MESH = f"""\
kind: Domain
name: shop
type: source_aligned
owner: {ADA}
teams:
  - {{name: order-data, members: [{BOB}]}}
  - {{name: returns, members: [{NEIGHBOUR}]}}
source_systems: [{{name: till}}]
---
kind: Domain
name: mail
type: consumer_aligned
owner: {STRANGER}
---
kind: Users
users:
  - {{email: {ADA}, name: Ada, personas: [data_product_owner]}}
  - {{email: {BOB}, name: Bob, personas: [data_product_developer, data_product_owner]}}
  - {{email: {NEIGHBOUR}, name: Nora, personas: [data_product_developer]}}
  - {{email: {STRANGER}, name: Eve, personas: [data_product_owner, data_product_consumer]}}
  - {{email: grace@shop.example, name: Grace, personas: [platform_owner]}}
"""


def by(user: str) -> dict[str, str]:
    return {"ALCHEMESH_USER": user}


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A product in a recorded mesh; its team deploys it."""
    mesh = tmp_path / "mesh"
    mesh.mkdir()
    for number, text in enumerate(MESH.split("---\n")):
        (mesh / f"{number}.yaml").write_text(text, "utf-8")
    made = write_shop(tmp_path / "orders", tmp_path / "home", PORT_ALONE)
    made.environ.update(by(BOB))
    made.done("mesh", "apply", str(mesh), "--yes", more=by("grace@shop.example"))
    yield made
    made.take_down()


def test_only_the_people_of_a_product_operate_it(shop: Shop) -> None:
    """A consumer of another domain once destroyed a product with its data."""
    first = shop.run("up", "--yes", more=by(STRANGER))
    assert first.returncode == ExitCode.FORBIDDEN, first.stderr
    assert not shop.deployed(), "nothing was started"
    shop.done("up", "--yes")

    for command in (
        ("up", "--yes"),
        ("refresh", "--yes"),
        ("run",),
        ("unlock", "--yes"),
        ("destroy", "--yes", "--delete-data"),
        ("destroy", "--yes", "--take-over", "it is in the way"),
        ("data", "erase", "orders-table", "--where", "order_id = 1", "--yes"),
        ("access", "apply", "shop/orders"),
    ):
        refused = shop.run(*command, more=by(STRANGER))
        assert refused.returncode == ExitCode.FORBIDDEN, f"{command}: {refused.stderr}"
        assert "(policy operate-product)" in refused.stderr
        assert f"{ADA} owns shop/orders" in refused.stderr
    assert shop.deployed()
    with shop.registry() as registry:
        acts = acts_of(registry, "local", "shop/orders")
        refusals = [act.detail["operation"] for act in acts if act.operation == "refuse" and act.actor == STRANGER]
        assert refusals[::-1] == [
            *("up", "up", "refresh", "run", "unlock", "destroy", "destroy", "destroy", "access apply"),
        ]
        assert [each.operation for each in registry.deployments("shop/orders", "local")] == ["up"]

    # A user of the domain takes over, with a reason.
    assert shop.run("refresh", "--yes", more=by(NEIGHBOUR)).returncode == ExitCode.FORBIDDEN
    shop.done("refresh", "--yes", "--take-over", "the team is on holiday", more=by(NEIGHBOUR))
    with shop.registry() as registry:
        taken = next(act for act in acts_of(registry, "local") if act.operation == "take over")
        assert (taken.actor, taken.reason) == (NEIGHBOUR, "the team is on holiday")

    # A member of the team cannot make themselves the owner; the owner can.
    shop.edit(f"owner: {ADA}", f"owner: {BOB}")
    usurped = shop.run("up", "--yes")
    assert usurped.returncode == ExitCode.FORBIDDEN
    assert "(policy change-of-owner)" in usurped.stderr
    shop.done("up", "--yes", more=by(ADA))

    rights = {right["operation"]: right for right in shop.json("whoami", "--on", "shop/orders")["rights"]}
    assert {name for name, right in rights.items() if not right["allowed"]} == {"contract override"}, "Bob owns it now"
    shown = shop.done("whoami", "--on", "shop/orders", more=by(STRANGER))
    assert "✗ destroy" in shown and "(policy operate-product)" in shown
    offered = shop.done("whoami", "--on", "shop/orders", more=by(NEIGHBOUR))
    assert "✗ up" in offered and "with --take-over REASON" in offered
    with shop.registry() as registry:
        assert list(broken_links(registry)) == []
