"""Every command with `--json` prints one document, with a published schema and a version."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import jsonschema
import pytest

from alchemesh_cli.documents import DOCUMENTS, address_of, published
from alchemesh_cli.main import COMMANDS, alchemesh, invoke
from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.platform_file.load import load_platform
from alchemesh_platform.registry.store import Registry
from tests.builtin import ROOT

CLI = ROOT / "cli" / "alchemesh_cli"


def with_json(command: click.Command, name: str) -> Iterator[str]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        for each in command.list_commands(context):
            found = command.get_command(context, each)
            assert found is not None
            yield from with_json(found, f"{name} {each}".strip())
    elif any("--json" in option.opts for option in command.params):
        yield name


def test_every_command_with_json_has_a_published_schema() -> None:
    described = {command for document in DOCUMENTS.values() for command in document.commands}
    assert set(with_json(alchemesh, "")) == described - {
        "mesh audit --check",
        "refresh --preview-only",
        "report --html",
    }
    for name, document in DOCUMENTS.items():
        schema = published(name)
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema["$id"] == address_of(name) == f"alchemesh/{name}/{document.version}"
        assert json.loads((ROOT / "docs" / "reference" / "json" / f"{name}.json").read_text("utf-8")) == schema


def test_only_one_function_prints_documents() -> None:
    """Every document of every test is checked against its schema in this function (`tests/strict.py`)."""
    found = [
        f"{file.relative_to(CLI)}: {line.strip()}"
        for file in sorted(CLI.rglob("*.py"))
        if file.name != "documents.py"
        for line in file.read_text("utf-8").splitlines()
        if re.search(r"echo\(.*(json\.dumps|model_dump_json)", line)
    ]
    assert found == []


@pytest.fixture
def product(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """A product that was never deployed, in a folder of its own."""
    monkeypatch.setenv("ALCHEMESH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ALCHEMESH_USER", "ada@shop.example")
    monkeypatch.chdir(tmp_path)
    assert invoke(["init", "orders"]) == ExitCode.DONE
    capsys.readouterr()
    monkeypatch.chdir(tmp_path / "orders")
    with Registry.open(load_platform(None, "local", tmp_path / "home").registry):
        pass  # the audit log of nothing needs a registry
    return tmp_path / "orders"


OFFLINE: dict[str, list[str]] = {
    "validation": ["validate"],
    "plan": ["plan"],
    "plans": ["plan", ".", "."],
    "contracts": ["contract", "show"],
    "contract-diff": ["contract", "diff"],
    "notices": ["contract", "notices"],
    "requests": ["access", "list"],
    "retained-data": ["data", "list"],
    "inbox": ["inbox"],
    "status": ["status"],
    "mesh": ["mesh", "show"],
    "audit": ["mesh", "audit"],
    "audit-check": ["mesh", "audit", "--check"],
    "policies": ["policy", "list"],
    "policy": ["policy", "show", "stable-contract"],
    "policy-cases": ["policy", "test"],
    "components": ["components", "list"],
    "component": ["components", "show", "delta-table"],
    "identity": ["whoami"],
    "checks": ["doctor"],
}


@pytest.mark.parametrize("name", OFFLINE)
def test_a_document_fits_its_schema_and_names_it(product: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    invoke([*OFFLINE[name], "--json"])
    printed = capsys.readouterr()
    document: Any = json.loads(printed.out)  # one document, and nothing else
    jsonschema.validate(document, published(name))
    if DOCUMENTS[name].named:
        assert document["schema"] == address_of(name)


def test_problems_of_a_manifest_are_a_document_of_their_own(product: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (product / "alchemesh.yaml").write_text("kind: DataProduct\n", "utf-8")
    assert invoke(["plan", "--json"]) == ExitCode.PROBLEMS
    jsonschema.validate(json.loads(capsys.readouterr().out), published("problems"))


def test_every_command_of_the_help_is_covered() -> None:
    named = {command.split()[0] for document in DOCUMENTS.values() for command in document.commands}
    assert named <= set(COMMANDS)
