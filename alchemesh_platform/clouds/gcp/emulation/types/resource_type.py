"""What Google Cloud says of one resource type: its id, limits, what replaces it, what is computed, what it does.

Most types are one entry of a table: nothing shows them, so they are kept and can be asserted on. Those whose data an
emulator holds override what is done with it.
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
    """Another resource that has to be there.

    Args:
        type: Its Pulumi type.
        property: The input that names it; dots lead into objects.
        id: Its id where the input is only its name, ``{it}``, beside this resource's other values.
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
        """Its id; None where nothing is referred to, or something of another project, which is not known here."""
        given_id = self.given_id(values)
        if given_id is None:
            return None
        found = self.id.format_map({**values, "it": given_id}) if self.id and "/" not in given_id else given_id
        elsewhere = found.startswith("projects/") and found.split("/")[1] != values.get("project", found.split("/")[1])
        return None if elsewhere else found

    def there(self, world: World, identity: str) -> bool:
        """Whether it is there."""
        return world.store.get(self.type, identity) is not None

    def remedy(self, world: World, identity: str) -> str | None:
        """The remedy if it is missing and only an emulated cloud has one."""
        return None


@dataclass(frozen=True, kw_only=True)
class ResourceType:
    """One type of resource.

    Args:
        type: Pulumi type.
        id: The service's name for a resource of it, from its values: ``projects/{project}/topics/{name}``.
        service: The API that has to be enabled: ``pubsub.googleapis.com``.
        name: Its name, where Pulumi may make one up.
        replace_on: Inputs whose change makes it another resource.
        only_replaced: Whether every change does.
        limits: Checks of its inputs.
        references: Other resources that have to be there.
        region: The input that names where it is.
        defaults: Defaults of the service.
        numbered: Whether the service gives it a number, ``{number}`` in id and outputs.
        outputs: The computed outputs: a text with values in braces, or a function of values and world.
        secret_outputs: Which of them are secret.
        repeatable: Whether creating it again is no conflict: grants, and settings of a project.
        delete_before_replace: Whether the old one has to go first, whatever its name.
        how: Whether an emulator shows it, or it is only kept.
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
        """The number that the service gives to a new resource."""
        return secrets.randbelow(NUMBER_MAX) + 1

    def identify(self, values: Values) -> str:
        """The service's name for the resource."""
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
        """Where it is."""
        found = values.get(self.region) if self.region else None
        return (found,) if isinstance(found, str) else ()

    def knows_region(self, region: str) -> bool:
        """Whether there is such a place."""
        return region.lower() in REGIONS

    def taken(self, identity: str) -> Refused:
        """The refusal where one of that name is there already."""
        return exists(identity)

    def replacements(self, old: Values, new: Values, paths: Iterable[str]) -> frozenset[str]:
        """Which of the paths that differ make it another resource."""
        return frozenset(path for path in paths if self.only_replaced or top_level(path) in self.replace_on)

    def make(self, world: World, values: Values, *, recreating: bool) -> None:
        """Bring it into its emulator.

        Args:
            recreating: Whether a run that was killed may have made it already.

        Raises:
            Refused: when the service would not take it.
        """

    def settle(self, world: World, values: Values) -> None:
        """See that it works, once it is made or changed.

        Raises:
            NotReady: when it does not, and stays as it is.
        """

    def look(self, world: World, values: Values) -> Mapping[str, Any] | None:
        """How it is in its emulator: inputs that differ there; None when it is gone.

        Args:
            values: Inputs, with secrets hidden, and what was computed.
        """
        return {}

    def change(self, world: World, old: Values, new: Values) -> None:
        """Bring it to new values in its emulator."""

    def remove(self, world: World, values: Values) -> None:
        """Remove it from its emulator. A missing one is no error.

        Raises:
            Refused: when the service would not let it go.
        """


def now(values: Values, world: World) -> str:
    """The time, as the services write it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def with_labels(**outputs: Computed) -> dict[str, Computed]:
    """The outputs, with the effective labels: those of the resource, since nothing is added to them."""

    def own(values: Values, world: World) -> dict[str, Any]:
        return dict(values.get("labels") or {})

    return {**outputs, "effectiveLabels": own, "pulumiLabels": own}
