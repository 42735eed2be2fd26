"""What was promised to consumers is kept: versions, judged previews, notice periods and who may override them."""

from __future__ import annotations

from typing import Any

import pytest

from alchemesh_platform.platform_file.load import load_platform
from alchemesh_platform.registry.records import ContractVersionRecord, GrantRecord
from alchemesh_platform.registry.store import Registry

from .harness import Shop

pytestmark = pytest.mark.engine

PORT = "shop/orders/orders-table"
AMOUNT = "      amount: {type: number, description: Euros}\n"
NOTE = "      note: {type: string, description: Free text}\n"


def registry_of(shop: Shop) -> Registry:
    return Registry.open(load_platform(None, "local", shop.home).registry)


def grant(shop: Shop, requester: str = "marketing/campaigns") -> None:
    """Let a consumer in, as an access request that was granted does."""
    with registry_of(shop) as registry:
        registry.put(
            GrantRecord(
                environment="local",
                address="req-0badcafe",
                product="shop/orders",
                port=PORT,
                requester_kind="data_product",
                requester=requester,
            )
        )


def promise(outcome: Any, port: str = "orders-table") -> Any:
    """What an outcome says of the promise of a port."""
    return next(section["promise"] for section in outcome["ports"] if section["name"] == port)


def line_of(shop: Shop, text: str) -> int:
    return next(n for n, line in enumerate(shop.manifest.read_text("utf-8").splitlines(), 1) if text in line)


def test_a_preview_judges_what_changes_in_a_contract_beside_the_infrastructure(shop: Shop) -> None:
    shop.done("up", "--yes")
    shop.edit(AMOUNT, AMOUNT.replace("Euros", "In euros") + NOTE)
    shop.edit("protocols: [sql, rest, graphql]", "protocols: [sql, rest]")
    shop.edit("version: 1.0.0\n      lifecycle: active", "version: 2.0.0\n      lifecycle: active")
    shown = shop.run("preview")
    assert shown.returncode == 0, shown.stderr
    assert "~ contract 1.0.0 → 2.0.0 active, internal, notice 30 days" in shown.stdout
    assert "- breaking       protocols.graphql  consumers can no longer come in this way" in shown.stdout
    assert "+ compatible     models.order.properties.note" in shown.stdout
    assert "~ documentation  models.order.properties.amount.description" in shown.stdout
    assert "DeltaTable orders-table-storage-order" in shown.stdout

    told = promise(shop.json("preview"))
    assert told["kind"] == "breaking"
    assert [change["kind"] for change in told["changes"]] == ["documentation", "compatible", "breaking"]
    assert (told["recorded"]["version"], told["declared"]["version"], told["held"]) == ("1.0.0", "2.0.0", None)


def test_a_version_that_is_too_low_is_seen_in_a_preview_and_refused_by_up(shop: Shop) -> None:
    shop.done("up", "--yes")
    shop.edit("protocols: [sql, rest, graphql]", "protocols: [sql, rest]")
    expected = (
        f"alchemesh.yaml:{line_of(shop, 'lifecycle: active') - 1}:16  output_ports[0].contract.version: "
        "found 1.0.0 with another promise, expected 2.0.0 or higher"
    )
    shown = shop.run("preview")
    assert shown.returncode == 4
    assert expected in shown.stderr
    assert "- breaking" in shown.stdout, "a reviewer sees the change itself too"

    refused = shop.run("up", "--yes")
    assert refused.returncode == 4
    assert expected in refused.stderr
    with registry_of(shop) as registry:
        assert len(registry.deployments("shop/orders", "local")) == 1, "the engine was not started"


def test_every_version_is_kept_and_stays_as_it_was(shop: Shop) -> None:
    shop.done("up", "--yes")
    shop.edit(AMOUNT, AMOUNT + NOTE)
    shop.edit("version: 1.0.0\n      lifecycle: active", "version: 1.1.0\n      lifecycle: active")
    shop.done("up", "--yes")
    shop.done("destroy", "--yes")
    with registry_of(shop) as registry:
        kept = registry.all(ContractVersionRecord, "local", "shop/orders")
    assert [(version.version, version.lifecycle) for version in kept] == [("1.0.0", "active"), ("1.1.0", "active")]
    assert ["note" in version.models["order"]["properties"] for version in kept] == [False, True]

    shop.edit(NOTE, "")
    refused = shop.run("up", "--yes")
    assert refused.returncode == 4
    assert "found 1.1.0 with another promise" in refused.stderr
