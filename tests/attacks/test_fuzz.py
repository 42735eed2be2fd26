"""A few hundred damaged documents: every outcome is a report with its place and its remedy, and none is unexpected.

The same mutations run every time. A mutation that fails is named by its number.
"""

from __future__ import annotations

import json
import random
import re
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import yaml

from alchemesh_cli.main import invoke
from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.engine.state.deployed import deployed_ids
from alchemesh_platform.engine.state.folder import StateDamaged, StateFolder, read_state, repair_state
from alchemesh_platform.engine.state.interrupted import interrupted_in
from alchemesh_platform.registry.audit import Act, record_act
from alchemesh_platform.registry.store import Registry
from alchemesh_platform.registry.tables import TABLES
from tests.attacks.mutations import damaged, mutated
from tests.registry.recorded import one_of_each

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

EXAMPLE = Path(__file__).parents[2] / "examples" / "flights"
MANIFESTS, REGISTRIES, STATES = 200, 60, 300
PLACE = re.compile(r"alchemesh(\.\w+)?\.yaml(:\d+:\d+)?", re.MULTILINE)


def outcome(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """The exit code and the report of a command."""
    status = invoke(arguments)
    return status, capsys.readouterr().err


def test_every_damaged_manifest_is_reported_at_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALCHEMESH_HOME", str(tmp_path / "home"))
    folder = tmp_path / "flights"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("incoming"))
    text = (EXAMPLE / "alchemesh.yaml").read_text("utf-8")
    tree = yaml.safe_load(text)
    reported = 0
    for number in range(MANIFESTS):
        dice = random.Random(number)
        data = damaged(text, dice) if number % 2 else json.dumps(mutated(tree, dice)).encode("utf-8", "surrogatepass")
        (folder / "alchemesh.yaml").write_bytes(data)
        status, report = outcome(["plan", "-C", str(folder)], capsys)
        assert status in {ExitCode.DONE, ExitCode.FAILED, ExitCode.PROBLEMS, ExitCode.FORBIDDEN}, (number, report)
        assert "unexpected error" not in report, (number, report)
        if status != ExitCode.DONE:
            reported += 1
            assert PLACE.search(report), (number, report)
            assert "hint: " in report or "expected" in report, (number, report)
    assert reported > MANIFESTS / 2, "most mutations make a manifest invalid"


COMMANDS = (
    ["status"],
    ["status", "aviation/flights", "--history", "--lineage"],
    ["access", "list"],
    ["access", "show", "req-0a1b2c3d"],
    ["mesh", "show"],
    ["mesh", "audit"],
    ["whoami"],
    ["env"],
)


@pytest.fixture
def recorded(tmp_path: Path) -> bytes:
    """The file of a registry with a record of every kind."""
    file = tmp_path / "recorded.db"
    with Registry.open(f"sqlite:///{file}") as registry:
        registry.write(one_of_each("local"))
        begun = registry.start_deployment("local", "aviation/flights", "up", "amelia@airport.example")
        registry.finish_deployment(begun.id, "succeeded", changes={"create": 3})
        record_act(registry, Act(environment="local", operation="up", address="a/b", actor="amelia", issuer="local"))
    return file.read_bytes()


def test_every_damaged_record_is_reported_with_a_remedy(
    tmp_path: Path, recorded: bytes, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(EXAMPLE)
    reported = 0
    for number in range(REGISTRIES):
        dice = random.Random(number)
        home = tmp_path / str(number)
        (home / "local").mkdir(parents=True)
        file = home / "local" / "registry.db"
        file.write_bytes(recorded)
        monkeypatch.setenv("ALCHEMESH_HOME", str(home))
        damage_record(file, dice, whole=number % 2 == 0)
        for command in dice.sample(COMMANDS, 3):
            status, report = outcome(command, capsys)
            assert "unexpected error" not in report, (number, command, report)
            if status != ExitCode.DONE:
                reported += 1
                assert "hint: " in report, (number, command, report)
    assert reported


TABLES_WITH_DOCUMENTS = (*(table.name for table in TABLES.values()), "deployments", "changes", "acts")


def damage_record(file: Path, dice: random.Random, *, whole: bool) -> None:
    """Change one document, as a mistake of a tool or a disk would."""
    with sqlite3.connect(file) as connection:
        for (trigger,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {trigger}")
        documents = [
            (table, row, document)
            for table in TABLES_WITH_DOCUMENTS
            for row, document in connection.execute(f"SELECT rowid, document FROM {table}")
        ]
        table, row, document = dice.choice(documents)
        changed = json.dumps(mutated(json.loads(document), dice)).encode() if whole else damaged(document, dice)
        connection.execute(f"UPDATE {table} SET document = CAST(? AS TEXT) WHERE rowid = ?", (changed, row))
    connection.close()


def resource(kind: str, name: str) -> dict[str, Any]:
    urn = f"urn:pulumi:dev::shop.orders::alchemesh:local:{kind}::{name}"
    return {"urn": urn, "type": f"alchemesh:local:{kind}", "custom": True, "id": f"/data/{name}", "inputs": {"a": [1]}}


STATE = {
    "version": 3,
    "checkpoint": {
        "stack": "dev",
        "latest": {
            "manifest": {"time": "2026-01-01T00:00:00Z", "version": "v3"},
            "resources": [resource("Directory", "a"), resource("DeltaTable", "b")],
            "pending_operations": [{"resource": resource("Job", "c"), "type": "creating"}],
        },
    },
}


def test_every_damaged_state_is_repaired_or_reported_with_a_remedy(tmp_path: Path) -> None:
    """A state that is JSON but no state once passed the check, and was an unexpected error later."""
    repaired = reported = 0
    for number in range(STATES):
        dice = random.Random(number)
        folder = StateFolder(tmp_path / str(number), "shop.orders", "dev")
        folder.file.parent.mkdir(parents=True)
        text = json.dumps(STATE, indent=1)
        folder.file.write_bytes(damaged(text, dice) if number % 2 else json.dumps(mutated(STATE, dice)).encode())
        if number % 3:
            folder.file.with_name(f"{folder.file.name}.bak").write_text(text)
        try:
            repaired += repair_state(folder) is not None
            deployment = read_state(folder.file) or {}
            assert all(isinstance(each, str) for ids in deployed_ids(deployment).values() for each in ids), number
            assert all(isinstance(each.urn, str) for each in interrupted_in(deployment)), number
        except StateDamaged as damage:
            reported += 1
            assert damage.hint, number
    assert repaired
    assert reported
