"""Show incidents, let people act on them, and deliver their notifications."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alchemesh_platform.identity.identity import Identity
    from alchemesh_platform.incidents.incident import Incident
    from alchemesh_platform.incidents.notifying.outbox import Waiting
    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.registry.store import Registry


@dataclass(frozen=True, slots=True)
class Incidents:
    """The incidents of an environment or of a product.

    Args:
        incidents: Open ones first, then the newest.
        waiting: Notifications that a receiver did not accept, and that wait for the next attempt.
    """

    environment: str
    incidents: tuple[Incident, ...]
    waiting: tuple[Waiting, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The incidents as one JSON object."""
        return {
            "environment": self.environment,
            "incidents": [each.as_json() for each in self.incidents],
            "waiting": [each.as_json() for each in self.waiting],
        }


def find(platform: Platform, product: str | None = None, *, closed: bool = False) -> Incidents:
    """The incidents of a product, or of the environment; none if no registry exists yet.

    Args:
        product: ``domain/product``; None for all.
        closed: Whether to include those that ended.
    """
    from alchemesh_platform.app.observe import reading
    from alchemesh_platform.incidents.notifying.outbox import waiting
    from alchemesh_platform.incidents.store import find_incidents, newest

    environment = platform.environment
    with reading(platform) as registry:
        if registry is None:
            return Incidents(environment, ())
        found = find_incidents(registry, environment, [product] if product else None, closed=closed)
        waits = waiting(registry, environment, platform.notify)
    return Incidents(environment, tuple(newest(found)), tuple(waits))


def show(platform: Platform, name: str) -> Incident:
    """An incident.

    Raises:
        NoSuchIncident: when there is no incident with that id.
        RegistryUnavailable: when the registry cannot be used.
    """
    from alchemesh_platform.incidents.store import incident_of
    from alchemesh_platform.registry.store import Registry

    with Registry.open(platform.registry, create=False) as registry:
        return incident_of(registry, platform.environment, name)


def acknowledge(platform: Platform, actor: Identity, name: str, text: str = "") -> Incident:
    """Record that a person works on an open incident.

    Raises:
        NotAllowed: when the person may not report about the product.
        NoSuchIncident: when there is no incident with that id.
        IncidentRefused: when it is closed.
    """
    from alchemesh_platform.incidents import acts

    return _act(
        platform,
        actor,
        name,
        lambda registry: acts.acknowledge(registry, platform.environment, name, actor, registry.now(), text),
    )


def note(platform: Platform, actor: Identity, name: str, text: str) -> Incident:
    """Add a note to an incident.

    Raises:
        NotAllowed: when the person may not report about the product.
        NoSuchIncident: when there is no incident with that id.
        IncidentRefused: when the note is empty or too long.
    """
    from alchemesh_platform.incidents import acts

    return _act(
        platform,
        actor,
        name,
        lambda registry: acts.note(registry, platform.environment, name, actor, registry.now(), text),
    )


def snooze(platform: Platform, actor: Identity, name: str, until: datetime, text: str = "") -> Incident:
    """Send no notifications of an open incident until a time.

    Raises:
        NotAllowed: when the person may not report about the product.
        NoSuchIncident: when there is no incident with that id.
        IncidentRefused: when it is closed, or the time is in the past or too late.
    """
    from alchemesh_platform.incidents import acts

    return _act(
        platform,
        actor,
        name,
        lambda registry: acts.snooze(registry, platform.environment, name, actor, registry.now(), until, text),
    )


def send_news(platform: Platform, note: Callable[[str], None] = lambda _line: None) -> None:
    """Deliver the notifications of incidents that are due. No failure of a receiver fails the caller.

    Args:
        note: Receives a line for each receiver that did not accept a notification.
    """
    from alchemesh_platform.app.observe import reading
    from alchemesh_platform.base.failure import Failure
    from alchemesh_platform.incidents.notifying.outbox import deliver

    if platform.notify is None:
        return
    failures: tuple[Failure, ...] = ()
    try:
        with reading(platform) as registry:
            if registry is not None:
                failures = deliver(registry, platform.environment, platform.notify, registry.now()).failures
    except Failure as failure:
        failures = (failure,)
    for each in failures:
        note(f"note: {each.message}; {each.hint}" if each.hint else f"note: {each.message}")


def end_unpromised(platform: Platform, product: str) -> None:
    """Close the incidents of commitments that a product no longer has, after its deployment or removal."""
    from alchemesh_platform.app.observe import reading
    from alchemesh_platform.incidents import evaluate

    with reading(platform) as registry:
        if registry is not None:
            evaluate.end_unpromised(registry, platform.environment, product, registry.now())


def _act(platform: Platform, actor: Identity, name: str, act: Callable[[Registry], Incident]) -> Incident:
    from alchemesh_platform.app.rights import check_right_to_report
    from alchemesh_platform.incidents.store import incident_of
    from alchemesh_platform.registry.store import Registry

    with Registry.open(platform.registry, create=False) as registry:
        product = incident_of(registry, platform.environment, name).product
        check_right_to_report(registry, platform.environment, actor, product)
        return act(registry)
