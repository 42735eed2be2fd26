"""An output port of another data product, as input."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alchemesh_components.input_ports.data_product_input.models import Args, Settings
from alchemesh_components.input_ports.data_product_input.spec import SPEC
from alchemesh_platform.sdk.component import Component
from alchemesh_platform.systems.mesh.resources import Subscription


class DataProductInput(Component[Args, Settings]):
    """Reads the connection of the other product's port, and reports a diff when it changes."""

    spec = SPEC

    def build(self) -> Mapping[str, Any]:
        """One subscription."""
        connections = self.subscription().connections
        return {"storage": connections.apply(_storage), "proxy": connections.apply(_proxy)}

    def subscription(self) -> Subscription:
        """The subscription to the origin, which the registry of the environment holds."""
        return Subscription(
            f"{self.name}-subscription",
            environment=self.wiring.environment,
            origin=self.wiring.origin or "",
            consumer=self.wiring.address,
            team=self.wiring.team or None,
            run_directory=self.run_directory(),
            opts=self.child_options,
        )

    def run_directory(self) -> str | None:
        """The folder of the credential for a guarded data API. Only this machine has it."""
        local = self.settings.local
        return str(Path(local.run, self.wiring.domain, self.wiring.product)) if local else None


def _storage(connections: Mapping[str, Any]) -> Any:
    return connections.get("storage")


def _proxy(connections: Mapping[str, Any]) -> Any:
    return connections.get("proxy")
