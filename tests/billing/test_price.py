"""The price of a contract: exact, and the same in the documents of older versions."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from alchemesh_platform.contracts.compatibility.diff import diff_port
from alchemesh_platform.contracts.port import PromisedPort
from alchemesh_platform.documents.document import node_of
from alchemesh_platform.documents.validate import validate
from alchemesh_platform.documents.yaml_source import parse
from alchemesh_platform.manifest.load import load_manifest
from alchemesh_platform.manifest.models import Billing, Contract, Credits
from tests.contracts.product import MANIFEST


@pytest.mark.parametrize(
    ("written", "price"),
    [("0.40", "0.4"), ("0.1", "0.1"), ("5", "5"), ("1e-7", "0.0000001"), ("1234.56789", "1234.56789")],
)
def test_a_price_is_the_decimal_of_the_manifest(written: str, price: str) -> None:
    document = {"model": "flat", "price": json.loads(written), "currency": "EUR"}
    billing, problems = validate(node_of(document, "alchemesh.yaml"), Billing)
    assert problems == []
    assert billing is not None
    assert billing.price == Decimal(price)
    assert isinstance(billing.price, Decimal)


def test_a_price_without_end_is_a_problem_at_its_place() -> None:
    document = {"model": "flat", "price": "Infinity", "currency": "EUR"}
    _, (problem,) = validate(node_of(document, "alchemesh.yaml"), Billing)
    assert problem.message.startswith("found 'Infinity', expected a number")


def test_a_contract_that_an_older_version_recorded_is_the_same_one() -> None:
    """A record of an older version holds the price as a number: its document and its promise must not differ now."""
    stored = {
        "version": "2.0.0",
        "lifecycle": "active",
        "access": "restricted",
        "service_levels": {},
        "terms": {
            "usage": "",
            "billing": {"model": "per_use", "price": 0.4, "currency": "EUR", "per": "1000 requests"},
        },
        "quality": [],
    }
    contract = Contract.model_validate(stored)
    assert json.loads(json.dumps(contract.model_dump(mode="json", exclude_none=True))) == stored
    tree, _ = parse(
        "{version: 2.0.0, lifecycle: active, terms: {billing: "
        "{model: per_use, price: 0.40, currency: EUR, per: 1000 requests}}}",
        "contract.yaml",
    )
    declared, _ = validate(tree, Contract)
    now = PromisedPort(declared)
    assert diff_port(PromisedPort(contract), now).changes == ()


def test_an_overlay_changes_one_key_of_the_price(tmp_path: Path) -> None:
    manifest = tmp_path / "alchemesh.yaml"
    manifest.write_text(MANIFEST, "utf-8")
    contract = "{service_levels: {uptime: 99%}, terms: {billing: {price: 0.35, credits: {uptime: 5%}}}}"
    overlay = f"output_ports: [{{name: flights-table, contract: {contract}}}]\n"
    (tmp_path / "alchemesh.prod.yaml").write_text(overlay, "utf-8")
    prices = []
    for environment in ("dev", "prod"):
        declared = load_manifest(manifest, environment).product.output_ports[0].contract
        assert declared is not None
        assert declared.terms.billing is not None
        prices.append(declared.terms.billing)
    dev, prod = prices
    assert (dev.price, prod.price, prod.per, prod.currency) == (Decimal("0.40"), Decimal("0.35"), dev.per, dev.currency)
    assert (dev.credits, prod.credits) == (None, Credits.model_validate({"uptime": "5%"}))


def test_a_recorded_quantity_that_nobody_can_count_is_still_read() -> None:
    """Older versions accepted every text."""
    billing = {"model": "per_use", "price": 1.5, "currency": "XXX", "per": "seat"}
    contract = Contract.model_validate({"version": "1.0.0", "terms": {"billing": billing}})
    assert contract.model_dump(mode="json", exclude_none=True)["terms"]["billing"] == billing
