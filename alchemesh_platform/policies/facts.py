"""The facts about a product that its policies use, as values of the variables in expressions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from functools import cache, cached_property, partial
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import BaseModel

from alchemesh_platform.base.problems import Location
from alchemesh_platform.documents.document import Path, written
from alchemesh_platform.manifest.models import DataProduct, Property
from alchemesh_platform.policies.models import Scope
from alchemesh_platform.policies.results import Place

if TYPE_CHECKING:
    from alchemesh_platform.compose.plan import Plan

_ATOMS = frozenset({str, int, float, bool, type(None)})
ROLES = ("input_port", "storage", "proxy", "infrastructure", "code")


class Subject(NamedTuple):
    """An object that a policy evaluates: its place, and the variables that it adds to the product's variables."""

    place: Callable[[], Place]
    variables: Mapping[str, Any]


class Component(NamedTuple):
    """A component of the plan with its place in the manifest; ``facts`` are the keys of the variable ``component``."""

    facts: Mapping[str, Any]
    place: Place


@dataclass(frozen=True)  # no slots: they do not support a cached property
class Facts:
    """The facts about a product. None means unknown.

    Args:
        product: The manifest.
        locate: Returns the place of a manifest path.
        domain_type: Type of the product's domain, if the registry has it.
        environment: The environment, if there is one.
        components: Components of the product's plan, if it is composed.
    """

    product: DataProduct
    locate: Callable[[Path], Location]
    domain_type: str | None = None
    environment: str | None = None
    components: tuple[Component, ...] | None = None

    def variables(self) -> dict[str, Any]:
        """Values of the variables of every scope, without unknown ones."""
        product = self.product
        known = {"domain.type": self.domain_type, "environment": self.environment}
        return {
            "product.name": product.name,
            "product.domain": product.domain,
            "product.address": product.address,
            "product.team": product.team,
            "product.owner": product.owner,
            "product.version": product.version,
            "product.lifecycle": product.lifecycle.value,
            "product.description": product.description,
            "product.source_systems": list(product.source_systems),
            "domain.name": product.domain,
            **{name: value for name, value in known.items() if value is not None},
        }

    def subjects(self, scope: Scope) -> Iterator[Subject]:
        """Everything that the policies of a scope evaluate.

        If the components of the product are unknown, this is only the product, without the scope's own variables.
        """
        return {
            Scope.PRODUCT: self._product,
            Scope.INPUT_PORT: self._input_ports,
            Scope.OUTPUT_PORT: self._output_ports,
            Scope.MODEL: self._models,
            Scope.PROPERTY: self._each_property,
            Scope.COMPONENT: self._components,
            Scope.REQUEST: self._nothing,
            Scope.OPERATION: self._nothing,
        }[scope]()

    def _product(self) -> Iterator[Subject]:
        yield Subject(self._place(()), self._whole())

    def _input_ports(self) -> Iterator[Subject]:
        for index, port in enumerate(self.product.input_ports):
            yield Subject(self._place(("input_ports", index)), {"port": plain(port)})

    def _output_ports(self) -> Iterator[Subject]:
        for index, port in enumerate(self.product.output_ports):
            variables = {"port": plain(port), "properties": self._properties_of(port.models)}
            yield Subject(self._place(("output_ports", index)), variables)

    def _models(self) -> Iterator[Subject]:
        for name, model in self.product.models.items():
            variables = {"model": {**plain(model), "name": name}, "properties": self._properties_of([name])}
            yield Subject(self._place(("models", name)), variables)

    def _each_property(self) -> Iterator[Subject]:
        for found in self._properties.values():
            for path, data in found:
                yield Subject(self._place(path), {"property": data})

    def _nothing(self) -> Iterator[Subject]:
        """Nothing: a product is no request and no operation, which are evaluated one by one."""
        return iter(())

    def _components(self) -> Iterator[Subject]:
        if self.components is None:
            yield Subject(self._place(()), {})
        for component in self.components or ():
            yield Subject(partial(_itself, component.place), {"component": dict(component.facts)})

    def _whole(self) -> dict[str, Any]:
        product = self.product
        whole = {
            "product.input_ports": plain(product.input_ports),
            "product.output_ports": plain(product.output_ports),
            "product.models": plain(product.models),
            "product.infrastructure": plain(product.infrastructure),
            "product.code": plain(product.code),
            "properties": self._properties_of(product.models),
        }
        if self.components is not None:
            facts = [dict(component.facts) for component in self.components]
            whole["plan"] = {role: [one for one in facts if one["role"] == role] for role in ROLES}
        return whole

    @cached_property
    def _properties(self) -> dict[str, list[tuple[Path, dict[str, Any]]]]:
        """The properties of each model, including those nested in objects and arrays, with their paths."""
        return {
            model: [
                (path, {**plain(part), "name": dotted, "model": model})
                for name, prop in declared.properties.items()
                for path, dotted, part in _with_parts(prop, name, ("models", model, "properties", name))
            ]
            for model, declared in self.product.models.items()
        }

    def _properties_of(self, models: Iterable[str]) -> list[dict[str, Any]]:
        return [data for model in models for _, data in self._properties.get(model, ())]

    def _place(self, path: Path) -> Callable[[], Place]:
        return lambda: Place(written(path), self.locate(path))


def components_of(plan: Plan) -> tuple[Component, ...]:
    """The components of a plan as facts for policies."""
    return tuple(
        Component(
            {
                "name": planned.spec.name,
                "type": planned.component_type,
                "role": planned.role.value.replace(" ", "_"),
                "port": planned.port,
                "version": planned.spec.version,
                "maturity": planned.spec.maturity,
                "owner": planned.spec.owner,
                "stateful": planned.spec.stateful,
                "args": plain(planned.args),
            },
            Place(planned.path, planned.location),
        )
        for planned in plan.components()
    )


def plain(value: Any) -> Any:
    """Convert a value of the manifest's models for CEL.

    Keys are those of the manifest. Unset values are omitted, so that ``has()`` can test for them.
    A span of time becomes a text for CEL's ``duration()``, and a percentage becomes a number.
    """
    if type(value) in _ATOMS:
        return value
    if isinstance(value, BaseModel):
        given = ((key, getattr(value, name)) for name, key in _keys(type(value)))
        return {key: plain(part) for key, part in given if part is not None}
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, timedelta):
        return f"{value // timedelta(milliseconds=1)}ms"
    return plain(value.value) if isinstance(value, Enum) else str(value)


@cache
def _keys(model: type[BaseModel]) -> tuple[tuple[str, str], ...]:
    """Fields of a model, each with its key in the manifest."""
    return tuple((name, field.alias or name) for name, field in model.model_fields.items())


def _with_parts(prop: Property, name: str, path: Path) -> Iterator[tuple[Path, str, Property]]:
    yield path, name, prop
    for inner, part in (prop.properties or {}).items():
        yield from _with_parts(part, f"{name}.{inner}", (*path, "properties", inner))
    if prop.items is not None:
        yield from _with_parts(prop.items, f"{name}[]", (*path, "items"))


def _itself(place: Place) -> Place:
    return place
