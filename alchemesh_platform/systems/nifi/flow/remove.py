"""Removes a dataflow without losing its data: stops the source, drains the queues, and only then deletes anything."""

from __future__ import annotations

from typing import Any

from alchemesh_platform.systems.nifi.flow.canvas import DeployedFlow, Entity, find, find_context
from alchemesh_platform.systems.nifi.flow.definition import Dataflow, sources
from alchemesh_platform.systems.nifi.flow.deviation import RUNNING
from alchemesh_platform.systems.nifi.flow.running import set_processor, set_service, stop
from alchemesh_platform.systems.nifi.server import NifiFailed, NotFound, Server


class StillQueued(NifiFailed):
    """Raised when data is still queued after the time limit. The dataflow stays, with a stopped source and its data."""


def take_down(server: Server, wanted: Dataflow, drain_seconds: float) -> None:
    """Remove a dataflow, its process group and its parameter context. Missing parts are no error.

    Raises:
        StillQueued: when its queues are not empty after the time limit.
    """
    deployed = find(server, wanted)
    if deployed is not None:
        clear(server, deployed, wanted, drain_seconds)
        _remove(server, f"/process-groups/{deployed.id}")
    context = find_context(server, wanted)
    if context is not None:
        _remove(server, f"/parameter-contexts/{context['id']}")


def clear(server: Server, deployed: DeployedFlow, wanted: Dataflow, drain_seconds: float) -> None:
    """Drain a dataflow's queues and remove all that is in its process group.

    Raises:
        StillQueued: when its queues are not empty after the time limit.
    """
    drain(server, deployed, wanted, drain_seconds)
    stop(server, deployed, deployed.processors)
    for entity in deployed.connections.values():
        _remove(server, f"/connections/{entity['id']}")
    for entity in deployed.processors.values():
        _remove(server, f"/processors/{entity['id']}")
    for entity in deployed.services.values():
        set_service(server, entity, "DISABLED")
    for entity in deployed.services.values():
        _remove(server, f"/controller-services/{entity['id']}")


def drain(server: Server, deployed: DeployedFlow, wanted: Dataflow, seconds: float) -> None:
    """Stop the source processors, and let the others process the queued data.

    Raises:
        StillQueued: when data is still queued after the time limit, with the queue and NiFi's messages.
    """
    inward = sources(wanted.processors)
    stop(server, deployed, inward)
    if _queued(server, deployed):
        _hurry(server, deployed, wanted)
        for name, entity in deployed.processors.items():
            if name not in inward and not _is_invalid(entity):
                set_processor(server, entity, "RUNNING")
    left = server.wait(lambda: _queued(server, deployed), lambda count: count == 0, seconds)
    if left:
        raise StillQueued(
            f"dataflow {wanted.name!r} still has {left:,} flow files queued after {seconds:g} s"
            f"{_where(server, deployed)}",
            hint="nothing is lost: its source is stopped, and the rest continues. Fix the processors that hold them "
            "and run it again, or give it more time: settings.nifi.drain of the platform file, deployed before",
        )


def _hurry(server: Server, deployed: DeployedFlow, wanted: Dataflow) -> None:
    """Release batches that are not full yet."""
    for name, declared in wanted.processors.items():
        entity = deployed.processors.get(name)
        if entity is not None and declared.when_draining:
            set_processor(server, entity, "STOPPED")
            body = {"component": {"id": entity["id"], "config": {"properties": dict(declared.when_draining)}}}
            server.change(f"/processors/{entity['id']}", lambda _, body=body: body)  # type: ignore[misc]


def _queued(server: Server, deployed: DeployedFlow) -> int:
    status = server.get(f"/flow/process-groups/{deployed.id}/status", recursive="true")
    return int(status["processGroupStatus"]["aggregateSnapshot"]["flowFilesQueued"])


def _where(server: Server, deployed: DeployedFlow) -> str:
    status = server.get(f"/flow/process-groups/{deployed.id}/status", recursive="true")
    snapshot = status["processGroupStatus"]["aggregateSnapshot"]
    waiting = [
        f"before {found['connectionStatusSnapshot']['destinationName']}"
        for found in snapshot.get("connectionStatusSnapshots") or ()
        if found["connectionStatusSnapshot"]["flowFilesQueued"]
    ]
    messages = [str(one["bulletin"]["message"]) for one in bulletins(server, deployed.id)[:1]]
    places = f", {' and '.join(dict.fromkeys(waiting))}" if waiting else ""
    return f"{places}{f'; NiFi says: {messages[0]}' if messages else ''}"


def bulletins(server: Server, group: str) -> list[dict[str, Any]]:
    """The error messages of a process group's components in the last five minutes, newest first."""
    found = server.get("/flow/bulletin-board", groupId=group)["bulletinBoard"]["bulletins"]
    return sorted((one for one in found if one.get("bulletin")), key=lambda one: -int(one["id"]))


def _is_invalid(entity: Entity) -> bool:
    component = entity["component"]
    return component.get("validationStatus") == "INVALID" and component["state"] not in RUNNING


def _remove(server: Server, path: str) -> None:
    """Delete an entity, whatever its revision. NiFi answers with a conflict while components are still stopping."""

    def attempt() -> None:
        try:
            revision = server.get(path)["revision"]
        except NotFound:
            return
        server.delete(path, revision)

    server.insist(attempt)
