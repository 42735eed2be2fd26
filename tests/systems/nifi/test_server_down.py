"""A NiFi that is down, under the real engine: every operation reports it, and keeps each record."""

from __future__ import annotations

from pathlib import Path

import pytest

from alchemesh_platform.engine.install.find import Engine
from alchemesh_platform.engine.run.operation import Operation
from alchemesh_platform.machine.servers.ports import free_port
from tests.systems.nifi.simulated.constructed import constructed
from tests.systems.nifi.simulated.test_server_faults import TYPES, dataflow

from .deploying import deployment

pytestmark = pytest.mark.engine


@pytest.mark.parametrize("operation", ["preview", "up"])
def test_a_new_dataflow_on_a_server_that_is_down_is_refused_and_not_recorded(
    tmp_path: Path, engine: Engine, operation: Operation
) -> None:
    url = f"http://127.0.0.1:{free_port('127.0.0.1')}/nifi-api"
    with deployment(tmp_path, engine, flow=dataflow(url)) as stack:
        reported = stack.refused(operation)
        assert reported.startswith(f"NiFi at {url} does not answer: ")
        assert "hint: is it running, and reachable from here?" in reported
        assert "Traceback" not in reported
        assert stack.run("refresh").outcome == "succeeded"
        assert stack.state == {}


def test_a_dataflow_on_a_server_that_went_down_stays_recorded(tmp_path: Path, engine: Engine) -> None:
    with constructed(types=TYPES) as nifi, deployment(tmp_path, engine, flow=dataflow(nifi.url)) as stack:
        stack.done("up")
        kept = stack.state["flow"]["inputs"]
        nifi.down = True
        for operation in ("preview", "up", "refresh", "destroy"):
            reported = stack.refused(operation)  # type: ignore[arg-type]
            assert f"NiFi at {nifi.url} does not answer: " in reported
            assert stack.state["flow"]["inputs"] == kept
        nifi.down = False
        assert stack.done("up") == ["same"]
        assert stack.done("destroy") == ["delete"]
        assert nifi.entities == {}
