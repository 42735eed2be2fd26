"""`alchemesh access credential`: its permitted users, its storage and its record in the audit log."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alchemesh_cli.main import invoke
from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.registry.audit import acts_of
from alchemesh_platform.registry.records import AccessRequestRecord, PortRecord, RequestStep
from alchemesh_platform.registry.store import Registry
from alchemesh_platform.systems.local.data_api.gateway.consumers import read_entry
from alchemesh_platform.systems.local.data_api.gateway.gateway import Gateway
from alchemesh_platform.systems.local.data_api.gateway.grants import grant_access
from alchemesh_platform.systems.local.data_api.gateway.scram import matches
from tests.systems.local.gateways import written_gateway

from .airport import AMELIA, BESSIE, INTERNAL, KATHERINE, ORVILLE, RESTRICTED, STRANGER, record_airport


@pytest.fixture
def gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gateway:
    """A guarded port, and a request of the desk for it that was granted."""
    monkeypatch.setenv("ALCHEMESH_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    made = written_gateway(tmp_path / "run", "restricted")
    proxy = {
        "kind": "data-api",
        "sql": "postgresql://127.0.0.1:5433",
        "rest": "http://127.0.0.1:8091/api",
        "tables": ["flight"],
        "credential_file": str(made.folder / "owner.credential.json"),
    }
    with registry_of(tmp_path) as registry:
        record_airport(registry, "local")
        port = registry.get(PortRecord, "local", RESTRICTED)
        assert port is not None
        registry.put(port.model_copy(update={"connections": {"proxy": proxy}}))
        for address, asked, state in (("req-1", RESTRICTED, "granted"), ("req-2", INTERNAL, "granted")):
            registry.put(request(address, asked, state))
        registry.put(request("req-3", RESTRICTED, "approved"))
    grant_access(made, consumer="operations/desk", request="req-1")
    return made


def registry_of(folder: Path) -> Registry:
    return Registry.open(f"sqlite:///{folder}/home/local/registry.db")


def request(address: str, port: str, state: str) -> AccessRequestRecord:
    step = {"state": state, "at": "2026-01-05T14:03:00Z", "by": AMELIA}
    return AccessRequestRecord.model_validate(
        {
            "environment": "local",
            "address": address,
            "product": "aviation/flights",
            "port": port,
            "requester_kind": "technical_team",
            "requester": "operations/desk",
            "purpose": "a study",
            "state": state,
            "steps": [RequestStep.model_validate(step)],
        }
    )


def run(monkeypatch: pytest.MonkeyPatch, who: str, *arguments: str) -> int:
    monkeypatch.setenv("ALCHEMESH_USER", who)
    return invoke(["access", "credential", *arguments])


def test_a_team_member_sees_the_credential_once(
    gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, ORVILLE, "req-1") == 0
    out, err = capsys.readouterr()
    words = out.split()
    user, password = words[1], words[3]
    assert words == ["user", user, "password", password]
    assert password not in err
    assert "postgresql://127.0.0.1:5433" in err
    entry = read_entry(gateway.folder, user)
    assert entry is not None
    assert matches(entry.scram or "", password)
    with registry_of(tmp_path) as registry:
        (act, *_) = acts_of(registry, "local")
    assert (act.operation, act.address, act.actor, act.detail) == (
        "access credential",
        "req-1",
        ORVILLE,
        {"port": RESTRICTED, "user": user},
    )
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) > 1
    assert [path for path in files if password.encode() in path.read_bytes()] == []

    assert run(monkeypatch, BESSIE, "req-1", "--json") == 0
    issued = json.loads(capsys.readouterr().out)
    assert issued == {
        "user": user,
        "password": issued["password"],
        "sql": "postgresql://127.0.0.1:5433",
        "rest": "http://127.0.0.1:8091/api",
    }
    now = read_entry(gateway.folder, user)
    assert now is not None
    assert matches(now.scram or "", issued["password"])
    assert not matches(now.scram or "", password)


@pytest.mark.parametrize("who", [KATHERINE, STRANGER])
def test_only_the_people_of_the_requester_see_the_credential(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], who: str
) -> None:
    assert run(monkeypatch, who, "req-1") == ExitCode.FORBIDDEN
    out, err = capsys.readouterr()
    assert out == ""
    assert f"{who} may not get the credential of req-1" in err


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("req-2", "needs no credential of the platform"),
        ("req-3", "there is no credential yet: req-3 was approved"),
        ("req-4", "no access request 'req-4'"),
    ],
)
def test_a_missing_credential_is_reported_with_the_reason(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], address: str, said: str
) -> None:
    assert run(monkeypatch, BESSIE, address) == ExitCode.USAGE
    assert said in capsys.readouterr().err
