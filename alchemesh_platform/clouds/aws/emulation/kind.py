"""One emulated resource type for the engine: the rules of its schema, carried out by stacks."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from alchemesh_platform.clouds.aws.emulation.gaps import BUCKET_POLICY, WORKGROUP, with_results, without_tls
from alchemesh_platform.clouds.aws.emulation.schema import ResourceSchema, at, sdk_name
from alchemesh_platform.clouds.aws.emulation.stacks import Declared, Deployed, Stacks, name_of
from alchemesh_platform.engine.urn import name_of as resource_name
from alchemesh_platform.provider.difference import difference, join
from alchemesh_platform.provider.handler import Context
from alchemesh_platform.provider.inputs import Refusal, spelled
from alchemesh_platform.provider.operations import Checked, Difference, Tree
from alchemesh_platform.provider.values import UNKNOWN, has_unknown, reveal

if TYPE_CHECKING:
    from jsonschema import Draft7Validator

DEFAULTS = "__defaults"  # names that the program did not give itself
STACK = "__stack"  # in the state: the stack that has the resource
AUTONAME_LETTERS = 7  # as the real provider: provider/pkg/autonaming/autonaming.go
# Types that no service of MiniStack has. Their stacks hold the properties, so that tests can assert on them.
KEPT = frozenset(
    {
        "AWS::Budgets::Budget",
        "AWS::LakeFormation::PrincipalPermissions",
        "AWS::RDS::DBInstance",  # it would start a container
        "AWS::SecretsManager::ResourcePolicy",
    }
)
# Inline policies. MiniStack has the older type AWS::IAM::Policy, which is the same for several principals.
_PRINCIPALS = {
    "AWS::IAM::RolePolicy": ("RoleName", "Roles"),
    "AWS::IAM::UserPolicy": ("UserName", "Users"),
    "AWS::IAM::GroupPolicy": ("GroupName", "Groups"),
}


class StackKind:
    """The operations on resources of one type; see :class:`~alchemesh_platform.provider.kind.ResourceKind`.

    Args:
        schema: The type.
        stacks: Returns the stacks of the cloud, and starts its server.
    """

    def __init__(self, schema: ResourceSchema, stacks: Callable[[], Stacks]) -> None:
        self.schema = schema
        self.stacks = stacks

    def check(self, old_inputs: Tree, inputs: Tree, context: Context) -> Checked:
        filled = self._named(old_inputs, {name: value for name, value in inputs.items() if value is not None}, context)
        return Checked(filled, tuple(self._refusals(_given(filled))))

    def diff(self, identity: str, old_inputs: Tree, old_state: Tree, inputs: Tree, context: Context) -> Difference:
        old, new = _given(old_inputs), _given(inputs)
        kinds = difference(old, new)
        fixed = [spelled(tuple(self.schema.sdk_path(path))) for path in self.schema.create_only]
        replaces = frozenset(path for path in kinds if any(_covers(each, path) for each in fixed))
        name = sdk_name(self.schema.name_property) if self.schema.name_property else None
        same_name = name is not None and old.get(name) == new.get(name) and name not in inputs.get(DEFAULTS, ())
        return Difference(kinds, replaces, delete_before_replace=bool(replaces) and same_name)

    def create(self, inputs: Tree, context: Context) -> tuple[str, Tree]:
        if context.preview:
            return "", {**dict.fromkeys(self.schema.outputs.values(), UNKNOWN), **inputs}
        properties = self._properties(inputs)
        name = self._stack_name(properties, context)
        made = self.stacks().create(name, self._declared(properties, context), self.schema.outputs, context.stop)
        return self._identity(properties, made), self._state(inputs, made)

    def read(self, identity: str, inputs: Tree, state: Tree, context: Context) -> tuple[str, Tree, Tree] | None:
        stacks = self.stacks()
        name = state.get(STACK) or self._stack_name(self._named_by(identity), context)
        found = stacks.find(name) or stacks.holding(self._prefix, identity)
        changed = stacks.drift(found.name) if found is not None else None
        if found is None or changed is None:
            return None
        declared = inputs or self.schema.to_sdk(found.declared)
        new_inputs = {**declared, **{k: v for k, v in self.schema.to_sdk(changed).items() if v is not None}}
        return identity, new_inputs, self._state(new_inputs, found)

    def update(self, identity: str, old_inputs: Tree, old_state: Tree, inputs: Tree, context: Context) -> Tree:
        if context.preview:
            return {**{name: value for name, value in old_state.items() if name not in old_inputs}, **inputs}
        properties = self._properties(inputs)
        name = old_state.get(STACK) or self._stack_name(properties, context)
        made = self.stacks().update(name, self._declared(properties, context), self.schema.outputs, context.stop)
        return self._state(inputs, made)

    def delete(self, identity: str, inputs: Tree, state: Tree, context: Context) -> None:
        name = state.get(STACK) or self._stack_name(self._named_by(identity), context)
        self.stacks().delete(name, context.stop)

    def _properties(self, inputs: Tree) -> dict[str, Any]:
        return self.schema.to_cloud(reveal(_given(inputs)))

    def _declared(self, properties: Mapping[str, Any], context: Context) -> Declared:
        type_ = self.schema.type
        if type_ in _PRINCIPALS:
            name, names = _PRINCIPALS[type_]
            policy = {"PolicyDocument": {}, **properties, names: [properties[name]]}
            del policy[name]
            return Declared("AWS::IAM::Policy", policy, context.urn)
        if type_ == WORKGROUP:
            return Declared(type_, with_results(properties, self.stacks().client_for), context.urn)
        if type_ == BUCKET_POLICY:
            reachable = without_tls(properties)
            return Declared(type_, reachable or properties, context.urn, kept=reachable is None)
        return Declared(type_, properties, context.urn, kept=type_ in KEPT)

    def _stack_name(self, properties: Mapping[str, Any], context: Context) -> str:
        """The stack of a resource: by its name or id in the cloud, or by Pulumi's name if the cloud generates both.

        A second resource with the same name so finds the first.
        """
        own: list[Any] = [at(properties, path) for path in self.schema.identifier]
        if None in own and self.schema.name_property in properties:
            fixed = [path for path in self.schema.create_only if path[-1].endswith("Name")]
            own = [at(properties, path) for path in fixed]
        elif None in own:
            own = [context.urn, *(at(properties, path) for path in self.schema.create_only)]
        digest = hashlib.sha256(json.dumps([self.schema.type, own], sort_keys=True).encode()).hexdigest()[:24]
        return f"{self._prefix}{digest}"

    @property
    def _prefix(self) -> str:
        """The beginning of the names of all stacks with a resource of this type."""
        return f"{self.schema.token.replace(':', '-')}-"

    def _named_by(self, identity: str) -> dict[str, Any]:
        """The properties that an id consists of."""
        properties: dict[str, Any] = {}
        for path, part in zip(self.schema.identifier, identity.split("|"), strict=False):
            inner = properties
            for step in path[:-1]:
                inner = inner.setdefault(step, {})
            inner[path[-1]] = part
        return properties

    def _identity(self, properties: Mapping[str, Any], made: Deployed) -> str:
        parts = [at(properties, path) or made.outputs.get(name_of(path[-1])) for path in self.schema.identifier]
        return "|".join(map(str, parts)) if parts and all(parts) else made.ref

    def _state(self, inputs: Tree, made: Deployed) -> dict[str, Any]:
        outputs = {
            name: self.schema.typed(attribute, made.outputs[name_of(attribute)])
            for attribute, name in self.schema.outputs.items()
            if name_of(attribute) in made.outputs
        }
        return {**inputs, **outputs, STACK: made.name}

    def _named(self, old_inputs: Tree, inputs: dict[str, Any], context: Context) -> dict[str, Any]:
        """Inputs with a generated name, if the program gives none."""
        property_ = self.schema.name_property
        required = self.schema.document.get("required", ())
        if property_ is None or sdk_name(property_) in inputs or property_ in required or _named_inside(inputs):
            return inputs
        name = sdk_name(property_)
        kept = old_inputs.get(name) if name in old_inputs.get(DEFAULTS, ()) else None
        ending = f"-{secrets.token_hex(AUTONAME_LETTERS)[:AUTONAME_LETTERS]}"
        most = self.schema.document["properties"][property_].get("maxLength", 63)
        made = f"{resource_name(context.urn)[: most - len(ending)]}{ending}"
        return {**inputs, name: kept or made, DEFAULTS: [name]}

    def _refusals(self, inputs: Tree) -> Iterator[Refusal]:
        """The problems of inputs by the schema. Values that are not known yet are left out."""
        for name in inputs:
            if name not in self.schema.inputs:
                yield Refusal(join("", name), "unknown property")
        known = {name: value for name, value in reveal(inputs).items() if name in self.schema.inputs}
        for error in sorted(
            _validator(self.schema).iter_errors(self.schema.to_cloud(known)), key=lambda e: list(e.path)
        ):
            if error.validator in ("required", "additionalProperties") or not has_unknown(error.instance):
                yield Refusal(spelled(tuple(self.schema.sdk_path(error.absolute_path))), _reason(error, self.schema))


def _validator(schema: ResourceSchema) -> Draft7Validator:
    """A validator that leaves out the keywords of other dialects, and patterns that Python cannot read."""
    from jsonschema import Draft7Validator
    from jsonschema.validators import extend

    def pattern(_validator: Any, pattern: str, instance: Any, _schema: Any) -> Iterator[Any]:
        from jsonschema import ValidationError

        try:
            fits = not isinstance(instance, str) or re.search(pattern, instance) is not None
        except re.error:
            fits = True
        if not fits:
            yield ValidationError(f"{instance!r} does not match {pattern!r}")

    return extend(Draft7Validator, {"pattern": pattern})(schema.document)


def _reason(error: Any, schema: ResourceSchema) -> str:
    if error.validator == "required":
        missing = re.match(r"'(?P<name>[^']+)'", error.message)
        return f"{sdk_name(missing['name'])} is required" if missing else error.message
    return str(error.message)


def _covers(fixed: str, path: str) -> bool:
    """Whether a change at a path changes a fixed property: the path is it, in it, or around it."""
    around = fixed.startswith((f"{path}.", f"{path}["))
    return path == fixed or around or path.startswith((f"{fixed}.", f"{fixed}["))


def _named_inside(inputs: Tree) -> bool:
    """Whether the name is in a nested object: ``tableInput.name`` of Glue."""
    return any(isinstance(part, Mapping) and name.endswith("Input") and "name" in part for name, part in inputs.items())


def _given(inputs: Tree) -> dict[str, Any]:
    return {name: value for name, value in inputs.items() if name != DEFAULTS}
