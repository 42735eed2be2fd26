"""A creation that fails half-way, under the real engine: its parts are recorded, and removed with its declaration."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from alchemesh_platform.engine.install.find import Engine
from alchemesh_platform.systems.nifi.server import Server
from parts.nifi import Nifi
from tests.systems.nifi.simulated.constructed import Refused, constructed
from tests.systems.nifi.simulated.test_server_faults import TYPES, dataflow

from .deploying import deployment
from .flows import dataflow as standard_dataflow
from .flows import named, processors_of, with_property

pytestmark = pytest.mark.engine

BROKEN = Refused(500, "An unexpected error has occurred")


def test_the_next_run_resumes_a_failed_creation(tmp_path: Path, engine: Engine) -> None:
    with constructed(types=TYPES) as nifi, deployment(tmp_path, engine, flow=dataflow(nifi.url)) as stack:
        nifi.fails = on("/run-status")
        reported = stack.refused("up")
        assert reported.startswith(f"NiFi at {nifi.url} answers PUT /processors/")
        assert reported.endswith("with 500: An unexpected error has occurred")
        assert kinds(nifi.entities) == ["context", "group", "processor"]
        recorded = stack.state["flow"]
        assert (recorded["id"], recorded["initErrors"]) == ("a/b/c", [reported])
        nifi.fails = nothing
        assert stack.done("up") == ["update"]
        assert "initErrors" not in stack.state["flow"]
        assert stack.state["flow"]["outputs"]["health"] == "healthy"
        assert stack.done("up") == ["same"]
        assert kinds(nifi.entities) == ["context", "group", "processor"]


def test_a_failed_creation_leaves_nothing_when_it_is_no_longer_declared(tmp_path: Path, engine: Engine) -> None:
    """The process group once stayed forever: no record named it any more."""
    with constructed(types=TYPES) as nifi, deployment(tmp_path, engine, flow=dataflow(nifi.url)) as stack:
        nifi.fails = on("/run-status")
        stack.refused("up")
        nifi.fails = nothing
        stack.flows.clear()
        assert stack.done("up") == ["delete"]
        assert nifi.entities == {}
        assert stack.state == {}


def test_a_refresh_finds_a_failed_creation_and_removes_it(tmp_path: Path, engine: Engine) -> None:
    with constructed(types=TYPES) as nifi, deployment(tmp_path, engine, flow=dataflow(nifi.url)) as stack:
        nifi.fails = on("/run-status")
        stack.refused("up")
        nifi.fails = nothing
        assert stack.done("refresh") == ["refresh"]
        assert stack.state["flow"]["inputs"]["state"] == "stopped"
        assert stack.done("destroy") == ["delete"]
        assert nifi.entities == {}


def test_a_creation_that_never_began_records_nothing(tmp_path: Path, engine: Engine) -> None:
    refused = Refused(403, "No applicable policies could be found.")
    with constructed(types=TYPES) as nifi, deployment(tmp_path, engine, flow=dataflow(nifi.url)) as stack:
        nifi.fails = on("/parameter-contexts", refused)
        assert "does not allow POST /parameter-contexts" in stack.refused("up")
        assert stack.state == {}


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_dataflow_that_cannot_start_is_recorded_and_fixed_or_removed(
    tmp_path: Path, engine: Engine, server: Server, real_nifi: Nifi
) -> None:
    right = standard_dataflow(real_nifi.url, "half")
    with deployment(tmp_path, engine, half=with_property(right, "batch", "Max Bin Age", "soon")) as stack:
        assert stack.refused("up").startswith("dataflow 'half' cannot start: processor 'batch':")
        assert named(server, "half") == 1
        stack.flows["half"] = right
        assert stack.done("up") == ["update"]
        states = {entity["component"]["state"] for entity in processors_of(server, "half").values()}
        assert states == {"RUNNING"}
        stack.flows["other"] = with_property(standard_dataflow(real_nifi.url, "other"), "batch", "Max Bin Age", "soon")
        stack.refused("up")
        stack.flows.clear()
        assert sorted(stack.done("up")) == ["delete", "delete"]
        assert named(server, "half") == named(server, "other") == 0


def on(part: str, refusal: Refused = BROKEN) -> Callable[[str, str], None]:
    """Refuse every change of a path that has a part."""

    def fails(method: str, path: str) -> None:
        if method != "GET" and part in path:
            raise refusal

    return fails


def nothing(method: str, path: str) -> None:
    """Refuse nothing."""


def kinds(entities: dict[str, dict[str, object]]) -> list[object]:
    return sorted(str(entity["kind"]) for entity in entities.values())
