"""The server of other tests: it has our processors, and its canvas survives a kill."""

from __future__ import annotations

import gzip
import json
from typing import Any
from urllib.request import Request, urlopen

import pytest

from parts.nifi import Nifi
from tests.waiting import until

pytestmark = pytest.mark.slow


def ask(server: Nifi, path: str, body: Any = None) -> Any:
    request = Request(
        f"{server.url}{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urlopen(request, timeout=60) as answer:
        return json.load(answer)


def test_processors_are_available_and_the_flow_survives_a_kill(nifi_server: Nifi) -> None:
    server = nifi_server
    assert ask(server, "/flow/about")["about"]["version"] == "1.18.0"
    types = {found["type"] for found in ask(server, "/flow/processor-types")["processorTypes"]}
    assert {"alchemesh.nifi.ConsumeKafka", "alchemesh.nifi.PutGCSObject"} <= types
    assert {f"org.apache.nifi.processors.standard.{name}" for name in ("MergeContent", "RouteText")} <= types
    group = {"revision": {"version": 0}, "component": {"name": "kept", "position": {"x": 0, "y": 0}}}
    made = ask(server, "/process-groups/root/process-groups", group)
    flow = server.folder / "conf" / "flow.json.gz"
    # NiFi answers before it writes its flow, and a kill can lose an unwritten flow.
    until(lambda: b"kept" in gzip.decompress(flow.read_bytes()), what="the written flow")
    server.kill()
    server.start()
    groups = ask(server, "/process-groups/root/process-groups")["processGroups"]
    assert [found["id"] for found in groups if found["component"]["name"] == "kept"] == [made["id"]]
