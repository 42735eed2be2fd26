"""Versions of contracts are kept, and an active version never changes its promise."""

from __future__ import annotations

import pytest

from alchemesh_platform.contracts.recorded import kept_promise
from alchemesh_platform.contracts.versions import VersionExists, keep_version, kept_versions
from alchemesh_platform.registry.records import ContractRecord, ContractVersionRecord
from alchemesh_platform.registry.store import Registry
from tests.registry.promises.promised import MODELS, PORT, PRODUCT, contract

DESCRIBED = {"flight": {**MODELS["flight"], "description": "One departure."}}
SMALLER = {"flight": {"properties": {"flight_id": {"type": "string", "key": True}}}}


def kept(registry: Registry, environment: str) -> list[ContractVersionRecord]:
    return kept_versions(registry, environment, PRODUCT).get(PORT, [])


def test_versions_are_kept_newest_first_in_the_order_of_numbers(registry: Registry, environment: str) -> None:
    for version in ("2.9.0", "2.10.0", "2.2.0"):
        keep_version(registry, contract(environment, version))
    assert [each.version for each in kept(registry, environment)] == ["2.10.0", "2.9.0", "2.2.0"]
    assert [each.address for each in kept(registry, environment)] == [
        f"{PORT}@2.10.0",
        f"{PORT}@2.9.0",
        f"{PORT}@2.2.0",
    ]


@pytest.mark.parametrize("lifecycle", ["active", "deprecated"])
@pytest.mark.parametrize("change", [{"models": SMALLER}, {"access": "public"}, {"period": "180d"}])
def test_a_promised_version_is_immutable(
    registry: Registry, environment: str, lifecycle: str, change: dict[str, object]
) -> None:
    keep_version(registry, contract(environment, lifecycle=lifecycle))
    before = kept(registry, environment)
    with pytest.raises(VersionExists, match=r"found 2\.0\.0 with another promise") as refused:
        keep_version(registry, contract(environment, lifecycle=lifecycle, **change))  # type: ignore[arg-type]
    assert "write `version: " in (refused.value.hint or "")
    assert kept(registry, environment) == before


def test_a_draft_can_change_and_is_stored_when_promised(registry: Registry, environment: str) -> None:
    keep_version(registry, contract(environment, lifecycle="draft"))
    keep_version(registry, contract(environment, lifecycle="draft", models=SMALLER))
    keep_version(registry, contract(environment, lifecycle="active", models=DESCRIBED))
    [version] = kept(registry, environment)
    assert (version.lifecycle, version.models) == ("active", DESCRIBED)


def test_only_the_lifecycle_of_a_kept_version_can_change(registry: Registry, environment: str) -> None:
    keep_version(registry, contract(environment))
    keep_version(registry, contract(environment, lifecycle="deprecated", models=DESCRIBED))
    [version] = kept(registry, environment)
    assert (version.lifecycle, version.document["lifecycle"]) == ("deprecated", "deprecated")
    assert version.models == MODELS, "a corrected description does not change what is kept"
    keep_version(registry, contract(environment, lifecycle="retired"))
    for back in ("active", "draft"):
        with pytest.raises(VersionExists, match="is retired"):
            keep_version(registry, contract(environment, lifecycle=back))


def test_a_promised_version_does_not_become_a_draft_again(registry: Registry, environment: str) -> None:
    keep_version(registry, contract(environment))
    with pytest.raises(VersionExists, match="found draft, expected active or deprecated"):
        keep_version(registry, contract(environment, lifecycle="draft"))


def test_a_kept_version_stores_the_whole_promise(registry: Registry, environment: str) -> None:
    keep_version(registry, contract(environment))
    [version] = kept(registry, environment)
    promise = kept_promise(version)
    assert promise.contract is not None
    assert (promise.contract.version, list(promise.models), promise.protocols) == ("2.0.0", ["flight"], ("sql", "rest"))


def test_a_version_is_kept_with_the_contract_or_not_at_all(registry: Registry, environment: str) -> None:
    with pytest.raises(RuntimeError), registry.transaction("contract") as turn:
        keep_version(turn, contract(environment))
        turn.put(contract(environment))
        raise RuntimeError("killed")
    assert kept(registry, environment) == []
    assert registry.all(ContractRecord, environment) == []
