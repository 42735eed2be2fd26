"""The JSON Schema: an editor accepts what `validate` accepts, and marks what it refuses."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from alchemesh_platform.catalog.manifest_schema import manifest_schema
from alchemesh_platform.documents.yaml_source import parse
from alchemesh_platform.manifest.load import load_manifest
from alchemesh_platform.manifest.starter import starter
from alchemesh_platform.platform_file.builtin import LOCAL_COMPONENTS
from tests.builtin import ROOT, builtin_catalog
from tests.manifest.documents import COMPLETE

LOCAL = [spec for spec in builtin_catalog().values() if spec.name in LOCAL_COMPONENTS.values()]
SCHEMA = manifest_schema(LOCAL)
EVERYTHING = manifest_schema(builtin_catalog().values())
EXAMPLES = sorted((ROOT / "examples").glob("*/alchemesh.yaml"))
LOCAL_EXAMPLES = [path for path in EXAMPLES if path.parent.name != "departures"]  # which is for Google Cloud alone


def mistakes(document: Any) -> list[str]:
    return [error.message for error in Draft202012Validator(SCHEMA).iter_errors(document)]


def changed(*path: str | int, to: Any) -> dict[str, Any]:
    """The complete manifest with one value changed."""
    document = copy.deepcopy(COMPLETE)
    document["input_ports"][0]["args"] = {"path": "data/*.csv", "format": "csv"}
    *parents, last = path
    owner: Any = document
    for step in parents:
        owner = owner[step]
    owner[last] = to
    return document


def test_schema_is_one_of_its_draft() -> None:
    assert SCHEMA["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
    Draft202012Validator.check_schema(SCHEMA)
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA


@pytest.mark.parametrize("schema", [SCHEMA, EVERYTHING], ids=["local", "whole catalogue"])
def test_every_reference_resolves(schema: dict[str, Any]) -> None:
    text = json.dumps(schema)
    referred = {part.partition('"')[0] for part in text.split('"$ref": "#/$defs/')[1:]}
    assert referred <= set(schema["$defs"])
    assert set(schema["$defs"]) <= referred, "definitions that nothing refers to"


@pytest.mark.parametrize("path", LOCAL_EXAMPLES, ids=lambda path: path.parent.name)
def test_examples_pass(path: Path) -> None:
    tree, _ = parse(path.read_text(), "alchemesh.yaml")
    assert mistakes(tree.plain()) == []
    load_manifest(path)


def test_starter_passes() -> None:
    tree, _ = parse(starter("orders", "sales"), "alchemesh.yaml")
    assert mistakes(tree.plain()) == []


def test_complete_manifest_passes() -> None:
    assert mistakes(changed("description", to="Every departure.")) == []


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (changed("lifecycel", to="stable"), "'lifecycel' was unexpected"),
        (changed("name", to="Flights"), "does not match"),
        (changed("lifecycle", to="stabel"), "'stabel' is not one of"),
        (changed("input_ports", 0, "component", to="file-ingestoin"), "'file-ingestoin' is not one of"),
        (changed("input_ports", 0, "component", to="object-storage"), "'object-storage' is not one of"),
        (changed("infrastructure", 0, "component", to="columnar-table"), "'columnar-table' is not one of"),
        (changed("code", "component", to="data-api"), "is not valid under any of the given schemas"),
        (changed("input_ports", 0, "args", to={"path": "x"}), "'format' is a required property"),
        (changed("input_ports", 0, "args", "formt", to="csv"), "'formt' was unexpected"),
        (changed("input_ports", 0, "args", "format", to="xml"), "'xml' is not one of"),
        (changed("input_ports", 0, to={"name": "a", "from": {"source_system": "b"}}), "'component' is a required"),
        (changed("input_ports", 1, "args", to={"any": 1}), "'any' was unexpected"),
        (changed("input_ports", 1, "from", to={"product": "a/b"}), "is not valid under any of the given schemas"),
        (changed("output_ports", 0, "storage", "args", to={"keep_on_destroy": "no"}), "'no' is not of type 'boolean'"),
        (changed("output_ports", 0, "proxy", "protocols", to=["odata"]), "is not valid under any of the given"),
        (changed("output_ports", 0, "contract", to=3), "is not valid under any of the given schemas"),
        (changed("models", "flight", "properties", to={}), "should be non-empty"),
    ],
)
def test_mistake_is_marked(document: dict[str, Any], said: str) -> None:
    assert any(said in mistake for mistake in mistakes(document)), mistakes(document)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name)
def test_examples_pass_where_several_components_implement_a_type(path: Path) -> None:
    tree, _ = parse(path.read_text(), "alchemesh.yaml")
    assert [error.message for error in Draft202012Validator(EVERYTHING).iter_errors(tree.plain())] == []


def test_contract_may_be_a_file() -> None:
    assert mistakes(changed("output_ports", 0, "contract", to="contracts/table.yaml")) == []


def test_arguments_are_described_and_called_after_their_component() -> None:
    arguments = SCHEMA["$defs"]["local-files-args"]
    assert arguments["title"] == "Arguments of file-ingestion"
    assert all(field["description"] for field in arguments["properties"].values())


def test_components_of_a_place_are_those_of_its_role() -> None:
    uses = ("StorageUse", "CodeUse", "ProxyUse")
    places = {name: SCHEMA["$defs"][name]["properties"]["component"]["else"] for name in uses}
    assert places["StorageUse"]["enum"] == ["columnar-table", "object-storage", "streaming-topic"]
    assert places["CodeUse"]["enum"] == ["airflow-dag", "dagster-job", "kestra-flow", "python-job", "spark-job"]
    assert len(places["ProxyUse"]["enumDescriptions"]) == len(places["ProxyUse"]["enum"])


def test_component_type_may_have_a_range_of_versions() -> None:
    storage = ("output_ports", 0, "storage", "component")
    assert mistakes(changed(*storage, to="columnar-table@>=1.2,<3")) == []
    assert mistakes(changed(*storage, to="columnar-tabel@^1")) != []
    assert mistakes(changed(*storage, to="columnar-table@latest")) != []
    document = changed("input_ports", 0, "component", to="file-ingestion@^1")
    document["input_ports"][0]["args"]["formt"] = "csv"
    assert "'formt' was unexpected" in str(mistakes(document)), "arguments are checked with a range too"


@pytest.mark.parametrize("name", sorted(EVERYTHING["$defs"]))
def test_a_default_is_valid_in_a_manifest(name: str) -> None:
    """Durations once had the defaults of pydantic, such as PT1H, which an editor wrote and `validate` refused."""
    whole = {"$defs": EVERYTHING["$defs"]}
    for key, value in EVERYTHING["$defs"][name].get("properties", {}).items():
        if "default" in value:
            errors = Draft202012Validator({**whole, **value}).iter_errors(value["default"])
            assert not list(errors), f"{name}.{key}: {value['default']!r}"


def test_the_schema_of_an_overlay_requires_only_names() -> None:
    """An editor once marked every overlay, since the manifest's schema requires its kind, name and ports."""
    from alchemesh_platform.catalog.discover import discover
    from alchemesh_platform.catalog.manifest_schema import overlay_schema

    validator = Draft202012Validator(overlay_schema(discover().loaded()[0]))
    port = {"name": "sales", "args": {"path": "gs://acme-sales/"}}
    assert list(validator.iter_errors({"input_ports": [port], "code": {"args": {"schedule": "0 * * * *"}}})) == []
    assert [error.message for error in validator.iter_errors({"input_ports": [{"args": {}}]})] == [
        "'name' is a required property"
    ]
    assert list(validator.iter_errors({"input_port": []})) != []
