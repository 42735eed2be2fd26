"""The effect of a preview on other people: the owners to ask, and changed prices."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from alchemesh_platform.contracts.compatibility.step import compare
from alchemesh_platform.contracts.port import promised_ports
from alchemesh_platform.deployment.checks.consequences import Party, Price, owners_of, prices_of
from alchemesh_platform.engine.run.property_path import unknown_paths
from alchemesh_platform.manifest.models import DataProduct
from alchemesh_platform.registry.records import DomainRecord, ProductRecord, TeamRecord
from alchemesh_platform.registry.store import Registry
from tests.app.small import MANIFEST


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    opened = Registry.open(f"sqlite:///{tmp_path / 'registry.db'}")
    opened.write([
        ProductRecord(
            environment="prod", address="marketing/campaigns", team="ads",
            owner="cy@shop.example", version="1.0.0", lifecycle="stable",
        ),
        DomainRecord(environment="prod", address="marketing", type="consumer_aligned", owner="di@shop.example"),
        TeamRecord(
            environment="prod", address="marketing/ads", domain="marketing", name="ads", team_kind="data_product_team",
            members=("ada@shop.example", "bo@shop.example"),
        ),
    ])  # fmt: skip
    return opened


def test_each_kind_of_consumer_has_owners_to_ask(registry: Registry) -> None:
    with registry:
        assert owners_of(
            registry,
            "prod",
            [
                "user:eve@shop.example",
                "technical_team:marketing/ads",
                "data_product:marketing/campaigns",
                "data_domain:marketing",
                "data_product:marketing/unknown",
            ],
        ) == (
            Party("data_domain:marketing", ("di@shop.example",)),
            Party("data_product:marketing/campaigns", ("cy@shop.example",)),
            Party("data_product:marketing/unknown", ()),
            Party("technical_team:marketing/ads", ("ada@shop.example", "bo@shop.example")),
            Party("user:eve@shop.example", ("eve@shop.example",)),
        )


def test_a_changed_price_has_both_sides() -> None:
    """It follows from the contract: the platform knows no other costs."""
    billing = "terms: {notice_period: 30d, billing: {model: per_use, price: 0.4, currency: EUR, per: 1000 requests}}"
    before, after = (
        promised_ports(DataProduct.model_validate(yaml.safe_load(MANIFEST.format(name="orders").replace(*replaced))))
        for replaced in (("x", "x"), ("terms: {notice_period: 30d}", billing))
    )
    [step] = [compare("shop/orders/orders-table", before[name], after[name]) for name in before]
    assert prices_of([step]) == (
        Price("shop/orders/orders-table", "no billing", "0.40 EUR per 1000 requests (per_use)"),
    )
    assert prices_of([compare("shop/orders/orders-table", None, after["orders-table"])]) == ()


def test_values_that_are_known_only_later_have_their_paths() -> None:
    value = {"a": "[unknown]", "b": [{"name": "x", "key": "[unknown]"}], "c d": {"e": "[unknown]"}, "f": 1}
    assert list(unknown_paths(value)) == ["a", "b[0].key", "c d.e"]
