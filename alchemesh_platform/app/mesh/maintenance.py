"""Announce, list and cancel maintenance of output ports."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alchemesh_platform.identity.identity import Identity
    from alchemesh_platform.levels.announce import MaintenanceState
    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.registry.records import MaintenanceRecord
    from alchemesh_platform.registry.store import Registry


@dataclass(frozen=True, slots=True)
class Maintenance:
    """An announced maintenance with its state."""

    record: MaintenanceRecord
    state: MaintenanceState

    def as_json(self) -> dict[str, Any]:
        """The maintenance as one JSON object."""
        document = self.record.model_dump(mode="json", exclude={"address"})
        return {**document, "state": self.state}


def announce(
    platform: Platform,
    actor: Identity,
    port: str,
    starts_at: datetime,
    ends_at: datetime,
    *,
    message: str = "",
) -> Maintenance:
    """Announce maintenance of a port, which uptime then leaves out.

    Args:
        platform: The environment.
        actor: The identity that announces. It needs the right to report about the product.
        port: Address of the output port.
        starts_at: Its start, a whole minute in the future.
        ends_at: Its end.
        message: Further information for consumers.

    Raises:
        UnknownPort: when the port does not exist; suggests the closest name.
        NotAllowed: when the actor may not report about the product.
        MaintenanceRefused: when it has started already, its times are impossible, or the contract does not allow it.
    """
    from alchemesh_platform.levels import announce as acts
    from alchemesh_platform.registry.store import Registry

    with Registry.open(platform.registry) as registry:
        address, now = _allowed(registry, platform, actor, port), registry.now()
        record = acts.announce(registry, platform.environment, address, starts_at, ends_at, actor, now, message=message)
        return Maintenance(record, acts.state_of(record, now))


def cancel(platform: Platform, actor: Identity, port: str, starts_at: datetime) -> Maintenance:
    """Cancel maintenance that has not started yet; see :func:`announce` for the arguments.

    Raises:
        UnknownPort: when the port does not exist; suggests the closest name.
        NotAllowed: when the actor may not report about the product.
        MaintenanceRefused: when there is no such maintenance, or it has started.
    """
    from alchemesh_platform.levels import announce as acts
    from alchemesh_platform.registry.store import Registry

    with Registry.open(platform.registry) as registry:
        address, now = _allowed(registry, platform, actor, port), registry.now()
        record = acts.cancel(registry, platform.environment, address, starts_at, actor, now)
        return Maintenance(record, acts.state_of(record, now))


def find(platform: Platform, port: str | None = None, *, past: bool = False) -> list[Maintenance]:
    """The announced maintenance of a port, or of the environment, by its start; none if no registry exists yet.

    Args:
        port: Address of the output port; None for all ports.
        past: Whether to include maintenance that is over or cancelled.
    """
    from alchemesh_platform.app.mesh.contracts import recorded_address
    from alchemesh_platform.app.observe import reading
    from alchemesh_platform.levels.announce import state_of
    from alchemesh_platform.registry.records import MaintenanceRecord

    with reading(platform) as registry:
        if registry is None:
            return []
        address = recorded_address(registry, platform.environment, port, None) if port is not None else None
        now = registry.now()
        found = [
            Maintenance(record, state_of(record, now))
            for record in registry.all(MaintenanceRecord, platform.environment)
            if address in (None, record.port)
        ]
    shown = [each for each in found if past or each.state in ("announced", "running")]
    return sorted(shown, key=lambda each: (each.record.starts_at, each.record.address))


def _allowed(registry: Registry, platform: Platform, actor: Identity, port: str) -> str:
    """The address of a port about whose product the actor may report."""
    from alchemesh_platform.app.mesh.contracts import recorded_address
    from alchemesh_platform.app.rights import check_right_to_report

    address = recorded_address(registry, platform.environment, port, None)
    check_right_to_report(registry, platform.environment, actor, address.rpartition("/")[0])
    return address
