"""The Pulumi program of what products stand on: a platform's own infrastructure, or that of a domain."""

from __future__ import annotations

from typing import Any

import pulumi

from alchemesh_platform.component import Component
from alchemesh_platform.compose.foundation import Foundation


def deploy_foundation(foundation: Foundation) -> Component[Any, Any]:
    """Declare a foundation; call it inside a Pulumi program. Its outputs are the stack's, for others to refer to."""
    component = foundation.spec.component_class()(
        foundation.name, foundation.args, foundation.settings, foundation.wiring
    )
    for name, value in component.outputs.items():
        pulumi.export(name, value)
    return component
