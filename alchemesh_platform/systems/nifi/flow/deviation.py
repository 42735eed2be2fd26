"""The drift of a deployed dataflow from its declaration: property by property, by the declaration's paths."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from alchemesh_platform.sdk.system import drift
from alchemesh_platform.systems.nifi.flow.canvas import DeployedFlow, Entity
from alchemesh_platform.systems.nifi.flow.definition import Dataflow, Processor, PropertyValue, ServiceReference
from alchemesh_platform.systems.nifi.installed import Choice, Chosen

RUNNING = ("RUNNING", "STARTING")
ENABLED = ("ENABLED", "ENABLING")


@dataclass(frozen=True, slots=True)
class Deviation:
    """One difference from the declaration: ``processors.consume.properties.topic``. None means *missing*."""

    path: str
    declared: str | None
    found: str | None

    def __str__(self) -> str:
        return f"{self.path}: found {self.found or 'nothing'}, declared {self.declared or 'nothing'}"

    def as_drift(self) -> drift.Deviation:
        """The difference in the form of all systems."""
        return drift.Deviation(self.path, self.declared, self.found)

    @property
    def input(self) -> str:
        """The input that it is part of."""
        return self.path.split(".")[0]


def deviations(deployed: DeployedFlow, wanted: Dataflow, choice: Choice) -> list[Deviation]:
    """Every deviation, in the order of the declaration. Values of sensitive parameters cannot be seen."""
    return [
        *_parameters(deployed, wanted),
        *_services(deployed, choice),
        *_processors(deployed, wanted, choice),
        *_routes(deployed, wanted),
        *_state(deployed, wanted),
    ]


def wanted_properties(entity: Entity, chosen: Chosen, services: Mapping[str, Entity]) -> dict[str, str | None]:
    """Properties by the names of the server's interface: those declared, and defaults for the others.

    ``services`` are the deployed ones; a reference to a missing one is None.
    """
    descriptors = descriptors_of(entity)
    properties: dict[str, str | None] = {
        name: None if found.get("dynamic") else found.get("defaultValue") for name, found in descriptors.items()
    }
    for key, value in declared_properties(entity, chosen).values():
        if isinstance(value, ServiceReference):
            properties[key] = services[value.service]["id"] if value.service in services else None
        else:
            properties[key] = value
    return properties


def declared_properties(entity: Entity, chosen: Chosen) -> dict[tuple[str, str], tuple[str, PropertyValue]]:
    """The interface name and the value of each declared property, by its path (``properties``, name)."""
    known = _known_names(entity)
    variant = chosen.variant
    found = {("properties", name): (known.get(name, name), value) for name, value in variant.properties.items()}
    found |= {("optional", name): (known[name], value) for name, value in variant.optional.items() if name in known}
    return found | {("dynamic", name): (name, value) for name, value in variant.dynamic.items()}


def unknown_properties(entity: Entity, chosen: Chosen) -> list[str]:
    """Declared properties that the type does not have, neither by name nor by display name."""
    known = _known_names(entity)
    return [name for name in chosen.variant.properties if name not in known]


def names_on_screen(entity: Entity) -> list[str]:
    """The display names of a type's properties."""
    own = (found for found in descriptors_of(entity).values() if not found.get("dynamic"))
    return sorted(str(found.get("displayName") or found.get("name")) for found in own)


def _known_names(entity: Entity) -> dict[str, str]:
    """The name in the interface of each property of the type, by display name and by name."""
    own = {name: found for name, found in descriptors_of(entity).items() if not found.get("dynamic")}
    return {str(found.get("displayName")): name for name, found in own.items()} | {name: name for name in own}


def descriptors_of(entity: Entity) -> Mapping[str, Any]:
    """Descriptors of a component's properties.

    A processor has them in its configuration, a service at its top level.
    """
    component = entity["component"]
    found: Mapping[str, Any] = (component.get("config") or component).get("descriptors") or {}
    return found


def properties_of(entity: Entity) -> Mapping[str, str | None]:
    """The current properties of a component."""
    component = entity["component"]
    found: Mapping[str, str | None] = (component.get("config") or component).get("properties") or {}
    return found


def configuration(declared: Processor, relationships: set[str]) -> dict[str, Any]:
    """A processor's configuration without its properties, in the form of the server's interface."""
    return {
        "schedulingPeriod": declared.schedule,
        "concurrentlySchedulableTaskCount": declared.tasks,
        "penaltyDuration": declared.penalty,
        "yieldDuration": declared.pause,
        "autoTerminatedRelationships": sorted(
            name for name, targets in declared.routes.items() if not targets and name in relationships
        ),
        "retriedRelationships": sorted(set(declared.retried) & relationships),
        "retryCount": declared.retries,
        "backoffMechanism": "PENALIZE_FLOWFILE",
        "maxBackoffPeriod": declared.longest_pause,
    }


def relationships_of(entity: Entity) -> set[str]:
    """Names of a processor's relationships."""
    return {found["name"] for found in entity["component"].get("relationships") or ()}


def routes_of(declared: Mapping[str, Processor], deployed: Mapping[str, Entity]) -> set[tuple[str, str, str]]:
    """Source, relationship and target of every declared connection whose relationship the type has."""
    return {
        (name, relationship, target)
        for name, processor in declared.items()
        for relationship, targets in processor.routes.items()
        if name not in deployed or relationship in relationships_of(deployed[name])
        for target in targets
    }


_NAMES = {
    "schedulingPeriod": "schedule",
    "concurrentlySchedulableTaskCount": "tasks",
    "penaltyDuration": "penalty",
    "yieldDuration": "pause",
    "autoTerminatedRelationships": "routes",
    "retriedRelationships": "retried",
    "retryCount": "retries",
    "maxBackoffPeriod": "longest_pause",
}


def _parameters(deployed: DeployedFlow, wanted: Dataflow) -> Iterator[Deviation]:
    context = deployed.context
    found = {
        entry["parameter"]["name"]: entry["parameter"]
        for entry in (context["component"].get("parameters") or () if context else ())
    }
    for name, value in wanted.parameters.items():
        actual = found.get(name, {}).get("value")
        if actual != value:
            yield Deviation(f"parameters.{name}", value, actual)
    for name in wanted.sensitive:
        if name not in found:
            yield Deviation(f"sensitive_parameters.{name}", "[secret]", None)
    for name in sorted(set(found) - set(wanted.parameters) - set(wanted.sensitive)):
        yield Deviation(f"parameters.{name}", None, "a parameter")
    if context is not None:
        reference = deployed.group["component"].get("parameterContext") or {}
        if reference.get("id") != context["id"]:
            yield Deviation("parameters", "its parameter context", "another one, or none")


def _services(deployed: DeployedFlow, choice: Choice) -> Iterator[Deviation]:
    for name, chosen in choice.services.items():
        entity = deployed.services.get(name)
        if entity is None:
            yield Deviation(f"services.{name}", chosen.variant.type, None)
            continue
        yield from _component(f"services.{name}", entity, chosen, deployed)
        if entity["component"]["state"] not in ENABLED:
            yield Deviation(f"services.{name}.state", "enabled", str(entity["component"]["state"]).lower())


def _processors(deployed: DeployedFlow, wanted: Dataflow, choice: Choice) -> Iterator[Deviation]:
    for name, chosen in choice.processors.items():
        entity = deployed.processors.get(name)
        if entity is None:
            yield Deviation(f"processors.{name}", chosen.variant.type, None)
            continue
        yield from _component(f"processors.{name}", entity, chosen, deployed)
        actual = {**entity["component"]["config"], "autoTerminatedRelationships": _ended(entity)}
        for key, value in configuration(wanted.processors[name], relationships_of(entity)).items():
            if key in _NAMES and not _same(value, actual.get(key)):
                yield Deviation(f"processors.{name}.{_NAMES[key]}", _shown(value), _shown(actual.get(key)))


def _component(path: str, entity: Entity, chosen: Chosen, deployed: DeployedFlow) -> Iterator[Deviation]:
    actual_type = entity["component"]["type"]
    if actual_type != chosen.variant.type:
        yield Deviation(f"{path}.type", chosen.variant.type, actual_type)
        return
    actual = properties_of(entity)
    descriptors = descriptors_of(entity)
    where = {name: ".".join(place) for place, (name, _) in declared_properties(entity, chosen).items()}
    for name, value in wanted_properties(entity, chosen, deployed.services).items():
        found = actual.get(name)
        if found == value or (found or None) == (value or None):
            continue
        if descriptors.get(name, {}).get("sensitive") and found is not None and value is not None:
            continue  # masked: the value cannot be read
        yield Deviation(f"{path}.{where.get(name, f'properties.{name}')}", value, found)


def _routes(deployed: DeployedFlow, wanted: Dataflow) -> Iterator[Deviation]:
    declared = routes_of(wanted.processors, deployed.processors)
    for source, relationship, target in sorted(declared - set(deployed.connections)):
        yield Deviation(f"processors.{source}.routes.{relationship}", target, None)
    for source, relationship, target in sorted(set(deployed.connections) - declared):
        yield Deviation(f"processors.{source}.routes.{relationship}", None, target)


def _state(deployed: DeployedFlow, wanted: Dataflow) -> Iterator[Deviation]:
    for name in wanted.processors:
        if name in deployed.processors:
            state = str(deployed.processors[name]["component"]["state"])
            if (state in RUNNING) != (wanted.state == "running"):
                yield Deviation("state", wanted.state, f"processor {name} {state.lower()}")


def _ended(entity: Entity) -> list[str]:
    return [found["name"] for found in entity["component"].get("relationships") or () if found.get("autoTerminate")]


def _same(declared: Any, found: Any) -> bool:
    if isinstance(declared, list):
        return declared == sorted(found or ())
    return found is not None and _span(str(declared)) == _span(str(found))


_UNITS = {"millis": "ms", "sec": "s", "secs": "s", "min": "m", "mins": "m", "hour": "h", "hours": "h", "day": "d"}


def _span(text: str) -> tuple[str, str]:
    """A period with its unit in one spelling, since NiFi stores the spelling of the user: ``30 sec``, ``30 secs``."""
    number = text.rstrip("abcdefghijklmnopqrstuvwxyz ")
    unit = text[len(number) :].strip()
    return number, _UNITS.get(unit, "d" if unit == "days" else unit)


def _shown(value: Any) -> str | None:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or None
    return None if value is None else str(value)
