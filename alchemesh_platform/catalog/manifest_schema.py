"""The JSON Schema of the manifest, with the arguments of every component, for completion and checks in an editor."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pydantic.json_schema import models_json_schema

from alchemesh_platform.base.packages.ranges import RANGE
from alchemesh_platform.documents.json_schema import WrittenSchema
from alchemesh_platform.manifest.models import PRODUCT_INPUT_TYPE, DataProduct
from alchemesh_platform.sdk.spec import ComponentSpec, Role

DIALECT = "https://json-schema.org/draft/2020-12/schema"

# Each role, and the definition of the model that names a component in that role.
_ASKED_BY = {
    Role.INPUT_PORT: "InputPort",
    Role.INFRASTRUCTURE: "InfrastructureNeed",
    Role.PROXY: "ProxyUse",
}
# Definitions of ComponentUse, which two places of different roles share, one for each.
_USED_IN = {Role.STORAGE: ("OutputPort", "storage"), Role.CODE: ("DataProduct", "code")}

FOUNDATIONS = {Role.PLATFORM, Role.DOMAIN}  # shared stacks; manifests do not name them


def manifest_schema(specs: Iterable[ComponentSpec]) -> dict[str, Any]:
    """The JSON Schema of a manifest, draft 2020-12.

    Args:
        specs: The components whose types and arguments the manifest may use.
    """
    in_products = (spec for spec in specs if not FOUNDATIONS.issuperset(spec.roles))
    catalog = sorted(in_products, key=lambda spec: (spec.component_type, spec.name))
    models = {spec.name: spec.args_model() for spec in catalog}
    distinct = list(dict.fromkeys(models.values()))
    references, schema = models_json_schema(
        [(DataProduct, "validation"), *((model, "validation") for model in distinct)],
        by_alias=True,
        schema_generator=WrittenSchema,
    )
    definitions: dict[str, Any] = schema["$defs"]
    args = {name: references[model, "validation"] for name, model in models.items()}
    for spec in catalog:
        _call(schema, args, spec)
    _contract_files(definitions)
    for role, name in _ASKED_BY.items():
        definitions[name] = _asking(definitions[name], role, catalog, args)
    for role, (owner, key) in _USED_IN.items():
        name = f"{role.value.capitalize()}Use"
        definitions[name] = _asking(definitions["ComponentUse"], role, catalog, args)
        _point(definitions[owner]["properties"][key], name)
    definitions.pop("ComponentUse")
    product = definitions.pop("DataProduct")
    return {
        "$schema": DIALECT,
        **product,
        "title": "Alchemesh data product",
        "$defs": dict(sorted(definitions.items())),
    }


def overlay_schema(specs: Iterable[ComponentSpec]) -> dict[str, Any]:
    """The JSON Schema of an overlay, which holds only the differences: nothing is required but the name in a list."""
    schema: dict[str, Any] = _optional(manifest_schema(specs))
    for name in ("InputPort", "InfrastructureNeed", "OutputPort"):
        schema["$defs"][name]["required"] = ["name"]
    for condition in schema["$defs"]["InputPort"].get("allOf", ()):
        if "from" in condition["if"].get("properties", {}):
            condition["if"] = {**condition["if"], "required": ["from"]}  # an overlay seldom repeats the origin
    return {**schema, "title": "Alchemesh data product: overlay"}


def _optional(schema: Any) -> Any:
    """A schema without required keys. Conditions stay as they are."""
    if isinstance(schema, list):
        return [_optional(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: part for key, part in schema.items() if key != "required" or not isinstance(part, list)}
    return {key: part if key == "if" else _optional(part) for key, part in kept.items()}


def _asking(
    definition: dict[str, Any], role: Role, catalog: list[ComponentSpec], args: dict[str, Any]
) -> dict[str, Any]:
    """A definition with the component types of a role, and the arguments of each."""
    fitting = [spec for spec in catalog if role in spec.roles]
    by_type: dict[str, list[ComponentSpec]] = {}
    for spec in fitting:
        by_type.setdefault(spec.component_type, []).append(spec)
    component = {
        "description": definition["properties"]["component"]["description"],
        "type": "string",
        "if": {"pattern": "@"},
        "then": {"pattern": f"^({'|'.join(by_type)})@{RANGE}$"},
        "else": {
            "enum": list(by_type),
            # Not part of the standard, ignored by validators: the description that editors show for each choice.
            "enumDescriptions": [implementing[0].summary for implementing in by_type.values()],
        },
    }
    conditions = [
        _when({"properties": {"component": _is_type(name)}, "required": ["component"]}, implementing, args)
        for name, implementing in by_type.items()
    ]
    asking = {**definition, "properties": {**definition["properties"], "component": component}}
    if role is Role.INPUT_PORT:
        from_product = {"properties": {"from": {"required": ["data_product"]}}}
        of_products = by_type.get(PRODUCT_INPUT_TYPE, [])
        conditions += [
            {"if": from_product, "else": {"required": ["component"]}},
            _when({**from_product, "not": {"required": ["component"]}}, of_products, args),
        ]
    return {**asking, "allOf": conditions} if conditions else asking


def _is_type(name: str) -> dict[str, Any]:
    """A component type, with or without a range of versions."""
    return {"pattern": f"^{name}(@|$)"}


def _when(condition: dict[str, Any], implementing: list[ComponentSpec], args: dict[str, Any]) -> dict[str, Any]:
    """Under a condition, the arguments are those of one of the components that implement the type."""
    taken = [args[spec.name] for spec in implementing]
    of_args: dict[str, Any] = {"properties": {"args": taken[0] if len(taken) == 1 else {"anyOf": taken}}}
    if implementing and all(_required(spec) for spec in implementing):
        of_args["required"] = ["args"]
    return {"if": condition, "then": of_args}


def _required(spec: ComponentSpec) -> bool:
    return any(field.is_required() for field in spec.args_model().model_fields.values())


def _contract_files(definitions: dict[str, Any]) -> None:
    """A contract may also be the path of a file."""
    contract = definitions["OutputPort"]["properties"]["contract"]
    contract["anyOf"] = [
        *contract["anyOf"],
        {
            "type": "string",
            "description": "Path of a YAML file that holds the contract, in the folder of the manifest.",
        },
    ]


def _call(schema: dict[str, Any], args: dict[str, Any], spec: ComponentSpec) -> None:
    """Name the definition of a component's arguments after the component, since the model is often just called Args."""
    before, after = args[spec.name]["$ref"], f"#/$defs/{spec.name}-args"
    definition = schema["$defs"].pop(before.rpartition("/")[2], None)
    if definition is not None:
        schema["$defs"][after.rpartition("/")[2]] = {**definition, "title": f"Arguments of {spec.component_type}"}
    for reference in (*_references(schema), *args.values()):
        if reference["$ref"] == before:
            reference["$ref"] = after


def _references(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema
        for part in schema.values():
            yield from _references(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from _references(part)


def _point(schema: dict[str, Any], name: str) -> None:
    """Make a property refer to another definition. If null is allowed, it stays allowed."""
    reference = {"$ref": f"#/$defs/{name}"}
    if "anyOf" in schema:
        schema["anyOf"] = [reference if "$ref" in part else part for part in schema["anyOf"]]
    else:
        schema["$ref"] = reference["$ref"]
