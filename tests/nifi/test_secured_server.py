"""A real NiFi 1.18 that speaks TLS and wants a login: what is told to who is not let in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from alchemesh_platform.nifi.server import Login, NifiFailed, Server
from parts.nifi import ADMINISTRATOR, Nifi, make_certificate, nifi
from tests.needs import need_java

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]  # NiFi starts in 18 s, on a busy machine in a minute

WRONG = "a-wrong-password"


@pytest.fixture(scope="module")
def secured() -> Iterator[Nifi]:
    need_java()
    with nifi(secured=True) as running:
        yield running


def login_of(nifi: Nifi, user: str, password: str | None = None) -> Login:
    return Login(username=user, password=password or nifi.users[user], ca_file=str(nifi.certificate))


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
def test_a_wrong_login_is_told_with_its_way_out_and_is_not_shown(
    secured: Nifi, login: dict[str, str], said: str
) -> None:
    with pytest.raises(NifiFailed) as failed:
        Server(secured.url, Login(ca_file=str(secured.certificate), **login))
    assert failed.value.message.startswith(f"NiFi at {secured.url} does not know who we are: {said}")
    assert "check the user and password, or the token" in str(failed.value.hint)
    assert WRONG not in f"{failed.value.message}{failed.value.hint}"


def test_another_authority_is_told_as_one_and_the_password_is_not_sent(secured: Nifi, tmp_path: Path) -> None:
    another = make_certificate(tmp_path, "for-tests-only")
    with pytest.raises(NifiFailed) as failed:
        Server(secured.url, Login(username=ADMINISTRATOR, password=WRONG, ca_file=str(another)))
    assert failed.value.message.startswith(f"NiFi at {secured.url} cannot be spoken to over TLS: ")
    assert "self-signed certificate" in failed.value.message
    assert "nifi.ca_file" in str(failed.value.hint)


def test_a_name_that_is_not_in_the_certificate_is_told(secured: Nifi) -> None:
    url = secured.url.replace("127.0.0.1", "localhost")
    with pytest.raises(NifiFailed, match=r"cannot be spoken to over TLS: .*localhost"):
        Server(url, login_of(secured, ADMINISTRATOR))
