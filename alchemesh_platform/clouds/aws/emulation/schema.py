"""The resource types of `aws-native`, by the schemas of CloudFormation that the real provider is generated from.

Names of properties differ: Pulumi's are `roleName`, CloudFormation's `RoleName`. The schemas are files of cfn-lint, in
the environment of MiniStack, so that every type is known, and no table is needed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from alchemesh_platform.provider.handler import NotDone
from alchemesh_platform.provider.values import UNKNOWN, Secret

PACKAGE = "aws-native"
_REGION = "us-east-1"  # has the types of every region
_TOKEN = re.compile(rf"{PACKAGE}:(?P<service>\w+):(?P<type>\w+)")
_RESERVED = {"id": "awsId", "urn": "awsUrn"}  # outputs that every resource of Pulumi has itself

Schema = Mapping[str, Any]
Path_ = tuple[str, ...]
Rename = Callable[[Mapping[str, Schema]], dict[str, str]]


@cache
def sdk_name(name: str) -> str:
    """Pulumi's name of a property: ``kmsMasterKeyId`` for ``KMSMasterKeyID``.

    Source: provider/pkg/naming/naming.go of pulumi-aws-native: only the first letter of an acronym stays large, and the
    last letter of an acronym belongs to the next word, except before a plural's s.
    """
    lowered = re.sub(r"[A-Z0-9]{2,}", lambda found: _lower(found[0], name[found.end() :]), name)
    return lowered[:1].lower() + lowered[1:]


def _lower(acronym: str, rest: str) -> str:
    plural = rest.startswith("s") and (len(rest) == 1 or rest[1].isupper() or rest[1].isdigit())
    if not rest or plural:
        return acronym[0] + acronym[1:].lower()
    return acronym[0] + acronym[1:-1].lower() + acronym[-1]


@dataclass(frozen=True)
class ResourceSchema:
    """One type of resource.

    Args:
        token: Pulumi's name: ``aws-native:sqs:Queue``.
        document: CloudFormation's schema of it.
    """

    token: str
    document: Schema

    @property
    def type(self) -> str:
        """CloudFormation's name: ``AWS::SQS::Queue``."""
        return str(self.document["typeName"])

    @cached_property
    def read_only(self) -> tuple[Path_, ...]:
        """Paths of the values that the service assigns."""
        return self._paths("readOnlyProperties")

    @cached_property
    def create_only(self) -> tuple[Path_, ...]:
        """Paths of the values whose change replaces the resource."""
        return self._paths("createOnlyProperties")

    @cached_property
    def identifier(self) -> tuple[Path_, ...]:
        """Paths of the values that the id consists of."""
        return self._paths("primaryIdentifier")

    @cached_property
    def inputs(self) -> Mapping[str, str]:
        """CloudFormation's names of the inputs, by Pulumi's."""
        computed = {path[0] for path in self.read_only if len(path) == 1}
        return {sdk_name(name): name for name in self.document["properties"] if name not in computed}

    @cached_property
    def outputs(self) -> Mapping[str, str]:
        """Pulumi's names of the values that the service assigns, by CloudFormation's. Nested ones are left out."""
        names = {path[0] for path in self.read_only if len(path) == 1}
        return {name: _RESERVED.get(sdk_name(name), sdk_name(name)) for name in sorted(names)}

    @cached_property
    def name_property(self) -> str | None:
        """The input with the resource's own name: ``Name``, ``QueueName``."""
        short = self.type.rsplit("::", 1)[1]
        named = (name for name in (f"{short}Name", "Name") if (name,) in self.create_only)
        return next((name for name in named if name in self.inputs.values()), None)

    def to_cloud(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Inputs with CloudFormation's names.

        Args:
            inputs: Inputs with Pulumi's names, complete and revealed. Unknown properties are left as they are.
        """
        renamed: dict[str, Any] = _renamed(inputs, self.document, self.document, _from_sdk)
        return renamed

    def to_sdk(self, properties: Mapping[str, Any]) -> dict[str, Any]:
        """Properties with Pulumi's names."""
        renamed: dict[str, Any] = _renamed(properties, self.document, self.document, _from_cloud)
        return renamed

    def typed(self, name: str, text: str) -> Any:
        """The value of an output, which CloudFormation gives as text."""
        type_ = _resolved(self.document["properties"].get(name, {}), self.document).get("type")
        if type_ in ("integer", "number"):
            return int(text) if text.lstrip("-").isdigit() else float(text)
        return text.lower() == "true" if type_ == "boolean" else text

    def sdk_path(self, path: Iterable[str | int]) -> list[str | int]:
        """A path into properties with Pulumi's names.

        Args:
            path: The path with CloudFormation's names: names of properties and places in lists.
        """
        schema: Schema = self.document
        steps: list[str | int] = []
        for step in path:
            names = _properties(schema, self.document)
            steps.append(sdk_name(step) if isinstance(step, str) and step in names else step)
            inner = names.get(step, {}) if isinstance(step, str) else _resolved(schema, self.document).get("items", {})
            schema = inner
        return steps

    def _paths(self, key: str) -> tuple[Path_, ...]:
        return tuple(tuple(path.split("/")[2:]) for path in self.document.get(key) or ())


@dataclass(frozen=True)
class Schemas:
    """The schemas of an installed cfn-lint.

    Args:
        folder: Its folder ``schemas``.
    """

    folder: Path

    @cached_property
    def known(self) -> Mapping[str, str]:
        """The file of each type of CloudFormation."""
        found: dict[str, str] = json.loads((self.folder / "providers" / f"{_REGION}.json").read_text("utf-8"))
        return found

    @cached_property
    def _by_token(self) -> Mapping[str, str]:
        return {_token(type_): type_ for type_ in self.known}

    def of(self, token: str) -> ResourceSchema:
        """The schema of a resource type.

        Raises:
            NotDone: when CloudFormation has no such type.
        """
        type_ = self._by_token.get(token.lower())
        if type_ is None or not _TOKEN.fullmatch(token):
            raise NotDone(f"{token} is no resource type of CloudFormation", hint="check the component's resources")
        return _load(self.folder / "resources" / f"{self.known[type_]}.json", token)


def schemas_in(environment: Path) -> Schemas:
    """The schemas of cfn-lint in a Python environment."""
    return Schemas(next(environment.glob("lib/python*/site-packages/cfnlint/data/schemas")))


def at(values: Mapping[str, Any], path: Path_) -> Any:
    """The value at a path, or None."""
    found: Any = values
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


@cache
def _load(file: Path, token: str) -> ResourceSchema:
    return ResourceSchema(token, json.loads(file.read_text("utf-8")))


def _token(type_: str) -> str:
    _aws, service, name = type_.split("::")
    return f"{PACKAGE}:{service}:{name}".lower()


def _from_sdk(names: Mapping[str, Schema]) -> dict[str, str]:
    return {sdk_name(name): name for name in names}


def _from_cloud(names: Mapping[str, Schema]) -> dict[str, str]:
    return {name: sdk_name(name) for name in names}


def _renamed(value: Any, schema: Schema, root: Schema, rename: Rename) -> Any:
    if value is UNKNOWN:
        return value
    if isinstance(value, Secret):
        return Secret(_renamed(value.value, schema, root, rename))
    found = _resolved(schema, root)
    if isinstance(value, Mapping):
        names = _properties(schema, root)
        if not names:
            return value  # a map, or JSON, whose names are the user's
        spelled = rename(names)
        inside = _by_both(names, spelled)
        renamed: dict[str, Any] = {}
        for name, part in value.items():
            new = str(spelled.get(name, name))
            renamed[new] = _renamed(part, inside.get(new, {}), root, rename)
        return renamed
    if isinstance(value, list | tuple):
        return [_renamed(item, found.get("items", {}), root, rename) for item in value]
    return value


def _by_both(names: Mapping[str, Schema], spelled: Mapping[str, str]) -> dict[str, Schema]:
    """The schemas of properties by both of their names.

    Args:
        names: Schemas by CloudFormation's names.
        spelled: New names by old ones; one of both is CloudFormation's.
    """
    both = {new: names[old] for old, new in spelled.items() if old in names}
    return {**both, **{name: names[name] for name in names}}


def _resolved(schema: Schema, root: Schema) -> Schema:
    """A schema without references. A union of objects has the items and type of its first member that has them."""
    while "$ref" in schema:
        node: Any = root
        for part in str(schema["$ref"]).removeprefix("#/").split("/"):
            node = node[part.replace("~1", "/").replace("~0", "~")]
        schema = node
    if "items" not in schema and "properties" not in schema:
        for member in (*schema.get("oneOf", ()), *schema.get("anyOf", ())):
            inner = _resolved(member, root)
            if "items" in inner or "properties" in inner:
                return {**schema, **inner}
    return schema


def _properties(schema: Schema, root: Schema) -> Mapping[str, Schema]:
    """The named properties of an object, those of all members of a union; none for maps and JSON."""
    found = _resolved(schema, root)
    names: dict[str, Schema] = dict(found.get("properties") or {})
    for member in (*found.get("oneOf", ()), *found.get("anyOf", ()), *found.get("allOf", ())):
        names = {**_properties(member, root), **names}
    return names
