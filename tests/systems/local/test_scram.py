"""SCRAM-SHA-256 against the standard's own exchange, and against itself."""

from __future__ import annotations

from base64 import b64decode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alchemesh_platform.systems.local.data_api.gateway.scram import ScramClient, ScramFailed, matches, verifier

# RFC 7677, section 3
PASSWORD, NONCE = "pencil", "rOprNGfwEbeRWgbNEkqO"
SERVER_FIRST = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
SERVER_FINAL = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


def test_the_exchange_of_the_standard() -> None:
    client = ScramClient(PASSWORD, nonce=NONCE, user="user")
    assert client.first() == f"n,,n=user,r={NONCE}"
    assert client.final(SERVER_FIRST) == (
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    )
    client.check(SERVER_FINAL)


def test_a_server_that_does_not_know_the_password_is_found_out() -> None:
    client = ScramClient("another", nonce=NONCE, user="user")
    client.final(SERVER_FIRST)
    with pytest.raises(ScramFailed, match="does not know this credential"):
        client.check(SERVER_FINAL)


@pytest.mark.parametrize("answer", ["", "r=elsewhere,s=W22Z,i=4096", f"r={NONCE}x,s=%%,i=1", f"r={NONCE}x,s=W22Z,i=0"])
def test_an_answer_that_is_none_is_refused(answer: str) -> None:
    with pytest.raises(ScramFailed):
        ScramClient(PASSWORD, nonce=NONCE).final(answer)


@settings(max_examples=50, deadline=None)
@given(password=st.text(min_size=1), other=st.text(min_size=1))
def test_what_is_kept_is_of_one_password(password: str, other: str) -> None:
    kept = verifier(password, iterations=2)
    assert matches(kept, password)
    assert matches(kept, other) == (password == other)
    assert len(b64decode(kept.split("$")[1].partition(":")[2])) == 16


@given(kept=st.text())
def test_what_is_not_kept_so_matches_nothing(kept: str) -> None:
    assert not matches(kept, PASSWORD)
