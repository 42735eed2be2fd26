"""Starting and stopping: one processor, one controller service, or a whole dataflow."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.systems.nifi.flow.canvas import DeployedFlow, Entity
from alchemesh_platform.systems.nifi.flow.definition import Dataflow
from alchemesh_platform.systems.nifi.flow.deviation import RUNNING
from alchemesh_platform.systems.nifi.server import WAIT_SECONDS, NifiFailed, Server

DISABLED = "DISABLED"  # a user not only stopped it but also disabled it
_REASONS_MAX = 5  # maximum number of reasons in a message


def set_processor(server: Server, entity: Entity, state: Literal["RUNNING", "STOPPED"]) -> None:
    """Start or stop a processor, and wait until it has the state. After a stop, also wait until its threads end.

    A processor that a user disabled is first set to stopped, and then started.

    Raises:
        NifiFailed: when it does not stop in time.
    """
    path = f"/processors/{entity['id']}"

    def turn(found: Entity, to: str) -> Entity:
        body = {"revision": found["revision"], "state": to, "disconnectedNodeAcknowledged": False}
        return dict(server.put(f"{path}/run-status", body))

    def attempt() -> None:
        found = server.get(path)
        now = found["component"]["state"]
        if now == DISABLED and state == "RUNNING":
            found = turn(found, "STOPPED")  # https://github.com/apache/nifi, StandardProcessorDAO.verifyUpdate
        if now != state:
            turn(found, state)

    server.insist(attempt)
    if state == "STOPPED":
        found = server.wait(lambda: server.get(path), _is_still)
        if not _is_still(found):
            name = found["component"]["name"]
            raise NifiFailed(
                f"processor {name!r} does not stop: {_threads(found)} threads run after {WAIT_SECONDS:g} s",
                hint=remedy(
                    "terminate {} in NiFi (what it works on goes back into its queue), then {}",
                    repr(name),
                    command("up"),
                ),
            )


def set_service(server: Server, entity: Entity, state: Literal["ENABLED", "DISABLED"]) -> None:
    """Enable or disable a controller service, and wait until it has the state.

    Raises:
        NifiFailed: when that is impossible or takes too long, with NiFi's messages about its configuration.
    """
    path = f"/controller-services/{entity['id']}"

    def attempt() -> Any:
        found = server.get(path)
        if found["component"]["state"] == state:
            return found
        return server.put(f"{path}/run-status", {"revision": found["revision"], "state": state})

    settled = _settled(server, path)
    if state == "ENABLED" and settled["component"].get("validationStatus") == "INVALID":
        raise NifiFailed(
            f"controller service {settled['component']['name']!r} cannot be enabled: {_errors(settled)}",
            hint="the names are those on NiFi's screen",
        )
    server.insist(attempt)
    found = server.wait(lambda: server.get(path), lambda now: now["component"]["state"] == state)
    if found["component"]["state"] != state:
        raise NifiFailed(
            f"controller service {found['component']['name']!r} is {found['component']['state'].lower()}, "
            f"not {state.lower()}: {_errors(found) or 'it gives no reason'}",
            hint="its bulletins in NiFi say more",
        )


def start(server: Server, deployed: DeployedFlow, wanted: Dataflow) -> None:
    """Start all processors, receivers before sources. If one cannot start, none is started.

    Raises:
        NifiFailed: when a processor is invalid, with NiFi's reasons for each.
    """
    invalid = []
    for name in wanted.processors:
        if deployed.processors[name]["component"]["state"] == DISABLED:  # NiFi does not validate a disabled processor
            set_processor(server, deployed.processors[name], "STOPPED")
        found = _settled(server, f"/processors/{deployed.processors[name]['id']}")
        if found["component"].get("validationStatus") == "INVALID":
            invalid.append(f"processor {name!r}: {_errors(found)}")
    if invalid:
        raise NifiFailed(
            f"dataflow {wanted.name!r} cannot start: {'; '.join(invalid)}",
            hint="the names are those on NiFi's screen; set them in the dataflow's properties or parameters",
        )
    for name in reversed(list(wanted.processors)):
        set_processor(server, deployed.processors[name], "RUNNING")


def stop(server: Server, deployed: DeployedFlow, names: Iterable[str]) -> None:
    """Stop processors, in the given order."""
    for name in names:
        if name in deployed.processors:
            set_processor(server, deployed.processors[name], "STOPPED")


def _settled(server: Server, path: str) -> Entity:
    """Read a component once NiFi has validated it, which it does in the background."""
    return dict(
        server.wait(lambda: server.get(path), lambda found: found["component"].get("validationStatus") != "VALIDATING")
    )


def _is_still(found: Entity) -> bool:
    return found["component"]["state"] not in RUNNING and _threads(found) == 0


def _threads(found: Entity) -> int:
    return int(found.get("status", {}).get("aggregateSnapshot", {}).get("activeThreadCount") or 0)


def _errors(found: Entity) -> str:
    errors = found["component"].get("validationErrors") or []
    return ", ".join(errors[:_REASONS_MAX])
