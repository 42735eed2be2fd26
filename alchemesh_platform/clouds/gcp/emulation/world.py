"""The emulated cloud of one environment: its store, and the emulators that hold its data."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from alchemesh_platform.clouds.gcp.emulation.api.bigquery import BigQueryRest
from alchemesh_platform.clouds.gcp.emulation.api.rest import Rest
from alchemesh_platform.clouds.gcp.emulation.api.storage import StorageRest
from alchemesh_platform.clouds.gcp.emulation.store import Store

STORAGE = "storage"
BIGQUERY = "bigquery"
RUN = "cloud-run"
# The number of a project does not follow from its name. Emulated projects have this number.
PROJECT_NUMBER = 123456789012


@dataclass(slots=True)
class World:
    """The emulated cloud that resource kinds work on.

    Args:
        store: The stored resources.
        address_of: Function that returns the address of a service's emulator, and starts it if it does not run.
        project: Default project of resources.
        region: Default region of resources.
        lock: Guards read-modify-write sequences.
    """

    store: Store
    address_of: Callable[[str], str]
    project: str | None = None
    region: str | None = None
    lock: threading.RLock = field(default_factory=threading.RLock)

    def storage(self) -> StorageRest:
        """The emulated Cloud Storage.

        Raises:
            EmulatorFailed: when its emulator does not start.
        """
        return StorageRest("Cloud Storage", self.address_of(STORAGE))

    def bigquery(self) -> BigQueryRest:
        """The emulated BigQuery.

        Raises:
            EmulatorMissing: when its emulator cannot be installed.
            EmulatorFailed: when its emulator does not start.
        """
        return BigQueryRest("BigQuery", self.address_of(BIGQUERY))

    def run(self) -> Rest:
        """The emulated Cloud Run.

        Raises:
            EmulatorFailed: when it does not start.
        """
        return Rest("Cloud Run", self.address_of(RUN))

    def configure(self, *, project: str | None = None, region: str | None = None) -> None:
        """Set the provider's project and region."""
        self.project = project or self.project
        self.region = region or self.region

    def settled(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Inputs, with the provider's project and region as defaults."""
        defaults = {"project": self.project, "region": self.region}
        return {**{name: value for name, value in defaults.items() if value}, **inputs}
