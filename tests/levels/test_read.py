"""The commitments of a product: each promise of its contracts with its verdict."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from alchemesh_platform.app.product.measure import _lag
from alchemesh_platform.levels.commitment import NOT_EXECUTABLE, NOT_MEASURED, Commitment
from alchemesh_platform.levels.read import read_commitments
from alchemesh_platform.observed import observing
from alchemesh_platform.registry.records import PortRecord
from alchemesh_platform.registry.store import Registry
from alchemesh_platform.sdk.observation import Observation
from tests.levels.promised import ASSET, ENVIRONMENT, NOW, PORT, PRODUCT, add, measured, promise

ALL = {"uptime": "99.5%", "update_frequency": "1d", "response_time": "300ms", "freshness": "5m"}
HOUR = timedelta(hours=1)


def read(registry: Registry, now: datetime = NOW) -> dict[str, Commitment]:
    found = read_commitments(registry, ENVIRONMENT, PRODUCT, now)
    assert len({each.key for each in found}) == len(found)
    return {each.name: each for each in found}


def test_every_promise_is_a_commitment_and_unknown_until_it_is_measured(registry: Registry) -> None:
    rule = {"name": "once", "metric": "duplicateValues", "model": "flight", "mustBe": 0}
    promise(registry, service_levels=ALL, quality=[rule, {"name": "prose", "type": "text", "description": "complete"}])

    found = read(registry)

    assert list(found) == ["freshness", "update_frequency", "uptime", "response_time", "test:once", "test:prose"]
    assert {each.verdict for each in found.values()} == {"unknown"}
    assert [each.reason for each in found.values()] == [*[NOT_MEASURED] * 5, NOT_EXECUTABLE]
    assert (found["freshness"].asset, found["uptime"].asset, found["test:once"].promise) == (ASSET, "", "mustBe 0")
    assert found["test:once"].as_json()["verdict"] == "unknown"


def test_a_contract_without_promises_has_no_commitments(registry: Registry) -> None:
    assert read_commitments(registry, ENVIRONMENT, PRODUCT, NOW) == ()
    promise(registry)
    assert read_commitments(registry, ENVIRONMENT, PRODUCT, NOW) == ()


def test_freshness_is_kept_at_the_promised_lag_and_broken_above_it(registry: Registry) -> None:
    promise(registry, service_levels={"freshness": "5m"})
    add(registry, measured("lag", value=300))
    assert (read(registry)["freshness"].verdict, read(registry)["freshness"].value) == ("kept", "5 min")

    add(registry, measured("lag", NOW + HOUR, value=301))
    late = read(registry, NOW + HOUR)["freshness"]
    assert (late.verdict, late.number, late.unit, late.measured_at) == ("broken", 301, "seconds", NOW + HOUR)


def test_each_asset_of_a_port_has_its_own_freshness(registry: Registry) -> None:
    promise(registry, assets=("flight", "airport"), service_levels={"freshness": "5m"})
    add(registry, measured("lag", value=1), measured("lag", subject=f"{PORT}/airport", value=900))

    assert {each.asset: each.verdict for each in read_commitments(registry, ENVIRONMENT, PRODUCT, NOW)} == {
        ASSET: "kept",
        f"{PORT}/airport": "broken",
    }


def test_an_old_measurement_is_stale_and_an_unknown_or_failed_one_gives_its_reason(registry: Registry) -> None:
    promise(registry, assets=("flight", "airport"), service_levels={"freshness": "5m"})
    add(
        registry,
        measured("lag", value=1),
        measured("lag", subject=f"{PORT}/airport", outcome="unknown", note="the proxy is starting"),
    )

    unknown, stale = read_commitments(registry, ENVIRONMENT, PRODUCT, NOW + timedelta(days=1, seconds=1))
    assert (unknown.verdict, unknown.reason) == ("unknown", "the proxy is starting")
    assert (stale.verdict, stale.reason, stale.value) == ("stale", "measured more than 1 day ago", "1 s")

    add(registry, measured("lag", NOW + HOUR, outcome="error", note="timed out"))
    assert {each.verdict for each in read_commitments(registry, ENVIRONMENT, PRODUCT, NOW + HOUR)} == {
        "error",
        "unknown",
    }


def test_a_business_test_is_kept_or_broken_with_its_finding_and_severity(registry: Registry) -> None:
    rule = {"name": "once", "metric": "duplicateValues", "model": "flight", "mustBe": 0}
    promise(registry, quality=[rule, {**rule, "name": "warned", "severity": "warning"}])
    add(
        registry,
        measured("test:once", subject=PORT, value=1, note="found 0, expected mustBe 0"),
        measured("test:warned", subject=PORT, value=0, note="found 2, expected mustBe 0"),
    )

    found = read(registry)
    assert (found["test:once"].verdict, found["test:once"].value) == ("kept", "passed")
    warned = found["test:warned"]
    assert (warned.verdict, warned.severity, warned.reason) == ("broken", "warning", "found 2, expected mustBe 0")


def test_the_lag_of_each_model_is_its_own_where_the_proxy_knows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    port = PortRecord(
        environment=ENVIRONMENT, address=PORT, product=PRODUCT, direction="output", proxy="postgresql-serving"
    )
    seen = [Observation("healthy", lag_seconds=90.0, lags={"flight": 90.0, "airport": 0.0})]
    monkeypatch.setattr(observing, "observe_all", lambda *_, **__: seen)

    assert [_lag(port, model, {}) for model in ("flight", "airport", "route")] == [
        {"value": 90.0},
        {"value": 0.0},
        {"value": 90.0},
    ]
    seen[0] = Observation("unhealthy", "the copy loads")
    assert _lag(port, "flight", {}) == {"outcome": "unknown", "note": "the copy loads"}
    assert _lag(port.model_copy(update={"proxy": None}), "flight", {}) == {"value": 0.0}
