"""The provider as a separate process."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import grpc
import psutil
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from alchemesh_platform import __version__
from alchemesh_platform.provider.serve.attach import ProviderFailed, spawn_provider
from alchemesh_platform.provider.values import encode_map
from alchemesh_platform.registry.records import NoticeRecord
from alchemesh_platform.registry.store import Registry
from tests.waiting import LONGEST, arguments_of, gone, until


def version_at(port: int) -> str:
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = provider_pb2_grpc.ResourceProviderStub(channel)
        return str(stub.GetPluginInfo(empty_pb2.Empty(), timeout=LONGEST).version)


def test_the_provider_answers_on_its_port_and_ends_with_the_block(tmp_path: Path) -> None:
    with spawn_provider(f"sqlite:///{tmp_path / 'registry.db'}") as served:
        assert version_at(served.port) == __version__
        children = psutil.Process().children()
        (child,) = [one for one in children if "alchemesh_platform.provider.main" in arguments_of(one)]
    assert not child.is_running()


def test_the_provider_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    script = (
        "import time\nfrom alchemesh_platform.provider.serve.attach import spawn_provider\n"
        f"with spawn_provider('sqlite:///{tmp_path / 'registry.db'}') as served:\n"
        "    print(served.port, flush=True)\n    time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert version_at(int(parent.stdout.readline())) == __version__
        (child,) = psutil.Process(parent.pid).children()
        parent.kill()
    until(lambda: gone(child.pid), "it has ended too")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_provider_ends_immediately_on_the_signals_of_the_engine(number: signal.Signals) -> None:
    """At the end of each run the engine waits five seconds for a plugin that ignores its signals."""
    command = [sys.executable, "-m", "alchemesh_platform.provider.main"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert version_at(int(process.stdout.readline())) == __version__
        process.send_signal(number)
        assert process.wait(LONGEST) == 0


def test_the_provider_knows_deployed_resources_without_the_state(tmp_path: Path) -> None:
    """A table that was never created refuses no change."""
    old, new = (
        {"table": "acme-mesh.gates.gate", "fields": [{"name": "code", "type": kind, "mode": "NULLABLE"}]}
        for kind in ("STRING", "DATE")
    )
    request = provider_pb2.CheckRequest(
        urn="urn:pulumi:prod::gates::alchemesh:bigquery:TableSchema::gate", olds=encode_map(old), news=encode_map(new)
    )
    ids = {"projects/acme-mesh/datasets/gates/tables/gate"}
    for deployed, refused in (({}, 0), ({"gcp:bigquery/table:Table": ids}, 1)):
        with (
            spawn_provider("sqlite:///x", deployed=deployed) as served,
            grpc.insecure_channel(f"127.0.0.1:{served.port}") as channel,
        ):
            answer = provider_pb2_grpc.ResourceProviderStub(channel).Check(request, timeout=LONGEST)
            assert len(answer.failures) == refused


def test_the_provider_records_the_actor_of_the_run(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path / 'registry.db'}"
    contract = {
        "environment": "local",
        "address": "aviation/flights/flights-table",
        "product": "aviation/flights",
        "version": "1.0.0",
        "lifecycle": "deprecated",
        "access": "internal",
        "document": {"version": "1.0.0", "lifecycle": "deprecated", "terms": {"notice_period": "30d"}},
        "models": {},
        "protocols": ["sql"],
    }
    request = provider_pb2.CreateRequest(
        urn="urn:pulumi:local::aviation.flights::alchemesh:mesh:Contract::flights-table",
        properties=encode_map(contract),
    )
    with (
        Registry.open(address) as registry,
        spawn_provider(address, actor="amelia@airport.example") as served,
        grpc.insecure_channel(f"127.0.0.1:{served.port}") as channel,
    ):
        provider_pb2_grpc.ResourceProviderStub(channel).Create(request, timeout=LONGEST)
        [notice] = registry.all(NoticeRecord, "local")
    assert notice.given_by == "amelia@airport.example"


def test_no_command_line_contains_the_address_of_the_registry(tmp_path: Path) -> None:
    with spawn_provider(f"sqlite:///{tmp_path / 'registry.db'}"):
        lines = [" ".join(arguments_of(child)) for child in psutil.Process().children()]
        assert len([line for line in lines if "alchemesh_platform.provider.main" in line]) == 1
        assert [line for line in lines if "registry.db" in line] == []


def test_a_provider_that_does_not_start_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "alchemesh_platform"
    broken.mkdir()
    (broken / "__init__.py").write_text("raise SystemExit(3)")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ProviderFailed, match=r"did not start \(exit status 3\)"), spawn_provider("sqlite:///x"):
        pass


def test_help_describes_the_provider() -> None:
    command = [sys.executable, "-m", "alchemesh_platform.provider.main", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "Pulumi provider plugin" in done.stdout
