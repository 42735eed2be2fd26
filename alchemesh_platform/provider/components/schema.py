"""The components in the package schema, generated from the models of their arguments, settings and outputs.

Pulumi's own inference knows neither literals, unions, tuples nor annotated types. A JSON Schema of pydantic has them
all, and this module translates it. Source: https://www.pulumi.com/docs/iac/extending-pulumi/schema/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pydantic import BaseModel

from alchemesh_platform.provider.components.inputs import inputs_model
from alchemesh_platform.provider.components.names import values_of
from alchemesh_platform.provider.components.types import MODULE, token_of
from alchemesh_platform.sdk.spec import ComponentSpec
from alchemesh_platform.sdk.system.resource import camel_case

CONNECTION = "connection"  # the output that contains all others, for the wiring of other components
SECRET_MARK = "x-secret"  # noqa: S105 - mark of a secret property in the JSON Schema of a model

_SETTINGS = "Settings"  # the name of most components' model of settings
_ANYTHING = {"$ref": "pulumi.json#/Any"}
_SIMPLE = ("string", "integer", "number", "boolean")

Definition = Mapping[str, Any]


class Types:
    """The named types that components share, collected while their properties are translated."""

    def __init__(self) -> None:
        self.found: dict[str, dict[str, Any]] = {}
        self._sources: dict[str, Definition] = {}

    def copy(self) -> Types:
        """The same types, to which others can be added."""
        copied = Types()
        copied.found, copied._sources = dict(self.found), dict(self._sources)
        return copied

    def inputs(self, spec: ComponentSpec) -> tuple[dict[str, Any], list[str]]:
        """The input properties of a component, and the required ones."""
        return self._properties(inputs_model(spec), spec, "validation")

    def outputs(self, spec: ComponentSpec) -> tuple[dict[str, Any], list[str]]:
        """The output properties of a component, and those that always have a value."""
        properties, required = self._properties(spec.outputs_model(), spec, "serialization")
        whole = {
            "type": "object",
            "additionalProperties": _ANYTHING,
            "description": "All outputs in one value, for the `wiring` of other components: the `storage` of a proxy.",
        }
        return {**properties, CONNECTION: whole}, sorted([*required, CONNECTION])

    def _properties(self, model: type[BaseModel], spec: ComponentSpec, mode: Any) -> tuple[dict[str, Any], list[str]]:
        document = model.model_json_schema(by_alias=True, mode=mode)
        return _Translation(self, spec, document, mode).properties(document, _pascal(spec.name))

    def name(self, wanted: str, owner: str, source: Definition) -> tuple[str, bool]:
        """The name of a type, with that of its component if another type has its name; and whether it is new."""
        for name in (wanted, owner + wanted):
            if name not in self._sources or self._sources[name] == source:
                new = name not in self._sources
                self._sources[name] = source
                return name, new
        raise ValueError(f"two types of {owner} are named {wanted}")


class _Translation:
    """Translates the JSON Schema of one model."""

    def __init__(self, types: Types, spec: ComponentSpec, document: Definition, mode: str) -> None:
        self.types = types
        self.owner = _pascal(spec.name)
        self.definitions: Mapping[str, Definition] = document.get("$defs", {})
        self.suffix = "" if mode == "validation" else "Output"

    def properties(self, schema: Definition, context: str) -> tuple[dict[str, Any], list[str]]:
        known: Mapping[str, Definition] = schema.get("properties", {})
        properties = {camel_case(name): self._property(found, context + _pascal(name)) for name, found in known.items()}
        required = [camel_case(name) for name in schema.get("required", ()) if not _nullable(known[name])]
        return properties, sorted(required)

    def _property(self, found: Definition, context: str) -> dict[str, Any]:
        kind = self._type(found, context)
        default = found.get("default")
        # A default in the schema would become a value that every program sends. The component fills in its defaults.
        has_default = not self.suffix and isinstance(default, bool | int | float | str) and default != ""
        told = f"Default: `{_text(default)}`." if has_default else ""
        description = " ".join(part for part in (found.get("description", ""), told) if part)
        return {**kind, **({"description": description} if description else {}), **_secret(found)}

    def _type(self, found: Definition, context: str) -> dict[str, Any]:
        if "$ref" in found:
            return self._reference(found["$ref"].rpartition("/")[2])
        members = [m for m in (*found.get("anyOf", ()), *found.get("oneOf", ())) if m.get("type") != "null"]
        if members:
            return _union([self._type(member, context) for member in members])
        if "const" in found or "enum" in found:
            return self._enumeration(found, context)
        kind = found.get("type")
        if kind == "array":
            items = found.get("items") or _shared(found.get("prefixItems", ()))
            return {"type": "array", "items": self._type(items, context.removesuffix("s"))}
        if kind == "object":
            return {"type": "object", "additionalProperties": self._type(values_of(found), context)}
        return {"type": kind} if kind in _SIMPLE else dict(_ANYTHING)

    def _reference(self, name: str) -> dict[str, Any]:
        definition = self.definitions[name]
        if definition.get("type") not in ("object", "string") or not (
            "properties" in definition or "enum" in definition
        ):
            return self._type(definition, _pascal(name))
        source = {
            "of": definition,
            "in": {n: self.definitions[n] for n in sorted(_below(definition, self.definitions))},
        }
        wanted = self.owner + name if name == _SETTINGS else _pascal(name)
        named, new = self.types.name(wanted + self.suffix, self.owner, source)
        if new:
            described = {"description": definition.get("description", "").partition("\n\n")[0]}
            if "enum" in definition:
                self.types.found[f"{MODULE}:{named}"] = {**described, **_values(definition["enum"])}
            else:
                self.types.found[f"{MODULE}:{named}"] = {}  # a type may contain itself
                properties, required = self.properties(definition, named)
                made = {"type": "object", **described, "properties": properties, "required": required}
                self.types.found[f"{MODULE}:{named}"] = made
        return {"$ref": f"#/types/{MODULE}:{named}"}

    def _enumeration(self, found: Definition, context: str) -> dict[str, Any]:
        values = [found["const"]] if "const" in found else found["enum"]
        if not all(isinstance(value, str) for value in values):
            return {"type": found.get("type", "string")}
        if self.suffix:  # an output: a program compares it with a text
            return {"type": "string"}
        named, new = self.types.name(context, self.owner, {"enum": values})
        if new:
            self.types.found[f"{MODULE}:{named}"] = _values(values)
        return {"$ref": f"#/types/{MODULE}:{named}"}


LeftOut = Callable[[ComponentSpec, Exception], object]


def component_schemas(
    specs: Iterable[ComponentSpec], left_out: LeftOut | None = None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The types and resources of components in a package schema.

    Args:
        left_out: Receives each component whose models have no schema, with the error. The schema lacks it then; without
            the function, the error is raised.
    """
    types = Types()
    resources = {}
    for spec in specs:
        before = types.copy()
        try:
            inputs, required_inputs = types.inputs(spec)
            outputs, required = types.outputs(spec)
        except Exception as error:
            if left_out is None:
                raise
            left_out(spec, error)
            types = before
            continue
        resources[token_of(spec)] = {
            "isComponent": True,
            "description": f"{spec.summary}\n\nComponent `{spec.name}` {spec.version}, {spec.maturity}.",
            "inputProperties": inputs,
            "requiredInputs": required_inputs,
            "properties": outputs,
            "required": required,
            **({"deprecationMessage": f"{spec.name} is deprecated"} if spec.maturity == "deprecated" else {}),
        }
    return types.found, resources


def _union(members: list[dict[str, Any]]) -> dict[str, Any]:
    different = [member for at, member in enumerate(members) if member not in members[:at]]
    return different[0] if len(different) == 1 else {"oneOf": different}


def _values(values: Iterable[str]) -> dict[str, Any]:
    used: dict[str, int] = {}
    named = []
    for value in values:
        name = _pascal(value) or "Empty"
        name = name if name[0].isalpha() else f"Value{name}"
        used[name] = used.get(name, 0) + 1
        named.append({"name": name if used[name] == 1 else f"{name}{used[name]}", "value": value})
    return {"type": "string", "enum": named}


def _shared(items: Iterable[Definition]) -> Definition:
    """The type of all items of a tuple, or anything."""
    different = list({str(item): item for item in items}.values())
    return different[0] if len(different) == 1 else {}


def _below(definition: Any, definitions: Mapping[str, Definition]) -> set[str]:
    """Names of the definitions that a definition refers to, directly or not."""
    found: set[str] = set()
    waiting = [definition]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Mapping):
            name = str(part.get("$ref", "")).rpartition("/")[2]
            if name in definitions and name not in found:
                found.add(name)
                waiting.append(definitions[name])
            waiting.extend(part.values())
        elif isinstance(part, list | tuple):
            waiting.extend(part)
    return found


def _nullable(found: Definition) -> bool:
    return any(member.get("type") == "null" for member in found.get("anyOf", ()))


def _secret(found: Definition) -> dict[str, Any]:
    return {"secret": True} if found.get(SECRET_MARK) or found.get("format") == "password" else {}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _pascal(text: str) -> str:
    """``keep_on_destroy`` as ``KeepOnDestroy``; characters that names cannot have are left out."""
    return "".join(word[:1].upper() + word[1:] for word in re.split(r"[^A-Za-z0-9]+", text))
