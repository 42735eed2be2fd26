"""Every component of the catalogue against its case file: these arguments give these resources and outputs."""

from __future__ import annotations

import dataclasses
import importlib.util
import re
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pydantic import TypeAdapter

from alchemesh_platform.base.reference import load_reference
from alchemesh_platform.base.units import parse_duration
from alchemesh_platform.catalog.discover import discover
from alchemesh_platform.manifest.models import SemanticModel, SourceProperty
from alchemesh_platform.sdk.cloud_object import HeldObject
from alchemesh_platform.sdk.code_identity import CodeIdentity
from alchemesh_platform.sdk.consumer import Consumer
from alchemesh_platform.sdk.spec import ComponentSpec, Role
from alchemesh_platform.sdk.wiring import Wiring
from tests.cases import read_yaml

CATALOG = discover()
REFERENCE = re.compile(r"[\w.]+:\w+")


def cases_of(spec: ComponentSpec) -> list[dict[str, Any]]:
    """The cases next to a component's spec."""
    # Found and not imported: the components' modules import the SDKs of clouds.
    module = importlib.util.find_spec(spec.component.partition(":")[0])
    assert module is not None and module.origin is not None, spec.component
    file = Path(module.origin).with_name("case.yml")
    assert file.is_file(), f"{spec.name} has no case.yml beside its component"
    cases: list[dict[str, Any]] = read_yaml(file)["cases"]
    assert cases, f"{file} has no case"
    return cases


CASES = [(name, case) for name in sorted(CATALOG) for case in cases_of(CATALOG[name])]


def in_order(resources: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Sorted by type and name: a component declares a resource once its inputs are known, so the order varies."""
    return sorted(resources, key=lambda resource: (resource["type"], resource["name"]))


@pytest.fixture(autouse=True)
def _a_value_for_each_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set a value for each secret in the settings of a case."""
    monkeypatch.setenv("KAFKA_PASSWORD", "of-the-platform")


class Recorder(pulumi.runtime.Mocks):
    """Replaces the engine: keeps each declared resource, and answers with the outputs of the case."""

    def __init__(self, computed: dict[str, dict[str, Any]]) -> None:
        self.computed = computed
        self.declared: list[dict[str, Any]] = []

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        inputs = {key: value for key, value in args.inputs.items() if value is not None}
        if args.custom:
            self.declared.append({"type": args.typ, "name": args.name, "inputs": inputs})
        return f"{args.name}-id", {**inputs, **self.computed.get(args.typ, {})}

    def call(self, args: pulumi.runtime.MockCallArgs) -> dict[str, Any]:
        return {}


@pytest.mark.parametrize(("name", "case"), CASES, ids=[f"{name}: {case['name']}" for name, case in CASES])
def test_arguments_give_resources_and_outputs(name: str, case: dict[str, Any]) -> None:
    recorder = Recorder(case.get("computed", {}))
    pulumi.runtime.set_mocks(recorder, project="aviation.flights", stack="local")
    spec = CATALOG[name]
    wiring = dict(case.get("wiring", {}))
    if "freshness" in wiring:
        wiring["freshness"] = parse_duration(wiring["freshness"])
    models = {key: SemanticModel.model_validate(model) for key, model in wiring.pop("models", {}).items()}
    if "schema" in wiring:
        wiring["schema"] = {key: SourceProperty.model_validate(each) for key, each in wiring["schema"].items()}
    outputs: dict[str, Any] = {}

    @pulumi.runtime.test
    def declare() -> pulumi.Output[None]:
        component = spec.component_class()(
            case.get("resource_name", "thing"),
            spec.args_model().model_validate(case.get("args", {})),
            spec.settings_model().model_validate(case.get("settings", {})),
            Wiring(**{**wiring, "protocols": tuple(wiring.get("protocols", ()))}, models=models),
        )
        if "admit" in case:
            component.admit(CodeIdentity(**case["admit"]))
        if "grant" in case:
            component.grant(TypeAdapter(Consumer).validate_python(case["grant"]))
        return pulumi.Output.from_input(dict(component.outputs)).apply(outputs.update)

    declare()
    assert in_order(recorder.declared) == in_order(case["resources"])
    assert outputs == case["outputs"]
    spec.outputs_model().model_validate(outputs)


DATA_TYPES = {
    "gcp:storage/bucket:Bucket",
    "gcp:bigquery/dataset:Dataset",
    "gcp:bigquery/table:Table",
    "gcp:pubsub/topic:Topic",
    "gcp:secretmanager/secret:Secret",
}


@pytest.mark.parametrize(("name", "case"), CASES, ids=[f"{name}: {case['name']}" for name, case in CASES])
def test_the_objects_that_hold_data_are_those_that_the_component_creates(name: str, case: dict[str, Any]) -> None:
    spec = CATALOG[name]
    if not spec.stateful or Role.PLATFORM in spec.roles:
        assert spec.holds is None, f"{name} holds no data of a product"
        return
    created = [resource for resource in case["resources"] if resource["type"] in DATA_TYPES]
    held: list[HeldObject] = []
    if spec.holds is not None:
        wiring = dict(case.get("wiring", {}))
        models = {key: SemanticModel.model_validate(model) for key, model in wiring.pop("models", {}).items()}
        args = spec.args_model().model_validate(case.get("args", {}))
        settings = spec.settings_model().model_validate(case.get("settings", {}))
        held = list(load_reference(spec.holds)(args, settings, Wiring(**wiring, models=models)))
    assert {(one.type, f"{case.get('resource_name', 'thing')}-{one.name}") for one in held} == {
        (resource["type"], resource["name"]) for resource in created
    }
    for one in held:
        [resource] = [each for each in created if each["name"].endswith(f"-{one.name}") and each["type"] == one.type]
        assert one.inputs.items() <= resource["inputs"].items()


def references_of(spec: ComponentSpec) -> dict[str, str]:
    """Fields of a spec that refer to something in a module: ``"module:name"``."""
    values = {field.name: getattr(spec, field.name) for field in dataclasses.fields(spec)}
    return {name: value for name, value in values.items() if isinstance(value, str) and REFERENCE.fullmatch(value)}


def test_every_kind_of_reference_is_in_use() -> None:
    """The test below checks a kind only if a component uses it."""
    used = {field for spec in CATALOG.values() for field in references_of(spec)}
    assert used == {"component", "args", "settings", "outputs", "observe", "run", "check", "holds", "infer", "look"}


@pytest.mark.parametrize("name", sorted(CATALOG))
def test_references_of_the_spec_resolve(name: str) -> None:
    spec = CATALOG[name]
    assert spec.name == name
    references = references_of(spec)
    assert references.keys() >= {"component", "args", "settings", "outputs"}
    for field, reference in references.items():
        assert callable(load_reference(reference)), f"{field}: {reference}"
    assert spec.component_class().spec is spec


@pytest.mark.parametrize("name", sorted(CATALOG))
def test_every_field_is_described_and_unknown_ones_are_refused(name: str) -> None:
    spec = CATALOG[name]
    for model in (spec.args_model(), spec.settings_model()):
        assert model.model_config.get("extra") == "forbid"
        assert model.model_config.get("frozen") is True
    for field, info in spec.args_model().model_fields.items():
        assert info.description, f"{name}: argument {field} has no description"


def test_each_storage_provides_a_form_and_each_proxy_serves_forms_that_exist() -> None:
    forms = {spec.provides for spec in CATALOG.values() if Role.STORAGE in spec.roles}
    assert None not in forms
    for spec in CATALOG.values():
        if Role.PROXY in spec.roles:
            assert spec.serves, spec.name
            assert set(spec.serves) <= forms, spec.name
