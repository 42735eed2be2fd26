"""One manifest composes on a laptop, on Google Cloud and on AWS, with overlays of a few lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from alchemesh_platform.compose.compose import compose
from alchemesh_platform.compose.plan import Plan
from alchemesh_platform.manifest.load import load_manifest
from alchemesh_platform.platform_file.load import load_platform
from tests.builtin import ROOT, builtin_catalog

FLIGHTS = ROOT / "examples" / "flights"
PLATFORMS = {"local": None, "prod": "gcp.yaml", "aws": "aws.yaml"}
OVERLAY_LINES_MAX = 25
COMPONENTS = {
    "local": {
        "file-ingestion": "local-files",
        "object-storage": "local-directory",
        "columnar-table": "delta-table",
        "data-api": "postgresql-serving",
        "python-job": "local-python",
    },
    "prod": {
        "file-ingestion": "storage-transfer",
        "object-storage": "gcs-bucket",
        "columnar-table": "bigquery-table",
        "data-api": "cloud-run-data-api",
        "python-job": "cloud-run-job",
    },
    "aws": {
        "file-ingestion": "s3-files",
        "object-storage": "s3-bucket",
        "columnar-table": "glue-table",
        "data-api": "athena-sql",
        "python-job": "lambda-function",
    },
}


def flights(environment: str) -> Plan:
    file = PLATFORMS[environment]
    platform = load_platform(ROOT / "platforms" / file if file is not None else None, environment, Path("home"))
    return compose(load_manifest(FLIGHTS / "alchemesh.yaml", environment), platform, builtin_catalog())


@pytest.mark.parametrize("environment", PLATFORMS)
def test_each_component_type_has_the_component_of_its_platform(environment: str) -> None:
    found = {each.spec.component_type: each.spec.name for each in flights(environment).components()}
    assert found == COMPONENTS[environment]


@pytest.mark.parametrize("environment", ["prod", "aws"])
def test_models_ports_and_terms_are_the_same_everywhere(environment: str) -> None:
    here, there = flights("local").product, flights(environment).product
    assert there.models == here.models
    assert [each.name for each in there.input_ports] == [each.name for each in here.input_ports]
    for one, other in zip(here.output_ports, there.output_ports, strict=True):
        assert (one.name, one.models) == (other.name, other.models)
        assert one.contract is not None and other.contract is not None
        assert (one.contract.version, one.contract.terms) == (other.contract.version, other.contract.terms)
        assert one.contract.quality == other.contract.quality
    assert there.code is not None and here.code is not None
    assert there.code.args["entrypoint"] == here.code.args["entrypoint"]


@pytest.mark.parametrize("environment", ["prod", "aws"])
def test_an_overlay_has_a_few_lines(environment: str) -> None:
    lines = (FLIGHTS / f"alchemesh.{environment}.yaml").read_text("utf-8").splitlines()
    assert 0 < len([line for line in lines if line.strip() and not line.startswith("#")]) <= OVERLAY_LINES_MAX
