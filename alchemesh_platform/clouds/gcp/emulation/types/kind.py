"""One emulated resource type for the engine: applies the rules of the type to the emulated cloud."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from alchemesh_platform.clouds.gcp.emulation.store import Kept, hidden
from alchemesh_platform.clouds.gcp.emulation.types.errors import (
    NotReady,
    Refused,
    api_disabled,
    in_use,
    no_such_region,
    not_found,
)
from alchemesh_platform.clouds.gcp.emulation.types.inputs import DEFAULTS, refusals_of
from alchemesh_platform.clouds.gcp.emulation.types.resource_type import ResourceType, Values
from alchemesh_platform.clouds.gcp.emulation.types.sdk import inputs_of, outputs_of
from alchemesh_platform.clouds.gcp.emulation.world import World
from alchemesh_platform.engine.urn import name_of
from alchemesh_platform.provider.difference import difference
from alchemesh_platform.provider.handler import Context
from alchemesh_platform.provider.inputs import Refusal
from alchemesh_platform.provider.operations import Checked, Difference, Recorded, Tree
from alchemesh_platform.provider.values import UNKNOWN, Secret, has_unknown, reveal


class EmulatedKind:
    """The operations on resources of one type; see :class:`~alchemesh_platform.provider.kind.ResourceKind`."""

    def __init__(self, type_: ResourceType, world: World) -> None:
        self.type = type_
        self.world = world

    def check(self, old_inputs: Tree, inputs: Tree, context: Context) -> Checked:
        filled = self._named(old_inputs, {name: value for name, value in inputs.items() if value is not None}, context)
        return Checked(filled, tuple(self._refusals(filled)))

    def diff(self, identity: str, old_inputs: Tree, old_state: Tree, inputs: Tree, context: Context) -> Difference:
        old, new = _given(old_inputs), _given(inputs)
        kinds = difference(old, new)
        replaces = self.type.replacements(old, new, kinds)
        # A given name is in use until the old resource is deleted. Pulumi's bridge handles that only for types with
        # generated names: `nameRequiresDeleteBeforeReplace` of pkg/tfbridge/schema.go.
        name = self.type.name.property if self.type.name and self.type.name.automatic else None
        same_name = name is not None and old.get(name) == new.get(name) and name not in inputs.get(DEFAULTS, ())
        return Difference(
            kinds, replaces, delete_before_replace=bool(replaces) and (same_name or self.type.delete_before_replace)
        )

    def create(self, inputs: Tree, context: Context) -> tuple[str, Tree]:
        if context.preview:
            return "", self._planned(inputs)
        values = self._values(inputs)
        self._offered(values)
        if self.type.numbered:
            values["number"] = str(self.type.number(values, self.world))
        identity = self.type.identify(values)
        before = self.world.store.get(self.type.type, identity)
        # A resource of a killed run may have no owner. The same resource of the same stack adopts it.
        unfinished = before is not None and before.urn == context.urn and not before.made
        if before is not None and not unfinished and not self.type.repeatable:
            raise self.type.taken(identity)
        self._referred(values)
        # Claim the name before creating anything, so that the remains of a killed run have an owner.
        self.world.store.put(Kept(self.type.type, identity, context.urn, _given(inputs), {}, made=False))
        try:
            self.type.make(self.world, values, recreating=before is not None)
            outputs = self.type.computed(values, self.world)
        except BaseException:
            if before is None:
                self.world.store.remove(self.type.type, identity)
            raise
        self.world.store.put(Kept(self.type.type, identity, context.urn, _given(inputs), self._hidden(outputs)))
        state = self._state(inputs, values, outputs)
        try:
            self.type.settle(self.world, values)
        except NotReady as error:
            raise Recorded(error, identity, state) from error
        return identity, state

    def read(self, identity: str, inputs: Tree, state: Tree, context: Context) -> tuple[str, Tree, Tree] | None:
        kept = self.world.store.get(self.type.type, identity)
        if kept is None:
            return None
        seen = self.type.look(self.world, {**self.type.settled(kept.inputs, self.world), **kept.outputs})
        if seen is None:
            self.world.store.remove(self.type.type, identity)
            return None
        found = {name: value for name, value in {**kept.inputs, **seen}.items() if value is not None}
        if seen:
            self.world.store.put(replace(kept, inputs=found))
        new_inputs = {name: _as_declared(inputs.get(name), value) for name, value in found.items()}
        if DEFAULTS in inputs:
            new_inputs[DEFAULTS] = inputs[DEFAULTS]
        computed = {name: _as_declared(state.get(name), value) for name, value in kept.outputs.items()}
        return identity, new_inputs, self._state(new_inputs, self.type.settled(new_inputs, self.world), computed)

    def update(self, identity: str, old_inputs: Tree, old_state: Tree, inputs: Tree, context: Context) -> Tree:
        computed = {name: value for name, value in old_state.items() if name in self.type.outputs}
        if context.preview:
            return {**inputs, **computed}
        kept = self.world.store.get(self.type.type, identity)
        if kept is None:
            raise not_found(identity)
        values = self._values(inputs)
        self._offered(values)
        self._referred(values)
        self.type.change(self.world, self.type.settled(kept.inputs, self.world), values)
        changed = self.type.computed_anew(values, self.world)
        outputs = {**kept.outputs, **self._hidden(changed)}
        self.world.store.put(replace(kept, urn=context.urn, inputs=_given(inputs), outputs=outputs))
        self.type.settle(self.world, values)
        return self._state(inputs, values, {**computed, **changed})

    def delete(self, identity: str, inputs: Tree, state: Tree, context: Context) -> None:
        kept = self.world.store.get(self.type.type, identity)
        if kept is None:
            return
        values = self.type.settled(kept.inputs, self.world)
        self._refuse_deletion(identity, values)
        if values.get("deletionPolicy") == "ABANDON":
            context.info(f"{identity} is left as it is, as its deletionPolicy says")
            return
        self.type.remove(self.world, values)
        self.world.store.remove(self.type.type, identity)

    def _refuse_deletion(self, identity: str, values: Values) -> None:
        """Reject the deletion of a protected resource, like the real provider, before calling the service."""
        for name, protects in (("deletionProtection", True), ("deletionPolicy", "PREVENT")):
            if values.get(name) == protects:
                hint = "set it otherwise and deploy that before it is removed or replaced"
                raise in_use(identity, f"{name} is {protects!r}".lower(), hint=hint)

    def _named(self, old_inputs: Tree, inputs: dict[str, Any], context: Context) -> dict[str, Any]:
        name = self.type.name
        if name is None or not name.automatic or name.property in inputs:
            return inputs
        kept = old_inputs.get(name.property) if name.property in old_inputs.get(DEFAULTS, ()) else None
        return {**inputs, name.property: kept or name.made_of(name_of(context.urn)), DEFAULTS: [name.property]}

    def _refusals(self, inputs: Tree) -> Iterator[Refusal]:
        found = refusals_of(self.type.type, inputs)
        yield from found
        if found:
            return
        if self.type.name is not None:
            yield from self.type.name(inputs)
        for limit in self.type.limits:
            yield from limit(inputs)

    def _values(self, inputs: Tree) -> dict[str, Any]:
        given = _given(inputs)
        if has_unknown(given):
            raise Refused(400, f"an input of {self.type.type} is still unknown")
        values = self.type.settled(reveal(given), self.world)
        for name in ("project", "region"):
            if f"{{{name}}}" in self.type.id and name not in values:
                raise Refused(
                    400, f"{name}: required field is not set", hint=f"set it on the resource, or `gcp:{name}`"
                )
        return values

    def _offered(self, values: Values) -> None:
        project = values.get("project")
        if project and self.world.store.api_disabled(str(project), self.type.service):
            raise api_disabled(str(project), self.type.service)
        for region in self.type.regions(values):
            if self.world.store.region_absent(self.type.service, region) or not self.type.knows_region(region):
                raise no_such_region(self.type.service, region)

    def _referred(self, values: Values) -> None:
        for reference in self.type.references:
            identity = reference.identify(values)
            if identity is not None and not reference.there(self.world, identity):
                hint = reference.remedy(self.world, identity)
                raise not_found(f"{reference.property} {identity}", hint=hint)

    def _planned(self, inputs: Tree) -> dict[str, Any]:
        filled = {**dict.fromkeys(self._filled_in(inputs), UNKNOWN), **self.type.defaults}
        return {**dict.fromkeys(self.type.outputs, UNKNOWN), **filled, **inputs}

    def _state(self, inputs: Tree, values: Values, outputs: Mapping[str, Any]) -> dict[str, Any]:
        secret = {
            name: Secret(value) if name in self.type.secret_outputs and not isinstance(value, Secret) else value
            for name, value in outputs.items()
        }
        filled = {name: values[name] for name in self._filled_in(inputs) if name in values}
        return {**inputs, **filled, **secret}

    def _filled_in(self, inputs: Tree) -> list[str]:
        """Inputs that the provider sets if the program does not. The state stores them."""
        known = inputs_of(self.type.type).properties
        may = dict.fromkeys(("project", "region", *self.type.defaults))
        return [name for name in may if name in known and inputs.get(name) is None]

    def _hidden(self, outputs: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: hidden(Secret(value) if name in self.type.secret_outputs else value)
            for name, value in outputs.items()
        }


def covered_outputs(type_: ResourceType) -> frozenset[str]:
    """Names of outputs that the SDK does not have, which would be an error in this package's tables."""
    return frozenset(type_.outputs) - outputs_of(type_.type)


def _given(inputs: Tree) -> dict[str, Any]:
    return {name: value for name, value in inputs.items() if name != DEFAULTS}


def _as_declared(filled: Any, kept: Any) -> Any:
    """The previous inputs with secrets marked, wherever they equal the stored ones."""
    return filled if filled is not None and hidden(filled) == kept else kept
