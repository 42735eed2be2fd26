"""The shipped platform files load, and the example manifests compose for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from alchemesh_components.gcp.settings import Settings
from alchemesh_platform.compose.compose import compose
from alchemesh_platform.compose.plan import Plan
from alchemesh_platform.manifest.load import load_manifest
from alchemesh_platform.platform_file.load import load_platform, platform_problems
from tests.builtin import ROOT, builtin_catalog

GCP = ROOT / "platforms" / "gcp.yaml"


def composed(product: str, environment: str) -> Plan:
    manifest = load_manifest(ROOT / "examples" / product / "alchemesh.yaml", environment)
    return compose(manifest, load_platform(GCP, environment, Path("home")), builtin_catalog())


def test_a_shipped_platform_file_loads_without_a_problem() -> None:
    assert platform_problems(GCP, Path("home")) == []
    platform = load_platform(GCP, "prod", Path("home"))
    assert Settings.model_validate({"gcp": platform.settings["gcp"]}).gcp.project == "acme-mesh"


def test_every_component_of_a_shipped_platform_implements_its_type() -> None:
    catalog = builtin_catalog()
    named = load_platform(GCP, "prod", Path("home")).components
    assert {component_type: catalog[name].component_type for component_type, name in named.items()} == {
        component_type: component_type for component_type in named
    }
    assert "columnar-table" in named


@pytest.mark.parametrize("product", ["flights", "punctuality"])
def test_the_example_manifests_compose_for_a_shipped_platform_as_on_a_laptop(product: str) -> None:
    cloud, laptop = composed(product, "prod"), composed(product, "local")
    assert cloud.assets == laptop.assets
    assert [planned.component_type for planned in cloud.components()] == [
        planned.component_type for planned in laptop.components()
    ]
    assert {planned.spec.name for planned in cloud.components()}.isdisjoint(
        {planned.spec.name for planned in laptop.components()} - {"data-product-input"}
    )
