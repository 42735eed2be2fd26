"""Answers of NiFi and the resulting messages: each constructed answer is one of a real server."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest

from alchemesh_platform.base.secrets import SecretMissing, SecretRef
from alchemesh_platform.machine.servers.ports import free_port
from alchemesh_platform.systems.nifi import server as speaking
from alchemesh_platform.systems.nifi.server import Conflict, Login, NifiFailed, Server
from tests.provider.wire import Wire
from tests.systems.nifi.flows import DATAFLOW, Tree
from tests.systems.nifi.simulated.constructed import STANDARD, ConstructedNifi, Refused, Type, constructed

TYPES = (Type(f"{STANDARD}.LogAttribute", "nifi-standard-nar", {"Log Level": "Log Level"}, ("success",)),)


def dataflow(url: str) -> Tree:
    processors = {"end": {"variants": [{"type": f"{STANDARD}.LogAttribute"}], "routes": {"success": []}}}
    return {"server": url, "name": "flow", "owner": "a/b/c", "processors": processors}


def times(limit: int, refusal: Refused, method: str, part: str) -> Callable[[str, str], None]:
    """Refuse the first requests of a method whose path has a part."""
    left = [limit]

    def fails(asked: str, path: str) -> None:
        if asked == method and part in path and left[0] > 0:
            left[0] -= 1
            raise refusal

    return fails


def test_an_unreachable_server_is_reported_with_a_fix(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """nipyapi's loggers once wrote every attempt to stderr."""
    monkeypatch.setattr(speaking, "_FIRST_CALL_RETRIES", 1)
    url = f"http://127.0.0.1:{free_port('127.0.0.1')}/nifi-api"
    with pytest.raises(NifiFailed) as failed:
        Server(url)
    assert f"NiFi at {url} does not answer: " in failed.value.message
    assert "Connection refused" in failed.value.message
    assert "is it running" in str(failed.value.hint)
    assert capfd.readouterr().err == ""


def test_a_wrong_password_is_reported_and_not_shown() -> None:
    with constructed(types=TYPES, password="right") as nifi:
        assert Server(nifi.url, Login(username="me", password="right")).version == "2.4.0"
        with pytest.raises(NifiFailed) as failed:
            Server(nifi.url, Login(username="me", password="wrong-password"))
        assert "does not know who we are: The supplied username and password are not valid." in failed.value.message
        assert "wrong-password" not in f"{failed.value.message}{failed.value.hint}"
        with pytest.raises(NifiFailed, match="does not know who we are"):
            Server(nifi.url, Login(token="another"))
        with pytest.raises(NifiFailed, match="does not know who we are: Authentication is required"):
            Server(nifi.url)


NO_KEY = Refused(409, "JSON Web Signature Signer not configured")  # in the first seconds of a start


def test_a_login_waits_for_a_nifi_that_has_just_started() -> None:
    """It answers before it has created the key of its logins; the first login once failed."""
    login = Login(username="me", password="right")
    with constructed(types=TYPES, password="right", fails=times(3, NO_KEY, "POST", "/access/token")) as nifi:
        assert Server(nifi.url, login).version == "2.4.0"
    assert nifi.said.count(("POST", "/access/token")) == 4


@pytest.mark.parametrize(
    ("refusal", "said", "hint"),
    [
        (NO_KEY, "accepts no login yet: JSON Web Signature Signer not configured", "in a minute"),
        (Refused(409, "Access tokens are only issued over HTTPS."), "accepts no login: Access tokens", "a token"),
    ],
    ids=["no key", "no login"],
)
def test_a_conflict_of_the_login_is_reported_as_a_login_error(
    monkeypatch: pytest.MonkeyPatch, refusal: Refused, said: str, hint: str
) -> None:
    """The hint once said that another user may be changing the same dataflow."""
    monkeypatch.setattr(speaking, "LOGIN_SECONDS", 0.3)
    fails = times(10_000, refusal, "POST", "/access/token")
    with constructed(types=TYPES, fails=fails) as nifi, pytest.raises(NifiFailed) as failed:
        Server(nifi.url, Login(username="me", password="right"))
    assert failed.value.message.startswith(f"NiFi at {nifi.url} {said}")
    assert hint in str(failed.value.hint)
    assert "another user" not in str(failed.value.hint)


def test_a_secret_without_a_value_is_reported_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NIFI_PASSWORD", raising=False)
    with pytest.raises(SecretMissing, match="NIFI_PASSWORD"):
        Server("http://127.0.0.1:1/nifi-api", Login(username="me", password=SecretRef(secret="NIFI_PASSWORD")))


def test_a_forbidden_operation_names_the_rights_to_grant(wire: Wire) -> None:
    refusal = Refused(403, "No applicable policies could be found.")
    fails = times(9, refusal, "POST", "/parameter-contexts")
    with constructed(types=TYPES, fails=fails) as nifi, pytest.raises(grpc.RpcError) as failed:
        wire.create(DATAFLOW, dataflow(nifi.url))
    assert "does not allow POST /parameter-contexts: No applicable policies" in failed.value.details()
    assert "hint: an administrator of NiFi has to grant it" in failed.value.details()


def test_a_conflict_is_retried_with_a_new_revision(wire: Wire) -> None:
    refusal = Refused(409, "is not the most up-to-date revision.")
    with constructed(types=TYPES, fails=times(3, refusal, "PUT", "/processors")) as nifi:
        made = wire.create(DATAFLOW, dataflow(nifi.url))
        assert [path for method, path in nifi.said if method == "PUT" and "/processors/" in path] != []
        assert made.state["serverVersion"] == "2.4.0"


def test_a_persistent_conflict_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    with constructed(types=TYPES, fails=times(10_000, Refused(409, "is busy"), "PUT", "/x")) as nifi:
        server = Server(nifi.url)
        with pytest.raises(Conflict) as failed:
            server.insist(lambda: server.put("/x", {}), seconds=0.3)
    assert "refuses PUT /x: is busy" in failed.value.message
    assert "another user may be changing" in str(failed.value.hint)


def test_slow_answers_are_awaited(wire: Wire) -> None:
    with constructed(types=TYPES, delay=0.02) as nifi:
        made = wire.create(DATAFLOW, dataflow(nifi.url))
        assert wire.diff(made, dataflow(nifi.url)).changes == 1  # DIFF_NONE
        wire.delete(made)
        assert nifi.entities == {}


def test_a_missing_answer_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speaking, "ANSWER_SECONDS", 0.2)
    monkeypatch.setattr(speaking, "_FIRST_CALL_RETRIES", 1)
    with constructed(types=TYPES, delay=5.0) as nifi, pytest.raises(NifiFailed, match=r"does not answer: .*timed out"):
        Server(nifi.url)


@pytest.mark.parametrize("step", range(6))
def test_a_creation_interrupted_anywhere_resumes_and_creates_nothing_twice(wire: Wire, step: int) -> None:
    broken = Refused(500, "An unexpected error has occurred")
    seen = [0]

    def fails(method: str, path: str) -> None:
        if method != "GET":
            seen[0] += 1
            if seen[0] == step + 1:
                raise broken

    with constructed(types=TYPES, fails=fails) as nifi:
        try:
            made = wire.create(DATAFLOW, dataflow(nifi.url))
        except grpc.RpcError as failed:
            assert "with 500: An unexpected error has occurred" in failed.details()
            made = wire.create(DATAFLOW, dataflow(nifi.url))
        assert seen[0] > step, "there was no such step"
        kinds = sorted(entity["kind"] for entity in nifi.entities.values())
        assert kinds == ["context", "group", "processor"]
        assert wire.diff(made, dataflow(nifi.url)).changes == 1  # DIFF_NONE
        wire.delete(made)
        assert nifi.entities == {}


@pytest.mark.parametrize("step", range(12))
def test_a_nifi_restart_before_it_saved_its_flow_is_reported(wire: Wire, step: int) -> None:
    """A missing part was once reported as an unknown path, and the restart as a removal by another user."""
    asked = [0]

    with constructed(types=TYPES) as nifi:

        def fails(method: str, path: str) -> None:
            asked[0] += 1
            if asked[0] == step + 6:  # the first five read the existing parts
                nifi.entities.clear()

        nifi.fails = fails
        try:
            made = wire.create(DATAFLOW, dataflow(nifi.url))
        except grpc.RpcError as failed:
            assert (failed.details() or "").startswith("dataflow 'flow', or a part of it, went away while it was ")
            assert "NiFi restarted before it saved the change" in failed.details()
            made = wire.create(DATAFLOW, dataflow(nifi.url))
        assert _kinds(nifi) == ["context", "group", "processor"]
        assert wire.diff(made, dataflow(nifi.url)).changes == 1  # DIFF_NONE


def test_a_context_without_its_description_still_belongs_to_its_dataflow(wire: Wire) -> None:
    """NiFi 1.18 lost it in a restart; the dataflow could not be removed any more."""
    with constructed(types=TYPES) as nifi:
        made = wire.create(DATAFLOW, dataflow(nifi.url))
        for entity in nifi.entities.values():
            entity["component"].pop("description", None)
        assert wire.diff(made, dataflow(nifi.url)).changes == 1  # DIFF_NONE
        wire.delete(made)
        assert nifi.entities == {}


def test_a_cancelled_operation_waits_for_nothing() -> None:
    stop = threading.Event()
    with constructed(types=TYPES) as nifi:
        server = Server(nifi.url, stop=stop)
        threading.Timer(0.2, stop.set).start()
        assert server.wait(lambda: 1, lambda answer: answer == 2, seconds=60) == 1


def test_a_changed_address_of_the_same_server_replaces_nothing(wire: Wire) -> None:
    with constructed(types=TYPES) as nifi:
        made = wire.create(DATAFLOW, dataflow(nifi.url))
        there = set(nifi.entities)
        other = dataflow(nifi.url.replace("127.0.0.1", "localhost"))
        wire.update(made, other)
        assert set(nifi.entities) == there


def test_a_dataflow_moves_to_another_server_after_the_old_one_drains(wire: Wire, tmp_path: Path) -> None:
    with constructed(types=TYPES) as old, constructed(types=TYPES) as new:
        made = wire.create(DATAFLOW, dataflow(old.url))
        wire.update(made, dataflow(new.url))
        assert old.entities == {}
        assert _kinds(new) == ["context", "group", "processor"]


def _kinds(nifi: ConstructedNifi) -> list[str]:
    return sorted(entity["kind"] for entity in nifi.entities.values())


def test_a_missing_client_is_reported_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nipyapi.nifi", None)
    with pytest.raises(NifiFailed) as failed:
        Server("http://127.0.0.1:1/nifi-api")
    assert failed.value.hint == "pip install 'alchemesh-platform[nifi]'"
