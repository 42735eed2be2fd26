"""A component and a foundation of a plan. `validate` needs these two, without the whole plan and its imports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from alchemesh_platform.base.problems import Location
from alchemesh_platform.sdk.spec import ComponentSpec, Role


@dataclass(frozen=True, slots=True)
class PlannedComponent:
    """One component of the product, with validated arguments.

    ``resource_name`` is the name of its Pulumi resource, unique in the product; names of its children start with it.
    ``args`` and ``settings`` are instances of the spec's models.
    """

    resource_name: str
    role: Role
    port: str
    component_type: str
    spec: ComponentSpec
    args: Any
    settings: Any
    path: str
    location: Location


@dataclass(frozen=True, slots=True)
class FoundationRef:
    """A foundation that the environment has for a product.

    ``project`` is the Pulumi project of its stack. ``outputs`` are the outputs of that stack; None if it is not
    deployed, or was not read.
    """

    role: Role
    project: str
    outputs: Mapping[str, Any] | None = None
