"""The folder that a command works in: missing folders, and folders without a manifest."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest

from alchemesh_cli.main import alchemesh, invoke
from alchemesh_platform.base.failure import ExitCode

ARGUMENTS = {
    ("access", "request"): ["a/b/c", "--purpose", "a study"],
    ("run",): ["--", "true"],
}


def commands_with_a_folder(group: click.Command, *path: str) -> list[tuple[str, ...]]:
    if isinstance(group, click.Group):
        context = click.Context(group)
        return [
            found
            for name in group.list_commands(context)
            for found in commands_with_a_folder(group.get_command(context, name) or group, *path, name)
        ]
    return [path] if any("-C" in option.opts for option in group.params) else []


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ALCHEMESH_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("ALCHEMESH_PLATFORM", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


@pytest.fixture
def shop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    invoke(["init", "shop"])
    capsys.readouterr()
    return tmp_path / "shop"


@pytest.mark.parametrize("words", commands_with_a_folder(alchemesh), ids=" ".join)
def test_a_missing_folder_is_wrong_usage(
    words: tuple[str, ...], home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`status -C /nope` once reported that nothing is deployed yet."""
    assert invoke([*words, "-C", "/nope"]) == ExitCode.USAGE
    assert capsys.readouterr().err == "error: no such folder /nope\n\nhint: -C takes the folder of a data product\n"
    assert not home.exists()


def test_a_misspelt_folder_gets_a_suggestion(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["plan", "-C", "shpo"]) == ExitCode.USAGE
    assert "hint: did you mean 'shop'? -C takes" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["plan"], ["validate"], ["env"], ["unlock", "--yes"]], ids=" ".join)
def test_a_sub_folder_of_a_product_gets_a_hint_at_the_manifest(
    words: list[str], shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (shop / "deep").mkdir()
    monkeypatch.chdir(shop / "deep")
    assert invoke(words) == ExitCode.PROBLEMS
    said = capsys.readouterr().err
    assert "hint: there is ../alchemesh.yaml: work in its folder, as in `alchemesh plan -C ..`" in said
    assert "alchemesh init" not in said


def test_validate_works_in_another_folder(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`plan`, `preview` and `up` have -C; `validate -C` was "No such option"."""
    (shop / "alchemesh.yaml").write_text("kind: DataProduct\n")
    assert invoke(["validate", "-C", "shop"]) == ExitCode.PROBLEMS
    assert "shop/alchemesh.yaml:1" in capsys.readouterr().err


def test_unlock_needs_only_the_name_of_the_product(shop: Path, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An invalid manifest once kept the stack locked."""
    manifest = shop / "alchemesh.yaml"
    manifest.write_text(manifest.read_text() + "\nnonsense: true\n")
    lock = home / "local/state/.pulumi/locks/organization/retail.shop/local/one.json"
    lock.parent.mkdir(parents=True)
    held = {"pid": 1, "username": "ada", "hostname": "elsewhere", "timestamp": "2026-01-02T03:04:05.678Z"}
    lock.write_text(json.dumps(held))
    assert invoke(["plan", "-C", "shop"]) == ExitCode.PROBLEMS
    assert invoke(["unlock", "-C", "shop", "--yes"]) == ExitCode.DONE
    assert "the lock of ada@elsewhere (pid 1" in capsys.readouterr().err
    assert not lock.exists()
