"""A dataflow on a server's canvas: its process group, found by our mark, with its content."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from alchemesh_platform.systems.nifi.flow.definition import Dataflow
from alchemesh_platform.systems.nifi.server import NifiFailed, NotFound, Server

Entity = dict[str, Any]  # as the REST interface gives it: revision, id, component, status, bulletins


@dataclass(frozen=True, slots=True)
class DeployedFlow:
    """A deployed dataflow. Components by name; connections by source, relationship and target (names)."""

    group: Entity
    context: Entity | None
    processors: Mapping[str, Entity]
    services: Mapping[str, Entity]
    connections: Mapping[tuple[str, str, str], Entity]

    @property
    def id(self) -> str:
        """Of the process group."""
        return str(self.group["id"])

    @property
    def queued(self) -> int:
        """Flow files that wait in all queues."""
        return int(self.group["status"]["aggregateSnapshot"]["flowFilesQueued"])


def find(server: Server, wanted: Dataflow) -> DeployedFlow | None:
    """The deployed dataflow, or None.

    Raises:
        NifiFailed: when its name is taken by a process group that is not ours.
    """
    context = find_context(server, wanted)
    groups = server.get(f"/process-groups/{wanted.parent}/process-groups")["processGroups"]
    ours = [group for group in groups if _is_ours(group, wanted, context)]
    if not ours:
        if any(_component(group).get("name") == wanted.name for group in groups):
            raise NifiFailed(
                f"NiFi at {server.url} has a process group {wanted.name!r} that is not of {wanted.owner}",
                hint=f"rename or remove it; or, to hand it over, write {wanted.marker!r} into its comments",
            )
        return None
    return _read(server, ours[0], context)


def find_context(server: Server, wanted: Dataflow) -> Entity | None:
    """The dataflow's parameter context, or None; by the owner in its name, since NiFi 1.x forgets descriptions."""
    for found in server.get("/flow/parameter-contexts")["parameterContexts"]:
        if str(_component(found).get("name") or "").endswith(wanted.context_ending):
            return dict(server.get(f"/parameter-contexts/{found['id']}"))
    return None


def observe_group(server: Server, group: str) -> Entity | None:
    """A process group with all that is in it, as the server shows it; None when it is gone."""
    try:
        return dict(server.get(f"/process-groups/{group}"))
    except NotFound:
        return None


def _read(server: Server, group: Entity, context: Entity | None) -> DeployedFlow:
    flow = server.get(f"/flow/process-groups/{group['id']}")["processGroupFlow"]["flow"]
    services = server.get(f"/flow/process-groups/{group['id']}/controller-services")["controllerServices"]
    names = {entity["id"]: entity["component"]["name"] for entity in flow["processors"]}
    connections = {}
    for entity in flow["connections"]:
        component = entity["component"]
        for relationship in component.get("selectedRelationships") or ():
            ends = [names.get(component[end]["id"], "") for end in ("source", "destination")]
            connections[ends[0], relationship, ends[1]] = entity
    own = [entity for entity in services if entity["component"]["parentGroupId"] == group["id"]]
    return DeployedFlow(
        group=group,
        context=context,
        processors={entity["component"]["name"]: entity for entity in flow["processors"]},
        services={entity["component"]["name"]: entity for entity in own},
        connections=connections,
    )


def _is_ours(group: Entity, wanted: Dataflow, context: Entity | None) -> bool:
    """By its comments; or by its parameter context, since NiFi 1.x takes comments only once the group is there."""
    component = _component(group)
    reference = component.get("parameterContext") or {}
    return wanted.marker in str(component.get("comments") or "").splitlines() or (
        context is not None and reference.get("id") == context["id"]
    )


def _component(entity: Entity) -> Mapping[str, Any]:
    """The readable part of an entity: nothing if the user lacks the right."""
    return entity.get("component") or {}
