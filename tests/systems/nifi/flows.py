"""Dataflows for tests, of NiFi's standard processors: flow files are generated, batched, and dropped or kept.

``both_releases`` and ``both_secured`` run a test on each release.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from alchemesh_platform.systems.nifi.server import Server

STANDARD = "org.apache.nifi.processors.standard."
DATAFLOW = "alchemesh:nifi:Dataflow"

Tree = dict[str, Any]

_IDS = ("1.18", "2.3")
both_releases = pytest.mark.parametrize("real_nifi", ["nifi_server", "nifi_2_server"], ids=_IDS, indirect=True)
both_secured = pytest.mark.parametrize(
    "secured", ["secured_nifi_server", "secured_nifi_2_server"], ids=_IDS, indirect=True
)


def dataflow(url: str, name: str, **changes: Any) -> Tree:
    """Inputs of a dataflow that makes a flow file every second, batches them for a minute, and drops them."""
    return {
        "server": url,
        "name": name,
        "owner": f"aviation/flights/{name}",
        "parameters": {"text": "hello", "level": "info"},
        "sensitiveParameters": {"password": "hunter2-hunter2"},
        "processors": processors(),
        "drainSeconds": 60.0,
        **changes,
    }


def processors() -> Tree:
    """Source, batch and end."""
    return {
        "make": {
            "variants": [
                {"type": "org.example.NowhereToBeHad"},
                # By the name on the screen; the interface calls it generate-ff-custom-text.
                {"type": f"{STANDARD}GenerateFlowFile", "properties": {"Custom Text": "#{text}"}},
            ],
            "routes": {"success": ["batch"]},
            "schedule": "200 ms",
        },
        "batch": {
            "variants": [
                {
                    "type": f"{STANDARD}MergeContent",
                    "properties": {"Minimum Number of Entries": "1000", "Max Bin Age": "60 sec"},
                }
            ],
            "routes": {"merged": ["end"], "original": [], "failure": []},
            "when_draining": {"Max Bin Age": "1 sec"},
        },
        "end": {
            "variants": [{"type": f"{STANDARD}LogAttribute", "properties": {"Log Level": "debug"}}],
            "routes": {"success": []},
        },
    }


def with_property(tree: Tree, processor: str, name: str, value: str) -> Tree:
    """The same inputs with one property of a processor's last variant changed."""
    found = tree["processors"][processor]
    *others, last = found["variants"]
    variant = {**last, "properties": {**last.get("properties", {}), name: value}}
    return {**tree, "processors": {**tree["processors"], processor: {**found, "variants": [*others, variant]}}}


def group_of(server: Server, name: str) -> Tree:
    """The one process group of a name."""
    groups = server.get("/process-groups/root/process-groups")["processGroups"]
    (found,) = [group for group in groups if group["component"]["name"] == name]
    return dict(found)


def named(server: Server, name: str) -> int:
    """Number of process groups with a name."""
    groups = server.get("/process-groups/root/process-groups")["processGroups"]
    return sum(group["component"]["name"] == name for group in groups)


def processors_of(server: Server, name: str) -> dict[str, Tree]:
    """Processors of a process group, by name."""
    flow = server.get(f"/flow/process-groups/{group_of(server, name)['id']}")["processGroupFlow"]["flow"]
    return {entity["component"]["name"]: entity for entity in flow["processors"]}


def edit_by_hand(server: Server, name: str, processor: str, configuration: Mapping[str, Any]) -> None:
    """The steps of a user on the screen: stop a processor, change it, start it."""
    entity = processors_of(server, name)[processor]
    path = f"/processors/{entity['id']}"
    run_by_hand(server, name, processor, "STOPPED")
    server.change(path, lambda found: {"component": {"id": found["id"], "config": dict(configuration)}})
    run_by_hand(server, name, processor, "RUNNING")


def run_by_hand(server: Server, name: str, processor: str, state: str) -> None:
    """Start or stop a processor on the screen."""
    path = f"/processors/{processors_of(server, name)[processor]['id']}"
    server.insist(lambda: server.put(f"{path}/run-status", {"revision": server.get(path)["revision"], "state": state}))
