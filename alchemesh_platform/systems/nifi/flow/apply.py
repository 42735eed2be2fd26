"""Creates or updates a dataflow to match its declaration, one component at a time.

A run finds the components of a killed run by name and mark, and resumes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.systems.nifi.flow.canvas import DeployedFlow, Entity, find
from alchemesh_platform.systems.nifi.flow.definition import Dataflow
from alchemesh_platform.systems.nifi.flow.deviation import (
    ENABLED,
    RUNNING,
    Deviation,
    configuration,
    deviations,
    names_on_screen,
    properties_of,
    relationships_of,
    routes_of,
    unknown_properties,
    wanted_properties,
)
from alchemesh_platform.systems.nifi.flow.parameters import Written, apply_context
from alchemesh_platform.systems.nifi.flow.remove import clear
from alchemesh_platform.systems.nifi.flow.running import set_processor, set_service, start, stop
from alchemesh_platform.systems.nifi.installed import Choice, Chosen, choose
from alchemesh_platform.systems.nifi.server import NifiFailed, NotFound, Server

_COLUMN, _ROW = 420, 220  # pixels between two processors on the screen


def apply(server: Server, wanted: Dataflow, written: Written, drain_seconds: float) -> tuple[DeployedFlow, Written]:
    """Create or update a dataflow to match its declaration.

    Args:
        server: The server.
        wanted: The declared dataflow.
        written: Digests of its sensitive parameters.
        drain_seconds: Time for queues to drain before processors or connections are removed.

    Returns:
        The current dataflow, and the digests to store.

    Raises:
        NifiFailed: when the server refuses it; the next call resumes.
    """
    choice = choose(server, wanted)
    find(server, wanted)  # report a name that is in use before creating anything
    try:
        return _apply(server, wanted, written, drain_seconds, choice)
    except NotFound as error:
        raise _group_missing(wanted) from error


def _apply(
    server: Server, wanted: Dataflow, written: Written, drain_seconds: float, choice: Choice
) -> tuple[DeployedFlow, Written]:
    context, written = apply_context(server, wanted, written)
    deployed = _apply_group(server, wanted, context)
    if _is_rebuilt(deployed, wanted, choice):
        clear(server, deployed, wanted, drain_seconds)
        deployed = _deployed(server, wanted)
    _make_components(server, deployed, choice)
    deployed = _deployed(server, wanted)
    _know_properties(server, deployed, choice)
    _apply_services(server, deployed, wanted, choice)
    _apply_processors(server, deployed, wanted, choice)
    _apply_routes(server, _deployed(server, wanted), wanted)
    if wanted.state == "running":
        start(server, _deployed(server, wanted), wanted)
    else:
        stop(server, _deployed(server, wanted), wanted.processors)
    deployed = _deployed(server, wanted)
    # The first reference to a parameter increments the version of the context.
    version = int(deployed.context["revision"].get("version") or 0) if deployed.context else 0
    return deployed, Written(written.salt, written.digests, version)


def rebuild_reasons(found: Iterable[Deviation], deployed: DeployedFlow, wanted: Dataflow) -> list[Deviation]:
    """Deviations whose correction removes a component that may hold data: a type, a processor, or a connection."""
    reasons = [one for one in found if one.path.endswith(".type") and one.found is not None]
    reasons += [one for one in found if ".routes." in one.path and one.declared is None]
    reasons += [
        Deviation(f"processors.{name}", None, "a processor")
        for name in deployed.processors
        if name not in wanted.processors
    ]
    return reasons


def _is_rebuilt(deployed: DeployedFlow, wanted: Dataflow, choice: Choice) -> bool:
    return bool(rebuild_reasons(deviations(deployed, wanted, choice), deployed, wanted))


def _deployed(server: Server, wanted: Dataflow) -> DeployedFlow:
    deployed = find(server, wanted)
    if deployed is None:
        raise _group_missing(wanted)
    return deployed


def _group_missing(wanted: Dataflow) -> NifiFailed:
    return NifiFailed(
        f"dataflow {wanted.name!r}, or a part of it, went away while it was worked on",
        hint=remedy(
            "NiFi restarted before it saved the change (it saves every half second), or another user removed it: "
            "run {} again",
            command("up"),
        ),
    )


def _apply_group(server: Server, wanted: Dataflow, context: Entity) -> DeployedFlow:
    reference = {"id": context["id"]}
    deployed = find(server, wanted)
    if deployed is None:
        component = {"name": wanted.name, "position": {"x": 0, "y": 0}, "parameterContext": reference}
        server.post(
            f"/process-groups/{wanted.parent}/process-groups", {"revision": {"version": 0}, "component": component}
        )
        deployed = _deployed(server, wanted)
    path = f"/process-groups/{deployed.id}"

    def edit(entity: Entity) -> dict[str, Any] | None:
        now = entity["component"]
        lines = str(now.get("comments") or "").splitlines()
        marked = wanted.marker in lines and now["name"] == wanted.name
        if marked and (now.get("parameterContext") or {}).get("id") == context["id"]:
            return None
        comments = "\n".join(lines if wanted.marker in lines else [*lines, wanted.marker])
        component = {"id": deployed.id, "name": wanted.name, "comments": comments, "parameterContext": reference}
        return {"component": component}

    before = deployed.group["component"].get("parameterContext") or {}
    if before.get("id") != context["id"]:  # NiFi allows the change only while nothing runs
        stop(server, deployed, deployed.processors)
    server.change(path, edit)
    return _deployed(server, wanted)


def _make_components(server: Server, deployed: DeployedFlow, choice: Choice) -> None:
    for name, chosen in choice.services.items():
        if name not in deployed.services:
            component: dict[str, Any] = {"name": name, "type": chosen.variant.type, "bundle": dict(chosen.bundle)}
            server.post(
                f"/process-groups/{deployed.id}/controller-services",
                {"revision": {"version": 0}, "component": component},
            )
    for at, (name, chosen) in enumerate(choice.processors.items()):
        if name not in deployed.processors:
            position = {"x": _COLUMN * (at % 3), "y": _ROW * (at // 3)}
            component = {
                "name": name,
                "type": chosen.variant.type,
                "bundle": dict(chosen.bundle),
                "position": position,
            }
            server.post(
                f"/process-groups/{deployed.id}/processors", {"revision": {"version": 0}, "component": component}
            )


def _know_properties(server: Server, deployed: DeployedFlow, choice: Choice) -> None:
    """Make sure that types have the declared properties.

    NiFi would accept an unknown name as a user-defined property.
    """
    parts: list[tuple[str, Entity, Chosen]] = [
        (f"controller service {name!r}", deployed.services[name], chosen) for name, chosen in choice.services.items()
    ]
    parts += [(f"processor {name!r}", deployed.processors[name], chosen) for name, chosen in choice.processors.items()]
    for what, entity, chosen in parts:
        if unknown := unknown_properties(entity, chosen):
            raise NifiFailed(
                f"{what}: {chosen.variant.type} of NiFi {server.version} has no property "
                f"{' and none '.join(map(repr, unknown))}",
                hint=f"it has {', '.join(names_on_screen(entity))}",
            )


def _apply_services(server: Server, deployed: DeployedFlow, wanted: Dataflow, choice: Choice) -> None:
    """Change services that differ. For a change, the service is disabled and the components that use it stop."""
    for name, chosen in choice.services.items():
        entity = deployed.services[name]
        properties = wanted_properties(entity, chosen, deployed.services)
        if _differs(entity, properties):
            if entity["component"]["state"] in ENABLED:
                stop(server, deployed, wanted.processors)
                set_service(server, entity, "DISABLED")
            body = {"component": {"id": entity["id"], "properties": properties}}
            server.change(f"/controller-services/{entity['id']}", lambda _, body=body: body)  # type: ignore[misc]
        set_service(server, entity, "ENABLED")


def _apply_processors(server: Server, deployed: DeployedFlow, wanted: Dataflow, choice: Choice) -> None:
    """Change processors that differ, one after the other. Only the changed one stops."""
    for name, chosen in choice.processors.items():
        entity = deployed.processors[name]
        properties = wanted_properties(entity, chosen, deployed.services)
        settings = configuration(wanted.processors[name], relationships_of(entity))
        found = [one for one in deviations(deployed, wanted, choice) if one.path.startswith(f"processors.{name}.")]
        if not _differs(entity, properties) and not found:
            continue
        was_running = entity["component"]["state"] in RUNNING
        if was_running:
            set_processor(server, entity, "STOPPED")
        body = {"component": {"id": entity["id"], "config": {**settings, "properties": properties}}}
        now = server.change(f"/processors/{entity['id']}", lambda _, body=body: body)  # type: ignore[misc]
        if was_running and wanted.state == "running" and now["component"].get("validationStatus") == "VALID":
            set_processor(server, now, "RUNNING")


def _apply_routes(server: Server, deployed: DeployedFlow, wanted: Dataflow) -> None:
    for source, relationship, target in sorted(routes_of(wanted.processors, deployed.processors)):
        if (source, relationship, target) not in deployed.connections:
            ends = [
                {"id": deployed.processors[end]["id"], "groupId": deployed.id, "type": "PROCESSOR"}
                for end in (source, target)
            ]
            component = {"source": ends[0], "destination": ends[1], "selectedRelationships": [relationship]}
            set_processor(server, deployed.processors[source], "STOPPED")
            server.post(
                f"/process-groups/{deployed.id}/connections", {"revision": {"version": 0}, "component": component}
            )


def _differs(entity: Entity, properties: dict[str, str | None]) -> bool:
    found = properties_of(entity)
    return any(
        (found.get(name) or None) != (value or None) and not _is_masked(found.get(name), value)
        for name, value in properties.items()
    )


def _is_masked(found: str | None, value: str | None) -> bool:
    return value is not None and found is not None and set(found) == {"*"}
