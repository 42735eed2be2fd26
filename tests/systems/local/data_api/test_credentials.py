"""Names and hashes of credentials, and the protocols that a machine without a program can still guard."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bcrypt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alchemesh_platform.systems.local.data_api import programs
from alchemesh_platform.systems.local.data_api.gateway.consumers import OWN
from alchemesh_platform.systems.local.data_api.gateway.credentials import (
    USER_MAX,
    Issued,
    hashes_of,
    new_password,
    user_name,
)
from alchemesh_platform.systems.local.data_api.gateway.gateway import LOOPBACK, Gateway, Listening, listen, prepare
from alchemesh_platform.systems.local.data_api.gateway.scram import matches
from alchemesh_platform.systems.local.data_api.programs import ProgramMissing, guard_of, program
from alchemesh_platform.systems.local.handlers.data_api import DataApiHandler, DataApiInputs


@given(consumer=st.text(), request=st.text())
def test_a_user_name_is_valid_on_every_server(consumer: str, request: str) -> None:
    name = user_name(consumer, request)
    assert re.fullmatch(r"[a-z][a-z0-9_]*", name)
    assert len(name) <= USER_MAX
    assert name not in (*OWN, "pgbouncer")


@given(consumer=st.text(), requests=st.lists(st.text(), min_size=2, max_size=2, unique=True))
def test_two_grants_of_one_consumer_have_different_names(consumer: str, requests: list[str]) -> None:
    assert user_name(consumer, requests[0]) != user_name(consumer, requests[1])


def test_a_user_name_is_readable() -> None:
    assert user_name("operations/punctuality", "req-0a1b2c3d") == "operations_punctuality_9ddda306"


def test_hashes_match_their_password_and_are_never_repeated() -> None:
    one, two = new_password(), new_password()
    first, second, repeated = hashes_of(one, two, one)
    assert matches(first.scram, one)
    assert matches(second.scram, two)
    assert first.bcrypt.startswith("$2a$04$")
    assert bcrypt.checkpw(one.encode(), first.bcrypt.encode())
    assert not bcrypt.checkpw(two.encode(), first.bcrypt.encode())
    assert first != repeated
    assert one not in repr(first)
    assert one not in repr(Issued("somebody", one))


def test_without_pgbouncer_sql_is_not_offered_and_the_package_named(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "pgbouncer")
    guard = guard_of(("sql", "rest", "graphql"))
    assert (guard.protocols, guard.sandboxed) == (("rest", "graphql"), True)
    (warning,) = guard.warnings
    assert "`apt-get install pgbouncer`" in warning
    assert guard_of(("rest",)).warnings == ()


def test_without_an_enclosure_sql_is_not_offered_and_the_open_access_is_reported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    without(monkeypatch, "bwrap")
    guard = guard_of(("sql", "rest"))
    assert (guard.protocols, guard.sandboxed) == (("rest",), False)
    door, sql = guard.warnings
    assert "its servers can read the files of their user" in door
    assert "`apt-get install bubblewrap`" in door
    assert "sql is not offered" in sql


def test_a_missing_program_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "pgbouncer")
    with pytest.raises(ProgramMissing, match="no `pgbouncer` program") as missing:
        program("pgbouncer")
    assert "`apt-get install pgbouncer`" in (missing.value.hint or "")


@pytest.mark.parametrize("installed", [True, False])
def test_a_missing_program_of_an_extra_is_not_fixed_by_installing_the_installed_extra(
    monkeypatch: pytest.MonkeyPatch, installed: bool
) -> None:
    """After `pip install 'alchemesh-platform[local]'`, the hint was the same command again."""
    without(monkeypatch, "caddy")
    monkeypatch.setattr(programs, "missing_extras", lambda extras: () if installed else extras)
    with pytest.raises(ProgramMissing) as missing:
        program("caddy")
    hint = missing.value.hint or ""
    if installed:
        assert hint.startswith("alchemesh-platform[local] is installed, without its program in ")
        assert hint.endswith(": install it again there, or add `caddy` to PATH")
    else:
        assert "alchemesh-platform[local]" in hint.partition("`")[2]


def inputs(tmp_path: Path, exception: str | None) -> DataApiInputs:
    """The declaration of a data API."""
    tables = [{"name": "flight", "url": (tmp_path / "flight").as_uri(), "format": "delta"}]
    return DataApiInputs.model_validate(
        {
            "process": "flights-table",
            "owner": "aviation/flights/flights-table",
            "runDirectory": str(tmp_path),
            "protocols": ["rest"],
            "tables": tables,
            **({"withoutEnclosure": exception} if exception else {}),
        }
    )


def refused(tmp_path: Path, exception: str | None) -> str | None:
    """Why the provider refuses a data API before it changes anything; None if it accepts it."""
    context: Any = SimpleNamespace(environment="local")
    found = list(DataApiHandler().check(inputs(tmp_path, exception), None, context))
    return found[0].reason if found else None


def deployed(tmp_path: Path, server_port: int | None) -> None:
    """A data API that listens, behind a server that is enclosed unless it has a port of its own."""
    gateway = Gateway(tmp_path, "flights-table")
    prepare(gateway)
    listen(gateway, Listening(LOOPBACK, 8091, None, ("rest",), server_port))


def failed_probe(monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    """A machine on which the probe of the enclosure runs another command."""
    monkeypatch.setattr(programs, "find_program", lambda name: Path(command))
    monkeypatch.setattr(programs, "why_not_sandboxed", programs.why_not_sandboxed.__wrapped__)


def test_a_port_that_is_not_public_is_refused_when_the_probe_of_the_enclosure_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failed probe once deployed a restricted port without its enclosure, with exit code 0."""
    assert refused(tmp_path, None) is None
    failed_probe(monkeypatch, "/bin/false")
    why = refused(tmp_path, None)
    assert why is not None
    assert "because the port is not public" in why
    assert "add aviation/flights/flights-table to `allow_unenclosed`" in why
    assert refused(tmp_path, "public") is None
    assert refused(tmp_path, "allowed") is None


def test_a_port_is_refused_when_the_probe_of_the_enclosure_takes_too_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = tmp_path / "bwrap"
    slow.write_text("#!/bin/sh\nexec sleep 30\n", encoding="utf-8")
    slow.chmod(0o755)
    failed_probe(monkeypatch, str(slow))
    monkeypatch.setattr(programs, "_TRY_SECONDS", 0.05)
    assert "timed out" in (refused(tmp_path, None) or "")


def test_a_port_whose_server_was_enclosed_is_refused_without_its_enclosure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployed(tmp_path, server_port=None)
    assert refused(tmp_path, "public") is None
    without(monkeypatch, "bwrap")
    assert "because its server was enclosed before" in (refused(tmp_path, "public") or "")
    assert refused(tmp_path, "allowed") is None
    deployed(tmp_path, server_port=40000)
    assert refused(tmp_path, "public") is None


def without(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    """A machine without a program."""
    find = programs.find_program

    def found(name: str) -> Path | None:
        return None if name == missing else find(name)

    monkeypatch.setattr(programs, "find_program", found)
    why = programs.why_not_sandboxed.__wrapped__
    monkeypatch.setattr(programs, "why_not_sandboxed", why)
