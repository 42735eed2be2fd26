"""The audit is a chain of acts that reveals any change."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from alchemesh_cli.main import invoke
from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.registry.audit import BEGINNING, Act, acts_of, broken_links, check_chain, links, record_act
from alchemesh_platform.registry.store import Registry


def act(environment: str, operation: str = "access approve", **more: str) -> Act:
    return Act(
        environment=environment,
        operation=operation,
        address="req-0a1b2c3d",
        actor="amelia@airport.example",
        issuer="local",
        **more,
    )


def test_acts_are_listed_newest_first(registry: Registry, environment: str) -> None:
    first, second = act(environment, product="aviation/flights"), act(environment, "access revoke", reason="over")
    record_act(registry, first)
    record_act(registry, second)

    assert acts_of(registry, environment) == [second, first]
    assert acts_of(registry, environment, "aviation/flights") == [first]
    assert acts_of(registry, environment, limit=1) == [second]


def test_concurrent_acts_make_one_chain(registry: Registry, environment: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: record_act(registry, act(environment, f"act {number}")), range(40)))

    assert len(acts_of(registry, environment)) == 40
    assert list(broken_links(registry)) == []


def test_an_act_is_rolled_back_with_its_transaction(registry: Registry, environment: str) -> None:
    with pytest.raises(RuntimeError), registry.transaction("anything") as turn:
        record_act(turn, act(environment))
        raise RuntimeError

    assert acts_of(registry, environment) == []


@pytest.mark.parametrize("statement", ["UPDATE acts SET actor = 'nobody'", "DELETE FROM acts"])
def test_acts_are_append_only(registry: Registry, environment: str, statement: str) -> None:
    record_act(registry, act(environment))

    with pytest.raises(DatabaseError, match="append-only"), registry.writing() as connection:
        connection.execute(text(statement))


def test_an_inserted_act_is_reported(tmp_path: object) -> None:
    with Registry.open(f"sqlite:///{tmp_path}/registry.db") as registry:
        for number in range(4):
            record_act(registry, act("local", f"act {number}"))
        with registry.writing() as connection:  # an attacker with access to the database, who removes its guards first
            connection.execute(text("DROP TRIGGER acts_stay"))
            connection.execute(text("UPDATE acts SET document = replace(document, 'act 1', 'act 9') WHERE number = 2"))

        assert list(broken_links(registry)) == [2]


@pytest.fixture
def chain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """Four acts in a registry whose guards an attacker has removed."""
    monkeypatch.setenv("ALCHEMESH_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with Registry.open(f"sqlite:///{tmp_path}/local/registry.db") as registry:
        for number in range(4):
            record_act(registry, act("local", f"act {number}", reason="because"))
        with registry.writing() as connection:
            connection.execute(text("DROP TRIGGER acts_stay"))
            connection.execute(text("DROP TRIGGER acts_never_go"))
        yield registry


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("UPDATE acts SET number = 9 WHERE number = 4", (9,)),
        ("DELETE FROM acts WHERE number = 2", (3,)),
        ("DELETE FROM acts WHERE number = 1", (2,)),
        ("UPDATE acts SET digest = 'ff' WHERE number = 2", (2, 3)),
        ("UPDATE acts SET actor = 'bo@airport.example' WHERE number = 3", (3,)),
        ("UPDATE acts SET environment = 'elsewhere' WHERE number = 1", (1,)),
        ("UPDATE acts SET at = '2020-01-01 00:00:00.000000' WHERE number = 1", (1,)),
        ("UPDATE acts SET document = 'nothing' WHERE number = 4", (4,)),
    ],
)
def test_any_changed_act_breaks_the_chain(chain: Registry, statement: str, broken: tuple[int, ...]) -> None:
    assert check_chain(chain).is_whole
    with chain.writing() as connection:
        connection.execute(text(statement))

    assert check_chain(chain).broken == broken


def test_a_removed_end_is_detected_by_the_stored_head(chain: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    head = check_chain(chain).head
    assert head == links(chain)[0].digest
    record_act(chain, act("local", "act 4"))
    assert invoke(["mesh", "audit", "--check", "--expect", head]) == ExitCode.DONE
    assert (
        "5 entries, each digest matches the entry before it, 1 entry after the expected one" in capsys.readouterr().out
    )
    with chain.writing() as connection:
        connection.execute(text("DELETE FROM acts WHERE number > 3"))

    assert check_chain(chain).is_whole
    assert invoke(["mesh", "audit", "--check", "--expect", head]) == ExitCode.FAILED
    assert f"missing: no entry has the digest {head}; entries were removed at the end" in capsys.readouterr().out


def test_the_command_lists_the_newest_first(chain: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["mesh", "audit", "--limit", "2"]) == ExitCode.DONE
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[::2]] == ["4", "3"]
    assert "act 3  amelia@airport.example  req-0a1b2c3d" in lines[0]
    assert lines[1].strip() == "because"
    assert invoke(["mesh", "audit", "--product", "aviation/flights", "--json"]) == ExitCode.DONE
    assert json.loads(capsys.readouterr().out) == []


def test_the_command_reports_broken_links(chain: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    with chain.writing() as connection:
        connection.execute(text("UPDATE acts SET document = replace(document, 'because', 'no') WHERE number = 2"))

    assert invoke(["mesh", "audit", "--check", "--json"]) == ExitCode.FAILED
    checked = json.loads(capsys.readouterr().out)
    assert (checked["broken"], checked["acts"], checked["whole"]) == ([2], 4, False)
    assert invoke(["mesh", "audit", "--check"]) == ExitCode.FAILED
    assert "broken: the digest in entry 2 does not match the entry before it" in capsys.readouterr().out


def test_an_empty_audit_is_valid(tmp_path: Path) -> None:
    with Registry.open(f"sqlite:///{tmp_path}/registry.db") as registry:
        assert check_chain(registry).as_json() == {
            "acts": 0,
            "broken": [],
            "head": BEGINNING,
            "moved_clock": [],
            "expect": None,
            "expected_at": None,
            "whole": True,
        }
