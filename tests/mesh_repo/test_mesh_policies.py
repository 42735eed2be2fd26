"""Policies of a mesh repo: recorded by `mesh apply`, and evaluated by `validate`, `plan`, `preview` and `up`."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from alchemesh_cli.main import invoke
from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.catalog.discover import discover
from alchemesh_platform.compose.compose import compose
from alchemesh_platform.deployment.checks.governance import Forbidden, forget_value, govern, record_value
from alchemesh_platform.manifest.load import load_manifest
from alchemesh_platform.mesh_repo.last_seen import FILE, LastSeen, last_seen
from alchemesh_platform.platform_file.load import load_platform
from alchemesh_platform.registry.audit import acts_of
from alchemesh_platform.registry.records import PolicyRecord, ValueScoreRecord
from alchemesh_platform.registry.store import Registry

MESH = """\
kind: Domain
name: aviation
type: source_aligned
owner: amelia@a.example
teams:
  - {name: flight-data}
  - {name: mesh-governance, kind: governance_group}
"""
USERS = "kind: Users\nusers:\n  - {email: amelia@a.example, name: Amelia, personas: [data_product_owner]}\n"
POLICY = """\
kind: Policy
name: short-names
owner: mesh-governance
description: Names are short.
require: %(require)s
effect: %(effect)s
message: the name is long
hint: find a shorter one
"""
PRODUCT = """\
kind: DataProduct
name: flights
domain: aviation
team: flight-data
owner: amelia@a.example
version: 1.0.0
"""
SHORT = "product.name.size() <= 5"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A product, and a mesh repo next to it."""
    monkeypatch.setenv("ALCHEMESH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ALCHEMESH_USER", "amelia@a.example")
    monkeypatch.chdir(tmp_path)
    for path, text in (
        ("mesh/aviation.yaml", MESH),
        ("mesh/users.yaml", USERS),
        ("flights/alchemesh.yaml", PRODUCT),
    ):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path


def write_policy(effect: str, require: str = SHORT) -> None:
    Path("mesh/short-names.yaml").write_text(POLICY % {"effect": effect, "require": require})


def apply() -> None:
    assert invoke(["mesh", "apply", "mesh", "--yes"]) == ExitCode.DONE


def registry(folder: Path) -> Registry:
    return Registry.open(f"sqlite:///{folder}/home/local/registry.db")


def test_policies_are_part_of_the_difference(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_policy("warn")
    apply()
    assert re.search(r"\+ policy +short-names +warn, owner mesh-governance", capsys.readouterr().out)
    write_policy("deny")
    apply()
    assert re.search(r"    effect +warn → deny", capsys.readouterr().out)
    with registry(folder) as opened:
        assert [policy.address for policy in opened.all(PolicyRecord, "local")] == ["short-names"]
    Path("mesh/short-names.yaml").unlink()
    apply()
    with registry(folder) as opened:
        assert opened.all(PolicyRecord, "local") == []


def test_applying_a_mesh_repo_is_audited_once(folder: Path) -> None:
    apply()
    apply()
    with registry(folder) as opened:
        (act,) = acts_of(opened, "local")
    assert (act.operation, act.actor, act.issuer) == ("mesh apply", "amelia@a.example", "local")
    assert act.detail["created"]["first"][0] == "domain aviation"
    assert act.detail["created"]["count"] == 4


def test_a_policy_that_denies_stops_every_command_at_its_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_policy("deny")
    assert invoke(["validate", "flights", "-e", "local"]) == ExitCode.DONE
    apply()
    capsys.readouterr()
    reported = "flights/alchemesh.yaml:1:1  policy short-names: the name is long"
    for command in (["validate", "flights", "-e", "local"], ["plan", "flights"]):
        assert invoke(command) == ExitCode.FORBIDDEN
        assert reported in capsys.readouterr().err
    for command in (["preview"], ["up", "--yes"]):
        assert invoke([*command, "-C", "flights"]) == ExitCode.FORBIDDEN
        assert reported in capsys.readouterr().err


def test_validate_and_plan_do_not_open_the_registry(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_policy("deny")
    apply()
    Path("home/local/registry.db").write_text("this is no registry")
    assert invoke(["validate", "flights", "-e", "local"]) == ExitCode.FORBIDDEN
    assert invoke(["plan", "flights"]) == ExitCode.FORBIDDEN
    capsys.readouterr()
    assert invoke(["validate", "flights", "-e", "local", "--mesh"]) == ExitCode.FAILED
    assert "registry" in capsys.readouterr().err


def test_without_an_environment_only_shipped_policies_are_evaluated(folder: Path) -> None:
    write_policy("deny")
    apply()
    assert invoke(["validate", "flights"]) == ExitCode.DONE


def test_a_failing_expression_never_passes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_policy("deny", "product.input_ports[7].name == 'x'")
    apply()
    capsys.readouterr()
    assert invoke(["plan", "flights"]) == ExitCode.FORBIDDEN
    reported = capsys.readouterr().err
    assert "policy short-names: require: " in reported
    assert "mesh-governance owns the policy: report it to them" in reported


def test_maturity_deducted_by_a_policy_is_in_the_plan(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_policy("devalue\npoints: 25")
    apply()
    capsys.readouterr()
    assert invoke(["plan", "flights", "--json"]) == ExitCode.DONE
    assert json.loads(capsys.readouterr().out)["value"] == {
        "value": 45,
        "deductions": [
            {
                "policy": "source-aligned-source-system",
                "points": 30,
                "message": "a product of a source-aligned domain relies on no source system",
            },
            {"policy": "short-names", "points": 25, "message": "the name is long"},
        ],
        "open": [],
    }


def test_validate_checks_the_mesh_only_with_its_option(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    apply()
    Path("flights/alchemesh.yaml").write_text(PRODUCT.replace("flight-data", "crew"))
    assert invoke(["validate", "flights", "-e", "local"]) == ExitCode.DONE
    assert invoke(["validate", "flights", "-e", "local", "--mesh"]) == ExitCode.PROBLEMS
    assert "flights/alchemesh.yaml:4:7  team: found 'crew', expected a data product team" in capsys.readouterr().err
    assert invoke(["validate", "flights", "--mesh"]) == ExitCode.USAGE


def test_cached_policies_of_another_registry_or_a_damaged_file_are_ignored(folder: Path) -> None:
    write_policy("deny")
    apply()
    platform = load_platform(None, "local", folder / "home")
    assert [policy.name for policy in last_seen(platform).policies] == ["short-names"]
    assert last_seen(platform.model_copy(update={"registry": "sqlite:///another.db"})) == LastSeen()
    (folder / "home" / "local" / FILE).write_text("{")
    assert last_seen(platform) == LastSeen()


def test_the_value_is_recorded_with_its_deductions(folder: Path) -> None:
    write_policy("devalue\npoints: 25")
    apply()
    manifest = load_manifest(Path("flights/alchemesh.yaml"), "local")
    plan = compose(manifest, load_platform(None, "local", folder / "home"), discover())
    with registry(folder) as opened:
        assert govern(opened, manifest, plan).warnings
        record_value(opened, manifest, plan)
        recorded = opened.get(ValueScoreRecord, "local", "aviation/flights")
        assert recorded is not None
        assert recorded.value == 45
        assert [each.policy for each in recorded.deductions] == ["source-aligned-source-system", "short-names"]
        forget_value(opened, plan)
        assert opened.get(ValueScoreRecord, "local", "aviation/flights") is None


def test_a_policy_of_the_mesh_replaces_the_shipped_one(folder: Path) -> None:
    """A company overrides a shipped policy by its name."""
    Path("mesh/replaced.yaml").write_text(
        (POLICY % {"effect": "deny", "require": "1 == 2"}).replace("short-names", "source-aligned-source-system")
    )
    apply()
    manifest = load_manifest(Path("flights/alchemesh.yaml"), "local")
    plan = compose(manifest, load_platform(None, "local", folder / "home"), discover())
    with registry(folder) as opened, pytest.raises(Forbidden, match="source-aligned-source-system: the name is long"):
        govern(opened, manifest, plan)
