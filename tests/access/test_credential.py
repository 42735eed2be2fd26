"""`alchemesh access credential`: its permitted users, its storage and its record in the audit log."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from alchemesh_cli.main import invoke
from alchemesh_platform.access.grants.holders import EXPIRED, LEFT, OVER, Ended, end_former_credentials, holders
from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.identity.identity import Identity
from alchemesh_platform.machine.servers.supervisor import shut_down
from alchemesh_platform.registry.audit import acts_of
from alchemesh_platform.registry.records import AccessRequestRecord, GrantRecord, PortRecord, RequestStep, UserRecord
from alchemesh_platform.registry.store import Registry
from alchemesh_platform.systems.local.data_api.gateway.consumers import now, read_entry
from alchemesh_platform.systems.local.data_api.gateway.credentials import user_name
from alchemesh_platform.systems.local.data_api.gateway.gateway import Gateway
from alchemesh_platform.systems.local.data_api.gateway.grants import grant_access
from alchemesh_platform.systems.local.data_api.gateway.issue import issue as issue_at_gateway
from alchemesh_platform.systems.local.data_api.gateway.scram import matches
from tests.mesh_repo.meshes import team
from tests.systems.local.data_api.gateways import written_gateway

from .airport import AMELIA, BESSIE, INTERNAL, KATHERINE, ORVILLE, RESTRICTED, STRANGER, record_airport


@pytest.fixture
def gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    """A guarded port, and a request of the desk for it that was granted. Its processes are stopped with the test."""
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
    yield made
    shut_down(tmp_path / "run")


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
    assert (act.operation, act.address, act.actor) == ("access credential", "req-1", ORVILLE)
    expires_at = act.at + timedelta(days=90)
    assert act.detail == {"port": RESTRICTED, "user": user, "expires_at": expires_at.isoformat()}
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) > 1
    assert [path for path in files if password.encode() in path.read_bytes()] == []

    # Issuing it again replaces the user's own credential.
    assert run(monkeypatch, ORVILLE, "req-1", "--json") == ExitCode.USAGE
    asked = capsys.readouterr()
    assert asked.out == ""
    issued_at = f"{act.at:%Y-%m-%d %H:%M}"
    assert f"the credential of {ORVILLE} for {RESTRICTED}, issued {issued_at} UTC, stops working" in asked.err
    assert "a confirmation is needed" in asked.err
    assert run(monkeypatch, ORVILLE, "req-1", "--json", "--yes") == 0
    issued = json.loads(capsys.readouterr().out)
    assert issued == {
        "schema": "alchemesh/credential/1",
        "user": user,
        "password": issued["password"],
        "sql": "postgresql://127.0.0.1:5433",
        "rest": "http://127.0.0.1:8091/api",
        "expires_at": issued["expires_at"],
    }
    entry = read_entry(gateway.folder, user)
    assert entry is not None
    assert matches(entry.scram or "", issued["password"])
    assert not matches(entry.scram or "", password)


class Closed(io.StringIO):
    """A pipe that nobody reads."""

    def write(self, text: str) -> int:
        raise BrokenPipeError

    def fileno(self) -> int:
        raise OSError


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_credential_that_nobody_could_read_is_reported_with_its_remedy(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], options: tuple[str, ...]
) -> None:
    """A closed pipe lost the password, and the command ended with exit code 1 and no message."""
    with monkeypatch.context() as closed:
        closed.setattr(sys, "stdout", Closed())
        assert run(monkeypatch, ORVILLE, "req-1", *options) == ExitCode.FAILED
    assert capsys.readouterr().err == (
        "error: the credential of req-1 was issued, and stdout could not be written: nobody has read its password\n\n"
        "hint: `alchemesh access credential req-1 --rotate` issues another one\n"
    )
    assert run(monkeypatch, ORVILLE, "req-1", "--rotate") == 0, "the remedy works"


def accepted(gateway: Gateway, issued: dict[str, str]) -> bool:
    """Whether the gateway accepts a credential."""
    entry = read_entry(gateway.folder, issued["user"])
    return entry is not None and entry.has_access(now()) and matches(entry.scram or "", issued["password"])


@pytest.fixture
def issue(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., dict[str, str]]:
    """Issues a credential of the granted request to a user."""

    def issued(who: str, *more: str) -> dict[str, str]:
        assert run(monkeypatch, who, "req-1", "--json", "--yes", *more) == 0
        document: dict[str, str] = json.loads(capsys.readouterr().out)
        return document

    return issued


def sweep(folder: Path, who: str = KATHERINE) -> tuple[list[Ended], list[str]]:
    lines: list[str] = []
    with registry_of(folder) as registry:
        ended = end_former_credentials(registry, "local", Identity(who, "local"), report=lines.append)
    return ended, lines


def desk(folder: Path, *members: str) -> None:
    """Record the members of the requesting team, as `mesh apply` does."""
    with registry_of(folder) as registry:
        registry.put(team("local", "operations/desk", "data_product_team", *members))


def test_each_member_has_a_credential_of_their_own(gateway: Gateway, issue: Callable[..., dict[str, str]]) -> None:
    """All members of a team once shared one credential: a second one replaced the first."""
    orville, bessie = issue(ORVILLE), issue(BESSIE)
    assert orville["user"] != bessie["user"]
    assert accepted(gateway, orville) and accepted(gateway, bessie)


def test_a_member_who_leaves_loses_their_credential_and_nobody_else_does(
    gateway: Gateway, tmp_path: Path, issue: Callable[..., dict[str, str]]
) -> None:
    """A member who left the team, and the mesh, once kept a credential that works (found fault 06)."""
    orville, bessie = issue(ORVILLE), issue(BESSIE)
    assert sweep(tmp_path) == ([], [])
    desk(tmp_path, BESSIE)
    ended, lines = sweep(tmp_path)
    assert [(each.holder, each.reason, each.user) for each in ended] == [(ORVILLE, LEFT, orville["user"])]
    assert lines == []
    assert not accepted(gateway, orville) and accepted(gateway, bessie)
    with registry_of(tmp_path) as registry:
        act = acts_of(registry, "local")[0]
        assert (act.operation, act.actor, act.reason, act.detail["holder"]) == (
            *("access credential end", KATHERINE, LEFT, ORVILLE),
        )
        assert [record.holder for record in holders(registry, "local")] == [BESSIE]
    assert sweep(tmp_path) == ([], []), "it ends once"
    # Back in the team, the old credential stays dead, and a new one works.
    desk(tmp_path, BESSIE, ORVILLE)
    assert not accepted(gateway, orville)
    assert accepted(gateway, issue(ORVILLE))


def test_a_member_who_leaves_the_mesh_loses_their_credential(
    gateway: Gateway, tmp_path: Path, issue: Callable[..., dict[str, str]]
) -> None:
    orville = issue(ORVILLE)
    with registry_of(tmp_path) as registry:
        registry.remove(UserRecord, "local", ORVILLE)
    assert [each.holder for each in sweep(tmp_path)[0]] == [ORVILLE]
    assert not accepted(gateway, orville)


def test_credentials_end_with_the_access(
    gateway: Gateway, tmp_path: Path, issue: Callable[..., dict[str, str]]
) -> None:
    orville = issue(ORVILLE)
    with registry_of(tmp_path) as registry:
        registry.put(request("req-1", RESTRICTED, "revoked"))
    assert [each.reason for each in sweep(tmp_path)[0]] == [OVER]
    assert not accepted(gateway, orville)


def test_a_shared_credential_of_an_older_version_ends_when_a_member_leaves(gateway: Gateway, tmp_path: Path) -> None:
    user = user_name("operations/desk", "req-1")
    shared = issue_at_gateway(gateway, user)
    with registry_of(tmp_path) as registry:
        registry.put(
            GrantRecord(
                environment="local",
                address="req-1",
                product="aviation/flights",
                port=RESTRICTED,
                requester_kind="technical_team",
                requester="operations/desk",
                behind=(BESSIE, ORVILLE, "operations/desk"),
            )
        )
    assert sweep(tmp_path) == ([], [])
    desk(tmp_path, BESSIE)
    assert [(each.holder, each.user) for each in sweep(tmp_path)[0]] == [("operations/desk", user)]
    entry = read_entry(gateway.folder, user)
    assert entry is not None and not entry.has_access(now()), "the grant stays, its credential ends"
    assert shared.user == user
    assert sweep(tmp_path) == ([], []), "once, although the grant names the former member until the next deployment"


def test_a_rotation_keeps_the_earlier_credential_for_the_overlap(
    gateway: Gateway, tmp_path: Path, issue: Callable[..., dict[str, str]]
) -> None:
    first = issue(ORVILLE)
    second = issue(ORVILLE, "--rotate")
    assert accepted(gateway, first) and accepted(gateway, second)
    entry = read_entry(gateway.folder, first["user"])
    assert entry is not None and entry.expires_at is not None
    assert timedelta(hours=23) < entry.expires_at - now() <= timedelta(days=1)
    assert not entry.has_access(now() + timedelta(days=1)), "the gateway ends it by itself"
    with registry_of(tmp_path) as registry:
        assert {record.user for record in holders(registry, "local")} == {first["user"], second["user"]}
    third = issue(ORVILLE, "--rotate")
    assert not accepted(gateway, first), "its name is used again"
    assert accepted(gateway, second) and accepted(gateway, third)
    alone = issue(ORVILLE)
    assert accepted(gateway, alone) and not accepted(gateway, second) and not accepted(gateway, third)


def test_a_credential_expires_and_its_record_ends(
    gateway: Gateway, tmp_path: Path, issue: Callable[..., dict[str, str]]
) -> None:
    orville = issue(ORVILLE)
    entry = read_entry(gateway.folder, orville["user"])
    assert entry is not None and entry.expires_at is not None
    assert entry.has_access(now()) and not entry.has_access(entry.expires_at)
    with registry_of(tmp_path) as registry:
        (record,) = holders(registry, "local")
        registry.put(record.model_copy(update={"expires_at": record.issued_at}))
        assert holders(registry, "local") == []
    assert [each.reason for each in sweep(tmp_path)[0]] == [EXPIRED]


def test_a_grant_that_is_deployed_again_keeps_the_credentials(
    gateway: Gateway, issue: Callable[..., dict[str, str]]
) -> None:
    orville = issue(ORVILLE)
    ends_at = now() + timedelta(days=3)
    grant_access(gateway, consumer="operations/desk", request="req-1", ends_at=ends_at)
    assert accepted(gateway, orville)
    entry = read_entry(gateway.folder, orville["user"])
    assert entry is not None and entry.member == ORVILLE
    assert entry.ends == ends_at, "the end of the access is earlier than the credential's"


def test_a_credential_that_cannot_be_ended_here_is_reported_and_tried_again(
    gateway: Gateway, tmp_path: Path, issue: Callable[..., dict[str, str]]
) -> None:
    issue(ORVILLE)
    listening = gateway.folder / "listening.json"
    kept = listening.read_text("utf-8")
    listening.unlink()
    desk(tmp_path, BESSIE)
    ended, lines = sweep(tmp_path)
    assert ended == []
    assert lines[0].startswith(f"{RESTRICTED}: the credentials of {ORVILLE} still work: there is no data API")
    listening.write_text(kept, "utf-8")
    assert [each.holder for each in sweep(tmp_path)[0]] == [ORVILLE]


def test_list_and_status_name_the_holders(
    tmp_path: Path, issue: Callable[..., dict[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    orville = issue(ORVILLE)
    assert invoke(["access", "list", "--json"]) == 0
    listed = {each["request"]: each["holders"] for each in json.loads(capsys.readouterr().out)["requests"]}
    (holder,) = listed["req-1"]
    assert (holder["holder"], holder["user"]) == (ORVILLE, orville["user"])
    assert listed["req-2"] == []
    assert invoke(["access", "list"]) == 0
    assert f"{ORVILLE} since " in capsys.readouterr().out
    assert invoke(["access", "show", "req-1"]) == 0
    assert f"holders    {ORVILLE} since " in capsys.readouterr().out
    assert invoke(["status", "aviation/flights", "--json"]) == 0
    ports = {port["name"]: port["holders"] for port in json.loads(capsys.readouterr().out)["outputs"]}
    (shown,) = ports["restricted"]
    assert (shown["holder"], shown["requester"], shown["request"]) == (ORVILLE, "operations/desk", "req-1")
    assert invoke(["status", "aviation/flights"]) == 0
    assert f"holder    {ORVILLE} of operations/desk · since " in capsys.readouterr().out


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
