"""A change that touches a commitment that is broken now is a warning at its line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from alchemesh_platform.deployment.checks.commitments import broken_commitments, commitment_problems
from alchemesh_platform.deployment.checks.consequences import Commitment, measured_now
from alchemesh_platform.deployment.checks.promises import steps_of
from alchemesh_platform.manifest.load import load_manifest
from alchemesh_platform.registry.records import PortRecord
from alchemesh_platform.registry.store import Registry
from tests.levels.promised import ENVIRONMENT, NOW, PORT, PRODUCT, add, measured, promise

MANIFEST = """\
kind: DataProduct
name: flights
domain: aviation
team: flight-data
owner: amelia@airport.example
version: 1.0.0
lifecycle: stable
models:
  flight:
    properties: {id: {type: string}}
output_ports:
  - name: flights-table
    description: Flights.
    models: [flight]
    storage: {component: columnar-table}
    contract:
      version: 1.0.0
      lifecycle: active
      access: restricted
      service_levels:
        freshness: 5m
      quality:
        - {name: some-flights, metric: rowCount, model: flight, mustBeGreaterThan: 0}
"""
LEVELS = {"freshness": "5m"}
TESTS = [{"name": "some-flights", "metric": "rowCount", "model": "flight", "mustBeGreaterThan": 0}]


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    """The deployed product: its consumers wait seven minutes for a change, and its business test failed."""
    with Registry.open(f"sqlite:///{tmp_path / 'registry.db'}") as opened:
        promise(opened, service_levels=LEVELS, quality=TESTS)
        port = opened.get(PortRecord, ENVIRONMENT, PORT)
        assert port is not None
        opened.put(port.model_copy(update={"storage": "delta-table", "storage_type": "columnar-table"}))
        add(
            opened,
            measured("lag", value=420.0),
            measured("test:some-flights", subject=PORT, value=0, note="found 0, expected mustBeGreaterThan 0"),
        )
        yield opened


def warnings(registry: Registry, folder: Path, old: str, new: str) -> list[str]:
    """The warnings of a preview with a changed manifest."""
    assert old in MANIFEST
    file = folder / "alchemesh.yaml"
    file.write_text(MANIFEST.replace(old, new), "utf-8")
    manifest = load_manifest(file, ENVIRONMENT)
    steps = steps_of(registry, ENVIRONMENT, manifest, "preview", NOW)
    broken = broken_commitments(registry, ENVIRONMENT, PRODUCT, steps, NOW)
    found = commitment_problems(broken, manifest)
    assert {problem.severity for problem in found} <= {"warning"}
    return [f"{problem.location.line} {problem.message} | " + str(problem.hint) for problem in found]


def test_a_changed_port_warns_of_each_commitment_that_is_broken_now(registry: Registry, tmp_path: Path) -> None:
    hint = "find the cause first; `alchemesh status aviation/flights` shows the history"
    changed = f"{PORT} is changed while a commitment is broken: "

    assert warnings(registry, tmp_path, "freshness: 5m", "freshness: 9m") == [
        f"21 {changed}freshness of flight is 7 min, promised 5m | {hint}",
        f"23 {changed}test some-flights failed, promised mustBeGreaterThan 0"
        f" (found 0, expected mustBeGreaterThan 0) | {hint}",
    ]
    removed = warnings(registry, tmp_path, "      service_levels:\n        freshness: 5m\n", "")
    assert removed[0].startswith(f"17 {changed}freshness"), "a removed promise is at the line of its contract"


def test_a_change_of_nothing_that_is_promised_warns_of_nothing(registry: Registry, tmp_path: Path) -> None:
    assert warnings(registry, tmp_path, "version: 1.0.0\nlifecycle", "version: 1.0.1\nlifecycle") == []


def test_a_kept_commitment_is_no_warning(registry: Registry, tmp_path: Path) -> None:
    add(registry, measured("lag", NOW, value=60.0, id="younger-report"))
    add(registry, measured("test:some-flights", NOW, PORT, value=1, id="passed-report"))

    assert warnings(registry, tmp_path, "freshness: 5m", "freshness: 9m") == []


def test_the_document_of_a_preview_has_them(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "alchemesh.yaml").write_text(MANIFEST.replace("restricted", "public"), "utf-8")
    manifest = load_manifest(tmp_path / "alchemesh.yaml", ENVIRONMENT)
    steps = steps_of(registry, ENVIRONMENT, manifest, "preview", NOW)

    found = measured_now(broken_commitments(registry, ENVIRONMENT, PRODUCT, steps, NOW))

    assert found[0] == Commitment(PORT, NOW.isoformat(), "", "freshness of flight is 7 min, promised 5m", "freshness")
    assert [each.name for each in found] == ["freshness", "test:some-flights"]
