"""The Pulumi program of a shared stack: the platform stack, or the stack of a domain."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pulumi

from alchemesh_platform.compose.foundation import Foundation
from alchemesh_platform.compose.plan import Kept
from alchemesh_platform.sdk.component import Component
from alchemesh_platform.systems.mesh import resources as mesh
from alchemesh_stacks.adoption import adoption


def deploy_foundation(
    foundation: Foundation, kept: Iterable[Kept] = (), *, recorded: bool = True
) -> Component[Any, Any]:
    """Declare a foundation; call it inside a Pulumi program.

    Its outputs are the stack's. With ``recorded`` the registry stores them too, last: products read
    them there. Resources in ``kept`` are imported instead of created.
    """
    taken = pulumi.ResourceOptions(transformations=[adoption(kept)])
    component = foundation.spec.component_class()(
        foundation.name, foundation.args, foundation.settings, foundation.wiring, taken
    )
    for name, value in component.outputs.items():
        pulumi.export(name, value)
    if recorded:
        record(foundation, component)
    return component


def record(foundation: Foundation, component: Component[Any, Any]) -> mesh.Foundation:
    """The record of the outputs, created after all other resources."""
    return mesh.Foundation(
        f"{foundation.name}-record",
        environment=foundation.wiring.environment,
        address=foundation.project,
        component=foundation.spec.name,
        outputs=dict(component.outputs),
        opts=pulumi.ResourceOptions(depends_on=[component]),
    )
