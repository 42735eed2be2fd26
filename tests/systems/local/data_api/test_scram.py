"""SCRAM-SHA-256 verifiers: those on disk stay valid, and each matches one password."""

from __future__ import annotations

import string
from base64 import b64decode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scramp import ScramClient, ScramMechanism

from alchemesh_platform.systems.local.data_api.gateway.scram import ITERATIONS, matches, verifier
from tests.lanes import examples

# Password and salt of RFC 7677, section 3. The verifier was written to disk by version 0.1, before scramp computed it.
PASSWORD, SALT = "pencil", b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
ON_DISK = (
    "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ=="
    "$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
)
PASSWORDS = st.text(alphabet=string.ascii_letters + string.digits + "-_", min_size=1)


def test_a_verifier_on_disk_still_matches_its_password() -> None:
    assert verifier(PASSWORD, salt=SALT) == ON_DISK
    assert matches(ON_DISK, PASSWORD)
    assert not matches(ON_DISK, "another")


def test_a_server_with_the_verifier_accepts_the_password_and_proves_that_it_has_it() -> None:
    _, numbers, keys = verifier(PASSWORD).split("$")
    iterations, _, salt = numbers.partition(":")
    stored_key, _, server_key = keys.partition(":")
    kept = (b64decode(salt), b64decode(stored_key), b64decode(server_key), int(iterations))
    server = ScramMechanism("SCRAM-SHA-256").make_server(lambda _: kept)
    client = ScramClient(["SCRAM-SHA-256"], "somebody", PASSWORD)
    server.set_client_first(client.get_client_first())
    client.set_server_first(server.get_server_first())
    server.set_client_final(client.get_client_final())
    proof = server.get_server_final()
    client.set_server_final(proof)
    assert proof.startswith("v=")


@settings(max_examples=examples(50), deadline=None)
@given(password=PASSWORDS, other=PASSWORDS)
def test_a_verifier_matches_one_password(password: str, other: str) -> None:
    kept = verifier(password, iterations=ITERATIONS)
    assert matches(kept, password)
    assert matches(kept, other) == (password == other)
    assert len(b64decode(kept.split("$")[1].partition(":")[2])) == 16


@given(kept=st.text())
def test_an_invalid_verifier_matches_no_password(kept: str) -> None:
    assert not matches(kept, PASSWORD)


@pytest.mark.parametrize("kept", ["SCRAM-SHA-256$1:W22ZaJ0SNY7soEsUEjb6gQ==$a:b", "SCRAM-SHA-256$4096:W22Z$a:b"])
def test_a_verifier_weaker_than_scram_allows_matches_no_password(kept: str) -> None:
    assert not matches(kept, PASSWORD)
