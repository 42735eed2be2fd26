"""A product in the Open Data Product Standard passes its schema and its linter, and refers to its contracts."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from dataproduct.data_product import DataProduct as Linted
from jsonschema import Draft201909Validator

from alchemesh_cli.main import invoke
from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.contracts.odcs.odps_export import STATUS, export_odps, odps_text
from alchemesh_platform.manifest.load import load_manifest
from alchemesh_platform.manifest.models import DataProduct, Lifecycle
from tests.contracts.product import MANIFEST

EXAMPLES = sorted(Path(__file__).parents[2].glob("examples/*/alchemesh.yaml"))


def product(folder: Path, text: str = MANIFEST) -> DataProduct:
    (folder / "alchemesh.yaml").write_text(text, "utf-8")
    return load_manifest(folder / "alchemesh.yaml").product


def errors(document: Any) -> list[str]:
    schema = json.loads(files("dataproduct").joinpath("schemas/odps-1.1.0.schema.json").read_text("utf-8"))
    return [error.message for error in Draft201909Validator(schema).iter_errors(document)]


def test_a_product_has_its_description_and_refers_to_its_contracts(tmp_path: Path) -> None:
    document = export_odps(product(tmp_path))
    assert (document["apiVersion"], document["id"], document["status"]) == ("v1.1.0", "aviation/flights", "draft")
    table, raw = document["outputPorts"]
    assert (table["version"], table["contractId"]) == ("2.0.0", "aviation/flights/flights-table")
    assert "contractId" not in raw
    assert {"property": "protocols", "value": ["sql", "rest"]} in table["customProperties"]


@pytest.mark.parametrize("lifecycle", list(Lifecycle))
def test_every_lifecycle_has_a_status_and_keeps_its_own_value(tmp_path: Path, lifecycle: Lifecycle) -> None:
    document = export_odps(product(tmp_path, f"lifecycle: {lifecycle}\n{MANIFEST}"))
    assert document["status"] == STATUS[lifecycle]
    assert {"property": "lifecycle", "value": lifecycle.value} in document["customProperties"]
    assert errors(document) == []


def test_a_deprecated_port_is_exported_as_deprecated(tmp_path: Path) -> None:
    document = export_odps(product(tmp_path, MANIFEST.replace("lifecycle: active", "lifecycle: deprecated")))
    assert [port.get("deprecated") for port in document["outputPorts"]] == [True, None]
    assert errors(document) == []


@pytest.mark.parametrize("manifest", EXAMPLES, ids=[path.parent.name for path in EXAMPLES])
def test_the_examples_follow_the_schema_of_the_standard(manifest: Path) -> None:
    document = yaml.safe_load(odps_text(export_odps(load_manifest(manifest).product)))
    assert errors(document) == []


def test_an_export_passes_the_linter_and_its_contracts_are_found_by_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ALCHEMESH_HOME", str(tmp_path / "home"))
    product(tmp_path)
    assert invoke(["contract", "export", "flights-table", "-o", "flights-table.odcs.yaml"]) == ExitCode.DONE
    assert invoke(["contract", "export", "--format", "odps", "-o", "flights.odps.yaml"]) == ExitCode.DONE
    run = Linted(data_product_file="flights.odps.yaml", all_errors=True, local_references=True).lint()
    assert [(check.name, check.reason) for check in run.checks if check.result != "passed"] == []
    assert len(run.checks) > 1, "the contract was looked for"


@pytest.mark.parametrize(
    "arguments", [["export"], ["export", "flights-table", "--format", "odps"]], ids=["no-port", "port-of-a-product"]
)
def test_a_contract_export_needs_a_port_and_a_product_export_takes_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    product(tmp_path)
    assert invoke(["contract", *arguments]) == ExitCode.USAGE
