"""Metrics in the text format of Prometheus, read by the official parser."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from alchemesh_platform.app.mesh.metrics import metrics
from alchemesh_platform.base.failure import Failure
from alchemesh_platform.exports import prometheus
from alchemesh_platform.exports.prometheus import TIMESTAMP, Samples, collect, exposition, write_textfile
from alchemesh_platform.incidents.evaluate import add_measurements
from alchemesh_platform.registry.store import Registry
from tests.levels.promised import ASSET, ENVIRONMENT, NOW, PORT, PRODUCT, add, measured, promise

RULE = {"name": "rows", "type": "library", "metric": "rowCount", "mustBeGreaterThan": 0}
LATER = NOW + timedelta(minutes=1)


def read(samples: Samples) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    """The samples as the official parser reads them: by name, by labels."""
    found: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for family in text_string_to_metric_families(exposition(samples).decode()):
        for sample in family.samples:
            labels = tuple(sorted(sample.labels.items()))
            assert labels not in found.setdefault(sample.name, {}), "a series comes once"
            found[sample.name][labels] = sample.value
    return found


def of(found: dict[str, dict[tuple[tuple[str, str], ...], float]], name: str, **labels: str) -> list[float]:
    """The values of the series of a metric that have these labels."""
    return [value for series, value in found.get(name, {}).items() if set(labels.items()) <= set(series)]


@pytest.fixture
def promised(registry: Registry) -> Registry:
    promise(registry, service_levels={"update_frequency": "1h", "freshness": "5m"}, quality=[RULE])
    return registry


def test_each_value_has_the_time_of_its_measurement_beside_it(promised: Registry) -> None:
    add(
        promised,
        measured("completeness", good=990, total=1000),
        measured("data_age", NOW - timedelta(minutes=2), value=120),
        measured("lag", value=60),
        measured(f"test:{RULE['name']}", subject=PORT, value=1),
    )
    found = read(collect(promised, ENVIRONMENT, [PRODUCT], LATER))
    place = {"environment": ENVIRONMENT, "product": PRODUCT, "port": "flights-table", "model": "flight"}
    assert of(found, "alchemesh_measure_ratio", **place, measure="completeness") == [0.99]
    assert of(found, f"alchemesh_measure_ratio{TIMESTAMP}", **place, measure="completeness") == [NOW.timestamp()]
    assert of(found, "alchemesh_measure_seconds", **place, measure="data_age") == [120]
    assert of(found, f"alchemesh_measure_seconds{TIMESTAMP}", measure="data_age") == [NOW.timestamp() - 120]
    assert of(found, "alchemesh_business_test_passed", commitment=f"test:{RULE['name']}") == [1]
    assert of(found, "alchemesh_commitment_verdict", commitment="freshness", verdict="kept") == [1]
    assert of(found, "alchemesh_commitment_value_seconds", commitment="freshness") == [60]
    assert of(found, "alchemesh_open_incidents", product=PRODUCT) == [0]
    assert of(found, "alchemesh_product_state", state="unknown") == [1]
    for name in found:
        if f"{name}{TIMESTAMP}" in found:
            assert set(found[name]) == set(found[f"{name}{TIMESTAMP}"]) or "verdict" in name


def test_a_value_that_is_unknown_stale_or_an_error_has_no_sample(promised: Registry) -> None:
    add(
        promised,
        measured("completeness", outcome="unknown", note="no rows"),
        measured("validity", outcome="error", note="the table is damaged: secret text"),
        measured("lag", value=60),
    )
    found = read(collect(promised, ENVIRONMENT, [PRODUCT], NOW + timedelta(days=1, seconds=1)))
    assert "alchemesh_measure_ratio" not in found
    assert "alchemesh_measure_seconds" not in found
    outcomes = {
        measure: outcome
        for series in found["alchemesh_measure_without_value"]
        for measure, outcome in [(dict(series)["measure"], dict(series)["outcome"])]
    }
    assert outcomes == {"completeness": "unknown", "validity": "error", "lag": "stale"}
    assert "alchemesh_commitment_value_seconds" not in found
    assert of(found, "alchemesh_commitment_verdict", commitment="freshness", verdict="stale") == [1]
    assert of(found, "alchemesh_commitment_verdict", commitment="update_frequency", verdict="unknown") == [1]


def test_a_failed_test_is_zero_and_its_incident_is_counted(promised: Registry) -> None:
    name = f"test:{RULE['name']}"
    for minutes in (0, 1):
        report = measured(name, NOW + timedelta(minutes=minutes), PORT, value=0)
        add_measurements(promised, ENVIRONMENT, [report], "platform", LATER)
    found = read(collect(promised, ENVIRONMENT, [PRODUCT], LATER))
    assert of(found, "alchemesh_business_test_passed") == [0]
    assert of(found, "alchemesh_open_incidents") == [1]
    assert of(found, "alchemesh_product_state", state="in_incident") == [1]
    assert of(found, "alchemesh_commitment_verdict", verdict="broken") == [1]


def test_labels_come_from_manifests_only(promised: Registry) -> None:
    """A report can name any business test, and its note any text: neither makes a series."""
    for number in range(50):
        add(promised, measured(f"test:invented-{number}", subject=PORT, value=1))
        add(promised, measured("accuracy", NOW - timedelta(minutes=number), outcome="unknown", note=f"note {number}"))
    text = exposition(collect(promised, ENVIRONMENT, [PRODUCT], LATER)).decode()
    assert "invented" not in text
    assert "note" not in text
    names = Counter(line.partition("{")[0] for line in text.splitlines() if not line.startswith("#"))
    assert max(names.values()) <= 3


def test_too_many_series_leave_products_out_and_count_them(promised: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prometheus, "SERIES_MAX", 1)
    found = read(collect(promised, ENVIRONMENT, [PRODUCT, "aviation/other", "aviation/third"], LATER))
    assert of(found, "alchemesh_products_left_out") == [2]
    assert of(found, "alchemesh_open_incidents", product="aviation/other") == []


def test_only_requested_products_have_metrics(promised: Registry) -> None:
    assert of(read(metrics(promised, ENVIRONMENT, [PRODUCT])), "alchemesh_open_incidents", product=PRODUCT) == [0]
    assert "alchemesh_open_incidents" not in read(metrics(promised, ENVIRONMENT, ["aviation/other"]))


def test_a_file_for_the_textfile_collector_is_written_whole(promised: Registry, tmp_path: Path) -> None:
    add(promised, measured("completeness", good=1, total=2, subject=ASSET))
    file = tmp_path / "alchemesh.prom"
    file.write_text("the former content")
    write_textfile(collect(promised, ENVIRONMENT, [PRODUCT], LATER), file)
    families = list(text_string_to_metric_families(file.read_text()))
    assert "alchemesh_measure_ratio" in {family.name for family in families}
    assert [each.name for each in tmp_path.iterdir() if each.suffix == ".prom"] == ["alchemesh.prom"]
    with pytest.raises(Failure, match="cannot write"):
        write_textfile(Samples(), tmp_path / "missing" / "alchemesh.prom")
