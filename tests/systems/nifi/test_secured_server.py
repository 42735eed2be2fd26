"""A real NiFi with TLS and a login: users with access, and the errors for others."""

from __future__ import annotations

import ssl
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

import grpc
import pytest

from alchemesh_platform.engine.install.find import Engine
from alchemesh_platform.systems.nifi.server import Login, NifiFailed, Server
from parts.nifi import ADMINISTRATOR, GUEST, Nifi, make_certificate
from tests.provider.wire import Wire

from .deploying import deployment
from .flows import DATAFLOW, Tree, both_secured, dataflow, named

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]  # NiFi starts in 18 s, on a busy machine in a minute

WRONG = "a-wrong-password"


def login_of(nifi: Nifi, user: str, password: str | None = None) -> Login:
    return Login(username=user, password=password or nifi.users[user], ca_file=str(nifi.certificate))


def signed_in(nifi: Nifi, name: str, user: str = ADMINISTRATOR) -> Tree:
    """A dataflow of a user whose password is in the environment."""
    login = {"username": user, "password": {"secret": "NIFI_PASSWORD"}, "ca_file": str(nifi.certificate)}
    return dataflow(nifi.url, name, login=login)


@both_secured
def test_a_user_with_the_right_password_creates_compares_and_removes_a_dataflow(
    wire: Wire, secured: Nifi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIFI_PASSWORD", secured.users[ADMINISTRATOR])
    server = Server(secured.url, login_of(secured, ADMINISTRATOR))
    tree = signed_in(secured, "secured")
    made = wire.create(DATAFLOW, tree)
    assert made.state["health"] == "healthy"
    assert wire.diff(made, tree).changes == 1  # DIFF_NONE
    assert wire.read(made) is not None
    wire.delete(made)
    assert named(server, "secured") == 0


@both_secured
def test_a_token_of_nifi_gives_access(secured: Nifi) -> None:
    form = urlencode({"username": GUEST, "password": secured.users[GUEST]}).encode()
    trust = ssl.create_default_context(cafile=secured.certificate)
    Server(secured.url, login_of(secured, GUEST))  # waits for the key that NiFi signs with
    with urlopen(f"{secured.url}/access/token", form, timeout=60, context=trust) as answer:
        token = answer.read().decode()
    assert Server(secured.url, Login(token=token, ca_file=str(secured.certificate))).version == secured.release.version


@pytest.mark.parametrize(
    ("login", "said"),
    [
        ({"username": ADMINISTRATOR, "password": WRONG}, "The supplied username and password are not valid"),
        ({"username": "nobody", "password": WRONG}, "The supplied username and password are not valid"),
        ({"token": "no.token.atall"}, ""),
        ({}, ""),
    ],
    ids=["password", "user", "token", "nothing"],
)
@both_secured
def test_a_wrong_login_is_reported_with_a_fix_and_not_shown(secured: Nifi, login: dict[str, str], said: str) -> None:
    with pytest.raises(NifiFailed) as failed:
        Server(secured.url, Login(ca_file=str(secured.certificate), **login))
    assert failed.value.message.startswith(f"NiFi at {secured.url} does not know who we are: {said}")
    assert "check the user and password, or the token" in str(failed.value.hint)
    assert WRONG not in f"{failed.value.message}{failed.value.hint}"


def test_a_nifi_without_tls_that_accepts_no_user_is_reported(real_nifi: Nifi) -> None:
    with pytest.raises(NifiFailed) as failed:
        Server(real_nifi.url, Login(username=ADMINISTRATOR, password=WRONG))
    assert failed.value.message.startswith(f"NiFi at {real_nifi.url} accepts no login: ")
    assert "where it has no TLS, none of them" in str(failed.value.hint)


def test_an_unknown_authority_is_reported_and_the_password_is_not_sent(secured: Nifi, tmp_path: Path) -> None:
    another = make_certificate(tmp_path, "for-tests-only")
    with pytest.raises(NifiFailed) as failed:
        Server(secured.url, Login(username=ADMINISTRATOR, password=WRONG, ca_file=str(another)))
    assert failed.value.message.startswith(f"NiFi at {secured.url} cannot be spoken to over TLS: ")
    assert "self-signed certificate" in failed.value.message
    assert "nifi.ca_file" in str(failed.value.hint)


def test_a_name_missing_from_the_certificate_is_reported(secured: Nifi) -> None:
    url = secured.url.replace("127.0.0.1", "localhost")
    with pytest.raises(NifiFailed, match=r"cannot be spoken to over TLS: .*localhost"):
        Server(url, login_of(secured, ADMINISTRATOR))


def test_a_user_without_rights_is_reported_with_the_rights_to_grant(
    wire: Wire, secured: Nifi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIFI_PASSWORD", secured.users[GUEST])
    with pytest.raises(grpc.RpcError) as failed:
        wire.create(DATAFLOW, signed_in(secured, "guests", GUEST))
    assert "does not allow " in (failed.value.details() or "")
    assert "hint: an administrator of NiFi has to grant it" in (failed.value.details() or "")
    assert named(Server(secured.url, login_of(secured, ADMINISTRATOR)), "guests") == 0


@pytest.mark.engine
def test_a_wrong_password_fails_the_deployment_until_it_is_corrected_and_is_never_stored(
    tmp_path: Path, engine: Engine, secured: Nifi, monkeypatch: pytest.MonkeyPatch
) -> None:
    with deployment(tmp_path, engine, flow=signed_in(secured, "deployed")) as stack:
        for operation in ("preview", "up"):
            monkeypatch.setenv("NIFI_PASSWORD", WRONG)
            reported = stack.refused(operation)  # type: ignore[arg-type]
            assert reported.startswith(f"NiFi at {secured.url} does not know who we are: ")
        assert stack.state == {}
        monkeypatch.setenv("NIFI_PASSWORD", secured.users[ADMINISTRATOR])
        assert stack.done("up") == ["create"]
        monkeypatch.setenv("NIFI_PASSWORD", WRONG)
        assert "does not know who we are" in stack.refused("destroy")
        monkeypatch.setenv("NIFI_PASSWORD", secured.users[ADMINISTRATOR])
        assert stack.done("destroy") == ["delete"]
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path for path in kept if secured.users[ADMINISTRATOR].encode() in path.read_bytes()] == []
