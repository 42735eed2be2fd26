"""A dataflow on a server's canvas: its process group, found by the platform's mark, with its content."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from alchemesh_platform.systems.nifi.flow.definition import Dataflow
from alchemesh_platform.systems.nifi.server import NifiFailed, NotFound, Server

Entity = dict[str, Any]  # in the form of the REST interface: revision, id, component, status, bulletins


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
        """Id of the process group."""
        return str(self.group["id"])

    @property
    def queued(self) -> int:
        """The number of queued flow files."""
        return int(self.group["status"]["aggregateSnapshot"]["flowFilesQueued"])


def find(server: Server, wanted: Dataflow) -> DeployedFlow | None:
    """The deployed dataflow, or None.

    Raises:
        NifiFailed: when a process group of another owner has its name.
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
    """The dataflow's parameter context, or None.

    It is found by the owner in its name, since NiFi 1.x loses descriptions.
    """
    for found in server.get("/flow/parameter-contexts")["parameterContexts"]:
        if str(_component(found).get("name") or "").endswith(wanted.context_ending):
            return dict(server.get(f"/parameter-contexts/{found['id']}"))
    return None


def observe_group(server: Server, group: str) -> Entity | None:
    """A process group with its content, as the server returns it; None if it does not exist."""
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
    """Whether the platform owns a group, by its comments or its parameter context.

    NiFi 1.x accepts comments only after the group is created."""
    component = _component(group)
    reference = component.get("parameterContext") or {}
    return wanted.marker in str(component.get("comments") or "").splitlines() or (
        context is not None and reference.get("id") == context["id"]
    )


def _component(entity: Entity) -> Mapping[str, Any]:
    """The readable part of an entity: nothing if the user lacks the right."""
    return entity.get("component") or {}
