"""Inspects one component beyond its spec: its references, models, outputs and cases. Runs in a process of its own."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from alchemesh_platform.base.names import NAME_MAX, NAME_PATTERN
from alchemesh_platform.base.packages.reference import load_reference
from alchemesh_platform.sdk.spec import ComponentSpec, Role

REFERENCE = re.compile(r"[\w.]+:\w+")
MODELS = ("args", "settings", "outputs")
ALWAYS = ("component", *MODELS)  # fields that are references, whatever they hold
PULUMI_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
# https://www.pulumi.com/docs/iac/extending-pulumi/schema/#property
RESERVED = ("id", "urn", "pulumi")

Found = tuple[str, str, str]  # the check, the sentence, and the fix


def inspected(name: str) -> list[Found]:
    """The findings about an installed component whose spec can be loaded."""
    from alchemesh_platform.catalog.discover import discover

    return list(_findings(discover()[name]))


def _findings(spec: ComponentSpec) -> Iterator[Found]:
    yield from _of_names(spec)
    broken = []
    for field, reference in _references(spec).items():
        try:
            loaded = load_reference(reference)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a third-party module may fail in any way
            broken.append(field)
            yield ("references", f"{field} {reference} cannot be loaded: {type(error).__name__}: {error}", _FIX_CODE)
            continue
        if not callable(loaded) and field != "engine":
            broken.append(field)
            yield (
                "references",
                f"{field} {reference} is a {type(loaded).__name__}, expected a class or function",
                _FIX_CODE,
            )
        elif field == "component" and (sentence := _wrong_class(spec, loaded)):
            broken.append(field)
            yield ("references", f"{field} {reference} {sentence}", "set `spec = SPEC` in the class")
    of_models = [found for field in MODELS if field not in broken for found in _of_model(spec, field)]
    yield from of_models
    if not {*MODELS} & {*broken} and not any(check in ("models", "schema") for check, _, _ in of_models):
        yield from _of_package_schema(spec)
    if not {"component", *MODELS} & {*broken}:
        yield from _of_protocols(spec)
        yield from _of_cases(spec)


_FIX_CODE = "correct the reference in the spec, or the module"


def _references(spec: ComponentSpec) -> dict[str, str]:
    """Fields of a spec that refer to something in a module."""
    values = {field.name: getattr(spec, field.name) for field in fields(spec)}
    return {
        name: value
        for name, value in values.items()
        if isinstance(value, str) and (name in ALWAYS or REFERENCE.fullmatch(value))
    }


def _of_names(spec: ComponentSpec) -> Iterator[Found]:
    """The texts that a manifest, a platform file or a range compares."""
    from packaging.version import Version

    for field, name in (("name", spec.name), ("component_type", spec.component_type)):
        if re.fullmatch(NAME_PATTERN, name) is None or len(name) > NAME_MAX:
            expected = f"expected small letters, digits and single hyphens, at most {NAME_MAX}"
            yield ("names", f"{field}: found {name!r}, {expected}", "rename it, for example to columnar-table")
    try:
        Version(spec.version)
    except ValueError:  # also of a number with thousands of digits
        yield (
            "versions",
            f"version: found {spec.version!r}, expected a version such as 1.2.0; it is in no range of a manifest",
            "correct `version` in the spec, or remove it: the version of the package then counts",
        )


def _wrong_class(spec: ComponentSpec, loaded: Any) -> str:
    """The fault of the class of a component, as the end of a sentence; empty if there is none."""
    own = getattr(loaded, "spec", None)
    if not isinstance(own, ComponentSpec):
        return "has no spec, expected that of the component"
    return "" if own.name == spec.name else f"has the spec of {own.name!r}, expected that of the component"


def _of_model(spec: ComponentSpec, field: str) -> Iterator[Found]:
    from pydantic import BaseModel

    reference = getattr(spec, field)
    model: Any = load_reference(reference)
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        yield (
            "models",
            f"{field} {reference} is no pydantic model",
            "derive it from alchemesh_platform.sdk.models.Strict",
        )
        return
    try:
        schema = model.model_json_schema(mode="serialization" if field == "outputs" else "validation")
    except Exception as error:  # noqa: BLE001 - the model's own code may fail in any way
        first = str(error).partition("\n")[0]
        yield (
            "schema",
            f"{field} {reference} has no JSON Schema, so neither an editor nor Pulumi can express it: {first}",
            "use types of JSON: text, numbers, lists, mappings and other models",
        )
        return
    for owner, part in (("", schema), *sorted(schema.get("$defs", {}).items())):
        yield from _of_schema(field, f"{owner}." if owner else "", part)


def _of_schema(field: str, owner: str, schema: Mapping[str, Any]) -> Iterator[Found]:
    from alchemesh_platform.sdk.system.resource import camel_case

    camel: dict[str, str] = {}
    for name, about in schema.get("properties", {}).items():
        shown = f"{field}: field {owner}{name}"
        if not about.get("description") and "const" not in about:
            yield ("descriptions", f"{shown} has no description", 'add `Field(description="…")`')
        if not PULUMI_NAME.fullmatch(name) or (not owner and camel_case(name) in RESERVED):
            yield ("schema", f"{shown} has a name that Pulumi cannot express", "rename the field")
        other = camel.setdefault(camel_case(name), name)
        if other != name:
            yield (
                "schema",
                f"{shown} and {other} are the same property in Pulumi: {camel_case(name)}",
                "rename one of them",
            )


def _of_package_schema(spec: ComponentSpec) -> Iterator[Found]:
    """The schema from which Pulumi generates the classes of other languages."""
    from alchemesh_platform.provider.components.schema import component_schemas

    try:
        component_schemas([spec])
    except Exception as error:  # noqa: BLE001 - it may fail for a model that nobody has thought of
        message = f"Pulumi's package schema cannot express the component: {type(error).__name__}: {error}"
        yield ("schema", message, "rename or simplify the types of its models")


def _of_protocols(spec: ComponentSpec) -> Iterator[Found]:
    known = spec.outputs_model().model_fields
    for protocol in spec.protocols if Role.PROXY in spec.roles else ():
        if protocol not in known:
            yield (
                "outputs",
                f"the spec offers the protocol {protocol!r}, and {spec.outputs} has no field for its address",
                f"add the field, or remove {protocol!r} from `protocols`",
            )


def _of_cases(spec: ComponentSpec) -> Iterator[Found]:
    """Build the component with the arguments of each case, without an engine; outputs must be those of the spec."""
    from alchemesh_platform.catalog.page import component_cases

    cases = component_cases(spec)
    if not cases:
        yield ("cases", "no case.yml next to the component's module, so its outputs are unchecked", "add a case file")
    for case in cases:
        failure = _built_in_a_folder(spec, case) if "outputs" in case else None  # others: objections, observations
        if failure is not None:
            yield ("outputs", f"case {case.get('name')!r}: {failure}", "correct build(), or the model of the outputs")


def _built_in_a_folder(spec: ComponentSpec, case: Mapping[str, Any]) -> str | None:
    """The failure of a build in a new folder with the files of the case."""
    with tempfile.TemporaryDirectory(prefix="alchemesh-case-") as folder:
        for path, text in (case.get("files") or {}).items():
            file = Path(folder, path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        return _built(spec, json.loads(json.dumps(case).replace("{folder}", json.dumps(folder)[1:-1])))


def _built(spec: ComponentSpec, case: Mapping[str, Any]) -> str | None:
    """The failure of a build under Pulumi's mocks."""
    import pulumi

    from alchemesh_platform.base.units import parse_duration
    from alchemesh_platform.sdk.models import SemanticModel, SourceProperty
    from alchemesh_platform.sdk.wiring import Wiring

    wiring = dict(case.get("wiring") or {})
    if "freshness" in wiring:
        wiring["freshness"] = parse_duration(wiring["freshness"])
    if "schema" in wiring:
        wiring["schema"] = {key: SourceProperty.model_validate(each) for key, each in wiring["schema"].items()}
    wiring["models"] = {key: SemanticModel.model_validate(each) for key, each in wiring.get("models", {}).items()}
    wiring["protocols"] = tuple(wiring.get("protocols", ()))

    # The decorator waits for the outputs, which are checked when they are known.
    @pulumi.runtime.test  # type: ignore[untyped-decorator,unused-ignore] # pulumi has no type for it
    def build() -> pulumi.Output[Mapping[str, Any]]:
        args = spec.args_model().model_validate(case.get("args") or {})
        settings = spec.settings_model().model_validate(case.get("settings") or {})
        made = spec.component_class()(case.get("resource_name", "thing"), args, settings, Wiring(**wiring))
        known: pulumi.Output[Mapping[str, Any]] = pulumi.Output.from_input(dict(made.outputs))
        return known.apply(lambda values: spec.outputs_model().model_validate(values).model_dump())

    os.environ.update((case.get("secrets") or {}).get("environment") or {})
    pulumi.runtime.set_mocks(_mocks(case.get("computed") or {}), project="aviation.flights", stack="local")
    try:
        build()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a component may fail in any way
        return f"{type(error).__name__}: {' '.join(str(error).split())}"
    return None


def _mocks(computed: Mapping[str, Mapping[str, Any]]) -> Any:
    import pulumi

    class Answers(pulumi.runtime.Mocks):
        """Answers with the inputs of each resource, and the outputs that the case computes."""

        def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
            return f"{args.name}-id", {**args.inputs, **computed.get(args.typ, {})}

        def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
            return {}, None

    return Answers()
