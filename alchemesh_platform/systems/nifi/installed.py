"""Chooses, for each component, the variant that a NiFi server can run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from alchemesh_platform.systems.nifi.flow.definition import Dataflow, Processor, Service, ServiceReference, Variant
from alchemesh_platform.systems.nifi.server import NifiFailed, Server

# Retries of a relationship: https://cwiki.apache.org/confluence/display/NIFI/Release+Notes#ReleaseNotes-Version1.16.0
OLDEST = (1, 16)
# The bundle of each class and the major versions that have it, for the hint about a missing class. Source:
# https://central.sonatype.com/namespace/org.apache.nifi, and NiFi's documentation of each class.
_BUNDLES = {
    "org.apache.nifi.processors.kafka.pubsub.": ("nifi-kafka-2-6-nar", (1,)),
    "org.apache.nifi.kafka.processors.": ("nifi-kafka-nar", (2,)),
    "org.apache.nifi.kafka.service.Kafka3": ("nifi-kafka-3-service-nar", (2,)),
    "org.apache.nifi.processors.gcp.": ("nifi-gcp-nar", (1, 2)),
    "org.apache.nifi.processors.standard.": ("nifi-standard-nar", (1, 2)),
}


@dataclass(frozen=True, slots=True)
class Chosen:
    """The variant of a component that a server can run, and the bundle of its type."""

    variant: Variant
    bundle: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Choice:
    """The variants of a dataflow that a server can run. It includes only services that a component refers to."""

    processors: Mapping[str, Chosen]
    services: Mapping[str, Chosen]


def choose(server: Server, wanted: Dataflow) -> Choice:
    """Choose the variants of a dataflow.

    Raises:
        NifiFailed: when the server is too old, or has no type for a component. The message names the types and bundles.
    """
    _new_enough(server)
    types = _by_class(server.get("/flow/processor-types")["processorTypes"])
    service_types = _by_class(server.get("/flow/controller-service-types")["controllerServiceTypes"])
    processors = {
        name: _first(server, f"processor {name!r}", component, types) for name, component in wanted.processors.items()
    }
    services: dict[str, Chosen] = {}
    needed = _references(processors)
    while needed - set(services):  # a service may need another
        for name in sorted(needed - set(services)):
            services[name] = _first(server, f"controller service {name!r}", wanted.services[name], service_types)
        needed |= _references(services)
    return Choice(processors, services)


def _new_enough(server: Server) -> None:
    if tuple(number for number, _ in _numbers(server.version)[:2]) < OLDEST:
        raise NifiFailed(
            f"NiFi at {server.url} is {server.version}, expected {'.'.join(map(str, OLDEST))} or newer",
            hint="what fails is tried again by NiFi itself, with longer and longer pauses; older ones do not do that",
        )


def _by_class(types: list[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """The bundle of each class. If there are several versions, the newest."""
    found: dict[str, Mapping[str, Any]] = {}
    for entry in types:
        known = found.get(entry["type"])
        if known is None or _numbers(entry["bundle"].get("version")) > _numbers(known.get("version")):
            found[entry["type"]] = entry["bundle"]
    return found


def _numbers(version: str | None) -> list[tuple[int, str]]:
    parts = str(version or "").replace("-", ".").split(".")
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]


def _first(server: Server, what: str, component: Processor | Service, types: Mapping[str, Mapping[str, Any]]) -> Chosen:
    for variant in component.variants:
        if variant.type in types:
            return Chosen(variant, types[variant.type])
    wanted = [variant.type for variant in component.variants]
    raise NifiFailed(
        f"NiFi {server.version} at {server.url} has no type for {what}: it has none of {', '.join(wanted)}",
        hint=f"add a bundle that has it to NiFi's extensions folder: {', '.join(_bundles(wanted, server.major))}",
    )


def _bundles(types: list[str], major: int) -> list[str]:
    """The bundles of types that a version of NiFi can have."""
    known = [
        bundle
        for name in types
        for prefix, (bundle, majors) in _BUNDLES.items()
        if name.startswith(prefix) and major in majors
    ]
    return list(dict.fromkeys(known)) or [f"the one of {name.rpartition('.')[0]}" for name in types]


def _references(chosen: Mapping[str, Chosen]) -> set[str]:
    return {
        value.service
        for found in chosen.values()
        for value in (*found.variant.properties.values(), *found.variant.optional.values())
        if isinstance(value, ServiceReference)
    }
