"""A port's promise from a manifest and from records, and its place in the manifest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from alchemesh_platform.contracts.compatibility.diff import diff_port
from alchemesh_platform.contracts.port import place_in_manifest, promised_ports
from alchemesh_platform.contracts.recorded import UnreadablePromise, recorded_ports
from alchemesh_platform.documents.document import Path as Place
from alchemesh_platform.documents.document import written
from alchemesh_platform.manifest.load import LoadedManifest, load_manifest
from alchemesh_platform.registry.records import ContractRecord
from alchemesh_platform.registry.store import Registry
from tests.contracts.product import MANIFEST, record

ADDRESS = "aviation/flights"


@pytest.fixture
def manifest(tmp_path: Path) -> LoadedManifest:
    path = tmp_path / "alchemesh.yaml"
    path.write_text(MANIFEST, "utf-8")
    return load_manifest(path)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with Registry.open(f"sqlite:///{tmp_path / 'registry.db'}") as opened:
        yield opened


def test_a_port_promises_its_contract_its_models_and_the_protocols_of_its_proxy(manifest: LoadedManifest) -> None:
    ports = promised_ports(manifest.product)
    assert list(ports) == ["flights-table", "raw-files"]
    assert list(ports["flights-table"].models) == ["flight", "airline"]
    assert ports["flights-table"].protocols == ("sql", "rest")
    assert ports["flights-table"].contract == manifest.product.output_ports[0].contract


def test_without_a_proxy_consumers_read_the_storage(manifest: LoadedManifest) -> None:
    assert promised_ports(manifest.product)["raw-files"].protocols == ("object-storage",)


def test_the_recorded_promise_equals_the_declared_one(manifest: LoadedManifest, registry: Registry) -> None:
    record(registry, manifest.product, "local")
    recorded = recorded_ports(registry, "local", ADDRESS)
    declared = promised_ports(manifest.product)
    assert recorded == declared
    assert list(recorded["flights-table"].models) == ["flight", "airline"]
    for name, port in declared.items():
        assert diff_port(recorded[name], port).changes == ()


def test_a_recorded_promise_belongs_to_its_environment_and_product(
    manifest: LoadedManifest, registry: Registry
) -> None:
    record(registry, manifest.product, "local")
    assert recorded_ports(registry, "prod", ADDRESS) == {}
    assert recorded_ports(registry, "local", "aviation/other") == {}


def test_a_record_of_another_version_is_reported_and_not_read_as_a_promise(
    manifest: LoadedManifest, registry: Registry
) -> None:
    record(registry, manifest.product, "local")
    address = f"{ADDRESS}/flights-table"
    contract = registry.get(ContractRecord, "local", address)
    assert contract is not None
    registry.put(contract.model_copy(update={"models": {"flight": {"properties": {"seats": {"type": "quaternion"}}}}}))
    with pytest.raises(UnreadablePromise, match=f"what is recorded of {address} in local cannot be read"):
        recorded_ports(registry, "local", ADDRESS)


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ((), "output_ports[0]"),
        (("contract",), "output_ports[0].contract"),
        (("contract", "terms", "billing", "price"), "output_ports[0].contract.terms.billing.price"),
        (("contract", "service_levels", "uptime"), "output_ports[0].contract"),
        (("contract", "quality", "few-empty"), "output_ports[0].contract.quality[1]"),
        (("contract", "quality", "gone"), "output_ports[0].contract.quality"),
        (("protocols", "graphql"), "output_ports[0].proxy.protocols"),
        (("models", "flight"), "output_ports[0].models"),
        (("models", "gone"), "output_ports[0].models"),
        (("models", "gone", "properties", "seats"), "output_ports[0].models"),
        (("models", "flight", "properties", "seats", "type"), "models.flight.properties.seats.type"),
        (("models", "flight", "properties", "seats", "required"), "models.flight.properties.seats"),
        (("models", "flight", "properties", "gone"), "models.flight.properties"),
        (("models", "flight", "relationships", "carrier -> airline(carrier)"), "models.flight.relationships"),
    ],
)
def test_a_place_of_the_promise_maps_to_the_manifest_or_its_nearest_parent(
    manifest: LoadedManifest, place: Place, expected: str
) -> None:
    assert written(place_in_manifest(place, manifest.tree, "flights-table")) == expected


def test_a_port_that_the_manifest_does_not_declare_has_its_place_at_the_ports(manifest: LoadedManifest) -> None:
    assert place_in_manifest(("contract",), manifest.tree, "gone") == ("output_ports",)
