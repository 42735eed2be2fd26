"""The package schema for Pulumi's tools, generated from the models of the handlers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from alchemesh_platform import __version__
from alchemesh_platform.provider.components.schema import LeftOut, component_schemas
from alchemesh_platform.provider.components.types import ComponentTypes
from alchemesh_platform.provider.handler import PACKAGE, Handler, Handlers

# Options of the generated SDKs. A program's SDK requires the plugin of its own version.
LANGUAGES: dict[str, Any] = {
    "nodejs": {"respectSchemaVersion": True, "packageName": f"@{PACKAGE}/{PACKAGE}"},
    "go": {
        "respectSchemaVersion": True,
        "importBasePath": f"github.com/{PACKAGE}/{PACKAGE}-platform/sdk/go/{PACKAGE}",
        "rootPackageName": PACKAGE,
    },
}
_ANYTHING = {"$ref": "pulumi.json#/Any"}


def package_schema_json(
    handlers: Handlers, components: ComponentTypes | None = None, left_out: LeftOut | None = None
) -> str:
    """The package schema as JSON. Source: https://www.pulumi.com/docs/iac/extending-pulumi/schema/"""
    return json.dumps(package_schema(handlers, components, left_out))


def package_schema(
    handlers: Handlers, components: ComponentTypes | None = None, left_out: LeftOut | None = None
) -> dict[str, Any]:
    """The package schema of the resources, and of the components for programs in other languages.

    Args:
        left_out: Receives each component whose models have no schema, with the error.
    """
    types: dict[str, Any] = {}
    resources = {pulumi_type: _resource(handler, types) for pulumi_type, handler in handlers.usable()}
    if components is not None:
        more_types, more_resources = component_schemas((spec for _, spec in components.usable()), left_out)
        types |= more_types
        resources |= more_resources
    registry = {"type": "string", "description": "Address of the registry.", "secret": True}
    delete_data = {"type": "boolean", "description": "Whether data is deleted with its resource."}
    settings = {"registry": registry, "deleteData": delete_data}
    return {
        "name": PACKAGE,
        "displayName": "Alchemesh",
        "version": __version__,
        "description": "Records of the data mesh, the embedded local platform, and dataflows of Apache NiFi.",
        "license": "Apache-2.0",
        "meta": {"moduleFormat": "(.*)"},
        "config": {"variables": settings},
        "provider": {"inputProperties": settings},
        "types": types,
        "resources": resources,
        "language": LANGUAGES,
    }


def _resource(handler: Handler[Any, Any], types: dict[str, Any]) -> dict[str, Any]:
    module = handler.pulumi_type.rpartition(":")[0]
    inputs = _object(handler.inputs, "validation", module, types)
    outputs = _object(handler.outputs, "serialization", module, types)
    # An output takes precedence over an input of the same name: an optional port is known once the server runs.
    required = [name for name in inputs["required"] if name not in outputs["properties"]]
    return {
        "description": handler.summary,
        "inputProperties": inputs["properties"],
        "requiredInputs": inputs["required"],
        "properties": {**inputs["properties"], **outputs["properties"]},
        "required": sorted({*required, *outputs["required"]}),
    }


def _object(model: type[BaseModel], mode: Any, module: str, types: dict[str, Any]) -> dict[str, Any]:
    document = model.model_json_schema(by_alias=True, mode=mode)
    for name, definition in document.get("$defs", {}).items():
        types.setdefault(f"{module}:{name}", _definition(definition, module))
    return _properties(document, module)


def _definition(definition: Mapping[str, Any], module: str) -> dict[str, Any]:
    if "enum" in definition:
        values = [{"value": value} for value in definition["enum"]]
        return {"type": "string", "description": definition.get("description", ""), "enum": values}
    found = _properties(definition, module)
    return {"type": "object", "description": definition.get("description", ""), **found}


def _properties(document: Mapping[str, Any], module: str) -> dict[str, Any]:
    properties = document.get("properties", {})
    return {
        "properties": {name: _property(found, module) for name, found in properties.items()},
        "required": sorted(name for name in document.get("required", []) if not _nullable(properties[name])),
    }


def _property(found: Mapping[str, Any], module: str) -> dict[str, Any]:
    kind = _type(found, module)
    if "description" in found:
        kind["description"] = found["description"]
    default = found.get("default")
    if isinstance(default, bool | int | float | str):
        kind["default"] = default
    return kind


def _type(found: Mapping[str, Any], module: str) -> dict[str, Any]:
    if "$ref" in found:
        return {"$ref": f"#/types/{module}:{found['$ref'].rpartition('/')[2]}"}
    if "anyOf" in found:
        members = [_type(member, module) for member in found["anyOf"] if member.get("type") != "null"]
        return members[0] if len(members) == 1 else {"oneOf": members}
    kind = found.get("type")
    if kind == "array":
        return {"type": "array", "items": _type(found.get("items", {}), module)}
    if kind == "object":
        extra = found.get("additionalProperties")
        return {
            "type": "object",
            "additionalProperties": _type(extra, module) if isinstance(extra, dict) else _ANYTHING,
        }
    return {"type": kind} if kind in ("string", "integer", "number", "boolean") else dict(_ANYTHING)


def _nullable(found: Mapping[str, Any]) -> bool:
    return any(member.get("type") == "null" for member in found.get("anyOf", []))
