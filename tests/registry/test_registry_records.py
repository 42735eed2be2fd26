"""Writing and finding records."""

from __future__ import annotations

from alchemesh_platform.registry.records import (
    AssetRecord,
    ProductRecord,
)
from alchemesh_platform.registry.store import Registry
from alchemesh_platform.registry.tables import TABLES
from tests.registry.recorded import asset, mesh_of_each, one_of_each, promises_of_each


def test_every_kind_of_record_survives_a_round_trip(registry: Registry, environment: str) -> None:
    records = [*one_of_each(environment), *mesh_of_each(environment), *promises_of_each(environment)]
    assert {type(record) for record in records} == set(TABLES)

    for record in records:
        assert registry.put(record) == "created"

    for record in records:
        assert registry.get(type(record), environment, record.address) == record


def test_order_of_properties_is_kept(registry: Registry, environment: str) -> None:
    registry.put(asset(environment, zulu=1, alpha=2, mike=3))

    found = registry.get(AssetRecord, environment, "aviation/flights/flights-table/flight")
    assert found is not None
    assert list(found.definition) == ["zulu", "alpha", "mike"]


def test_a_missing_record_is_none(registry: Registry, environment: str) -> None:
    assert registry.get(ProductRecord, environment, "aviation/flights") is None


def test_all_returns_one_environment_or_product_in_order_of_address(registry: Registry, environment: str) -> None:
    # Each database sorts text differently; these four come in another order in most of them.
    for model in ("b", "a_b", "a", "ab"):
        registry.put(asset(environment, model))
    other = asset(environment, "elsewhere").model_copy(
        update={"product": "aviation/other", "address": "aviation/other/port/elsewhere"}
    )
    registry.put(other)
    registry.put(asset(f"{environment}-too"))

    prefix = "aviation/flights/flights-table/"
    found = registry.all(AssetRecord, environment, "aviation/flights")
    assert [record.address for record in found] == [prefix + model for model in ("a", "a_b", "ab", "b")]
    assert registry.all(AssetRecord, environment, "aviation/other") == [other]
    assert len(registry.all(AssetRecord, environment)) == 5
    assert len(registry.all(AssetRecord, f"{environment}-too")) == 1


def test_records_are_found_by_their_columns(registry: Registry, environment: str) -> None:
    for number in range(5):
        registry.put(asset(environment, f"m{number}"))
    other = asset(environment, "m1").model_copy(
        update={"product": "aviation/other", "port": "aviation/other/port", "address": "aviation/other/port/m1"}
    )
    registry.put(other)

    def found(limit: int | None = None, **where: str | list[str]) -> list[str]:
        return [record.address for record in registry.all(AssetRecord, environment, where=where, limit=limit)]

    assert found(model="m1", port="aviation/other/port") == ["aviation/other/port/m1"]
    assert found(model=["m1", "m4", "nothing"]) == [f"aviation/flights/flights-table/{m}" for m in ("m1", "m4")] + [
        "aviation/other/port/m1"
    ]
    assert found(model=[]) == []
    assert found(limit=2) == [f"aviation/flights/flights-table/{m}" for m in ("m0", "m1")]


def test_products_are_found_by_their_own_address(registry: Registry, environment: str) -> None:
    product = one_of_each(environment)[0]
    registry.put(product)

    assert registry.all(ProductRecord, environment, "aviation/flights") == [product]
    assert registry.all(ProductRecord, environment, "aviation/fl") == []
