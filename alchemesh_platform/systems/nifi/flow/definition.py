"""The declaration of a dataflow: services, processors and their connections, by name.

NiFi 1.x and 2.x, and servers with other bundles, use different types and property names for the same work. So each
component lists variants, and the platform uses the first one whose type the server has. A property has its name in the
server's interface or its display name, since display names stayed the same when names of the interface changed
(``gcs-bucket``, *Bucket*). A property that the type does not have is an error. NiFi would accept it as a user-defined
property without any effect.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

PERIOD_PATTERN = r"^\d+(\.\d+)? ?(millis|ms|secs?|s|mins?|m|hours?|h|days?|d)$"
GROUP_NAME_MAX = 1000  # nifi-framework sets no limit; this length fits a screen and a log

GroupName = Annotated[str, StringConstraints(pattern=r"^\S(.*\S)?$", max_length=GROUP_NAME_MAX)]
ComponentName = Annotated[str, StringConstraints(pattern=r"^[\w-]+( [\w-]+)*$")]  # no dots: it is part of paths
Period = Annotated[str, StringConstraints(pattern=PERIOD_PATTERN)]
RunState = Literal["running", "stopped"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ServiceReference(_Part):
    """A property's value that is one of the dataflow's controller services."""

    service: ComponentName = Field(description="Name of the service.")


PropertyValue = str | ServiceReference


class Variant(_Part):
    """A type that does the work, and its properties. Properties that are not named keep the type's default."""

    type: str = Field(min_length=1, description="Class of the processor or service: org.apache.nifi.…")
    properties: dict[str, PropertyValue] = Field(
        default_factory=dict, description="Property, by its name or the name on the screen: text, or {service: NAME}."
    )
    optional: dict[str, PropertyValue] = Field(
        default_factory=dict, description="Properties that only some versions of the type have, set where they are."
    )
    dynamic: dict[str, str] = Field(
        default_factory=dict, description="Properties of the user's own, for a type that takes any: name and text."
    )


class Service(_Part):
    """A controller service. It is created only if a chosen variant refers to it."""

    variants: tuple[Variant, ...] = Field(min_length=1, description="The first whose type the server has is taken.")


class Processor(_Part):
    """A processor, and the targets of its relationships."""

    variants: tuple[Variant, ...] = Field(min_length=1, description="The first whose type the server has is taken.")
    routes: dict[str, tuple[ComponentName, ...]] = Field(
        default_factory=dict,
        description="Relationship: processors that it goes to; none ends it here. Unknown relationships are omitted.",
    )
    schedule: Period = Field(default="0 sec", description="How long it waits between two runs.")
    tasks: int = Field(default=1, ge=1, description="Runs at the same time.")
    penalty: Period = Field(default="30 sec", description="How long what failed waits.")
    pause: Period = Field(default="1 sec", description="How long it waits when there is nothing to do.")
    retried: tuple[str, ...] = Field(default=(), description="Relationships tried again before they are followed.")
    retries: int = Field(default=10, ge=0, description="How many times.")
    longest_pause: Period = Field(default="10 mins", description="Longest wait between two tries; each doubles.")
    when_draining: dict[str, str] = Field(
        default_factory=dict, description="Properties that let queued data go at once, set while the dataflow ends."
    )


class Dataflow(_Part):
    """A dataflow: a process group with a parameter context of its own."""

    name: GroupName
    owner: str
    parent: str = "root"
    parameters: dict[str, str] = Field(default_factory=dict)
    sensitive: dict[str, str] = Field(default_factory=dict, repr=False)
    services: dict[ComponentName, Service] = Field(default_factory=dict)
    processors: dict[ComponentName, Processor] = Field(default_factory=dict)
    state: RunState = "running"

    @property
    def marker(self) -> str:
        """The mark of the owner in the comments of the process group."""
        return f"alchemesh: {self.owner}"

    @property
    def context_name(self) -> str:
        """Name of the parameter context, unique in a server."""
        return f"{self.name}{self.context_ending}"

    @property
    def context_ending(self) -> str:
        """The mark of the owner of a parameter context."""
        return f" ({self.owner})"


def mistakes(services: Mapping[str, Service], processors: Mapping[str, Processor]) -> Iterator[tuple[str, str]]:
    """The path and the reason of every reference to a missing component."""
    for name, processor in processors.items():
        for relationship, targets in processor.routes.items():
            for target in targets:
                if target not in processors:
                    yield f"processors.{name}.routes.{relationship}", _nowhere("processor", target, processors)
    for kind, found in (("services", services), ("processors", processors)):
        for name, component in found.items():
            for at, variant in enumerate(component.variants):
                for given, values in (("properties", variant.properties), ("optional", variant.optional)):
                    for key, value in values.items():
                        if isinstance(value, ServiceReference) and value.service not in services:
                            where = f"{kind}.{name}.variants[{at}].{given}.{key}"
                            yield where, _nowhere("service", value.service, services)


def sources(processors: Mapping[str, Processor]) -> list[str]:
    """The source processors, which have no incoming connection from another processor."""
    fed = {
        target
        for name, processor in processors.items()
        for targets in processor.routes.values()
        for target in targets
        if target != name
    }
    return [name for name in processors if name not in fed]


def _nowhere(what: str, name: str, known: Mapping[str, object]) -> str:
    return f"there is no {what} {name!r}; there are {', '.join(sorted(known)) or 'none'}"
