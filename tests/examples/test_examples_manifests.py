"""The examples' manifests are complete, and every promise in them can be checked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from staging import EXAMPLES, manifest

from alchemesh_platform.manifest.load import load_manifest
from alchemesh_platform.manifest.models import DataProduct, OutputPort

PRODUCTS = ("departures", "flights", "punctuality")


def exposed(product: DataProduct) -> Iterator[tuple[OutputPort, str]]:
    for port in product.output_ports:
        for model in port.models:
            yield port, model


@pytest.mark.parametrize("name", PRODUCTS)
def test_every_model_and_property_is_described(name: str) -> None:
    for model, declared in manifest(name).models.items():
        assert declared.description, model
        for name_of, one in declared.properties.items():
            assert one.description, f"{model}.{name_of}"


@pytest.mark.parametrize("name", PRODUCTS)
def test_every_model_is_exposed_and_every_port_is_described_and_under_contract(name: str) -> None:
    product = manifest(name)
    assert {model for _, model in exposed(product)} == set(product.models)
    for port in product.output_ports:
        assert port.description
        assert port.contract is not None
        assert port.contract.terms.notice_period


@pytest.mark.parametrize("name", PRODUCTS)
def test_relationships_and_business_tests_name_existing_properties(name: str) -> None:
    product = manifest(name)
    for model in product.models.values():
        for relationship in model.relationships:
            there = product.models[relationship.to].properties
            assert set(relationship.properties) <= set(model.properties)
            assert set(relationship.properties.values()) <= set(there)
    for port in product.output_ports:
        for rule in port.contract.quality if port.contract else ():
            assert rule.description
            if rule.model:
                assert rule.model in port.models
                assert rule.property is None or rule.property in product.models[rule.model].properties


@pytest.mark.parametrize("name", PRODUCTS)
def test_the_code_is_at_the_path_in_the_manifest(name: str) -> None:
    code = manifest(name).code
    assert code is not None
    module, _, function = code.args["entrypoint"].partition(":")
    source = EXAMPLES / name / f"{module.replace('.', '/')}.py"
    assert f"def {function}() -> None:" in source.read_text()


def test_the_consumer_reads_a_port_that_the_provider_has() -> None:
    (port,) = manifest("punctuality").input_ports
    provider = manifest("flights")
    assert port.origin.data_product == provider.address  # type: ignore[union-attr]
    assert port.origin.output_port in {one.name for one in provider.output_ports}  # type: ignore[union-attr]


def test_production_differs_only_by_its_overlay() -> None:
    here, there = manifest("flights"), load_manifest(EXAMPLES / "flights/alchemesh.yaml", "prod").product

    assert there.input_ports[0].args["path"] == "gs://acme-dispatch/departures/"
    (table, raw) = there.output_ports
    assert table.contract is not None
    assert table.contract.service_levels.uptime == 99.9
    assert table.contract.quality == here.output_ports[0].contract.quality  # type: ignore[union-attr]
    assert (raw, there.models, there.source_systems) == (here.output_ports[1], here.models, here.source_systems)
