"""The emulated cloud of one environment: what is kept of it, and the emulators that hold its data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from alchemesh_platform.emulation.errors import Refused
from alchemesh_platform.emulation.rest import StorageRest
from alchemesh_platform.emulation.store import Store

# The number of a project cannot be known of a name: this is what the emulated ones have.
PROJECT_NUMBER = 123456789012


@dataclass(slots=True)
class World:
    """What the resources' kinds work on.

    Args:
        store: What is kept.
        storage_url: Where Cloud Storage's emulator listens; None where none runs.
        bigquery_url: The same of BigQuery.
        project: Project of resources that name none.
        region: Region of resources that name none.
    """

    store: Store
    storage_url: str | None = None
    bigquery_url: str | None = None
    project: str | None = None
    region: str | None = None

    def storage(self) -> StorageRest:
        """The emulated Cloud Storage.

        Raises:
            Refused: when its emulator does not run.
        """
        return StorageRest("Cloud Storage", _running("Cloud Storage", self.storage_url))

    def configure(self, *, project: str | None = None, region: str | None = None) -> None:
        """Take what the provider is configured with."""
        self.project = project or self.project
        self.region = region or self.region

    def settled(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Inputs with the provider's project and region where they name none."""
        defaults = {"project": self.project, "region": self.region}
        return {**{name: value for name, value in defaults.items() if value}, **inputs}


def _running(service: str, url: str | None) -> str:
    if url is None:
        raise Refused(503, f"the emulator of {service} does not run", hint="`alchemesh up --emulate` starts it")
    return url
