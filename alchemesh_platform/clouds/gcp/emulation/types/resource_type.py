"""The rules of one resource type of Google Cloud: id, limits, replacements, computed outputs, and operations.

Most types are one entry of a table. No emulator has them, so the store holds them for assertions. Types with data in an
emulator override the operations.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from alchemesh_platform.clouds.gcp.emulation.types.errors import Refused, exists
from alchemesh_platform.clouds.gcp.emulation.types.limits import REGIONS, Limit, Name
from alchemesh_platform.clouds.gcp.emulation.world import World
from alchemesh_platform.provider.difference import top_level

Values = Mapping[str, Any]
Computed = str | Callable[[Values, World], Any]
How = Literal["emulated", "kept"]

NUMBER_MAX = 10**12
CHANGING = ("effectiveLabels", "pulumiLabels", "updateTime", "updated", "generation")


@dataclass(frozen=True, slots=True)
class Reference:
    """Another resource that must exist.

    Args:
        type: Its Pulumi type.
        property: The input that names it; dots lead into objects.
        id: Template of its id if the input is only its name, ``{it}``. It can contain this resource's other values.
    """

    type: str
    property: str
    id: str = ""

    def given_id(self, values: Values) -> str | None:
        """The name of the referenced resource."""
        found: Any = values
        for part in self.property.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        return found if isinstance(found, str) else None

    def identify(self, values: Values) -> str | None:
        """Its id; None if the input is empty or refers to another project, which is unknown."""
        given_id = self.given_id(values)
        if given_id is None:
            return None
        found = self.id.format_map({**values, "it": given_id}) if self.id and "/" not in given_id else given_id
        elsewhere = found.startswith("projects/") and found.split("/")[1] != values.get("project", found.split("/")[1])
        return None if elsewhere else found

    def there(self, world: World, identity: str) -> bool:
        """Whether it exists."""
        return world.store.get(self.type, identity) is not None

    def remedy(self, world: World, identity: str) -> str | None:
        """The remedy for a missing resource, if only an emulated cloud needs one."""
        return None


@dataclass(frozen=True, kw_only=True)
class ResourceType:
    """One type of resource.

    Args:
        type: Pulumi type.
        id: Template of the service's id of a resource: ``projects/{project}/topics/{name}``.
        service: The API that must be enabled: ``pubsub.googleapis.com``.
        name: Rules of its name, if Pulumi can generate one.
        replace_on: Inputs whose change replaces the resource.
        only_replaced: Whether every change replaces the resource.
        limits: Checks of its inputs.
        references: Other resources that must exist.
        region: The input with its location.
        defaults: Defaults of the service.
        numbered: Whether the service assigns a number, ``{number}`` in id and outputs.
        outputs: The computed outputs: a text with values in braces, or a function of values and world.
        secret_outputs: The secret outputs.
        repeatable: Whether a second creation is no conflict: grants, and settings of a project.
        delete_before_replace: Whether the old resource must be deleted first, regardless of its name.
        how: Whether an emulator has it, or only the store.
    """

    type: str
    id: str
    service: str
    name: Name | None = None
    replace_on: frozenset[str] = frozenset()
    only_replaced: bool = False
    limits: Sequence[Limit] = ()
    references: Sequence[Reference] = ()
    region: str | None = None
    defaults: Mapping[str, Any] = field(default_factory=dict)
    numbered: bool = False
    outputs: Mapping[str, Computed] = field(default_factory=dict)
    secret_outputs: frozenset[str] = frozenset()
    repeatable: bool = False
    delete_before_replace: bool = False
    how: How = "kept"

    def settled(self, inputs: Values, world: World) -> dict[str, Any]:
        """Inputs with the defaults of the provider and the service."""
        return {**self.defaults, **world.settled(inputs)}

    def number(self, values: Values, world: World) -> int:
        """The number that the service assigns to a new resource."""
        return secrets.randbelow(NUMBER_MAX) + 1

    def identify(self, values: Values) -> str:
        """The service's id of the resource."""
        return self.id.format_map(values)

    def computed(self, values: Values, world: World) -> dict[str, Any]:
        """The outputs of a creation, with the default project and region."""
        return {
            name: rule.format_map(values) if isinstance(rule, str) else rule(values, world)
            for name, rule in self.outputs.items()
        }

    def computed_anew(self, values: Values, world: World) -> dict[str, Any]:
        """The outputs of an update."""
        return {name: rule(values, world) for name, rule in self.outputs.items() if name in CHANGING and callable(rule)}

    def regions(self, values: Values) -> Iterable[str]:
        """The locations of the resource."""
        found = values.get(self.region) if self.region else None
        return (found,) if isinstance(found, str) else ()

    def knows_region(self, region: str) -> bool:
        """Whether a location exists."""
        return region.lower() in REGIONS

    def taken(self, identity: str) -> Refused:
        """The error for a resource whose name is already in use."""
        return exists(identity)

    def replacements(self, old: Values, new: Values, paths: Iterable[str]) -> frozenset[str]:
        """The changed paths that replace the resource."""
        return frozenset(path for path in paths if self.only_replaced or top_level(path) in self.replace_on)

    def make(self, world: World, values: Values, *, recreating: bool) -> None:
        """Create the resource in its emulator.

        Args:
            recreating: Whether a killed run may have created it already.

        Raises:
            Refused: when the service would reject it.
        """

    def settle(self, world: World, values: Values) -> None:
        """Check that the resource works after its creation or update.

        Raises:
            NotReady: when it does not work. The resource stays.
        """

    def look(self, world: World, values: Values) -> Mapping[str, Any] | None:
        """Read the resource from its emulator: the inputs that differ; None if it was deleted.

        Args:
            values: Inputs, with secrets hidden, and computed outputs.
        """
        return {}

    def change(self, world: World, old: Values, new: Values) -> None:
        """Update the resource in its emulator."""

    def remove(self, world: World, values: Values) -> None:
        """Delete the resource from its emulator. A missing one is no error.

        Raises:
            Refused: when the service would refuse the deletion.
        """


def now(values: Values, world: World) -> str:
    """The current time in the format of the services."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def with_labels(**outputs: Computed) -> dict[str, Computed]:
    """The outputs with the effective labels, which equal the labels of the resource."""

    def own(values: Values, world: World) -> dict[str, Any]:
        return dict(values.get("labels") or {})

    return {**outputs, "effectiveLabels": own, "pulumiLabels": own}
