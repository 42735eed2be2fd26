"""The local user: the identity that this machine gives."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from alchemesh_platform.identity.identify import identify
from alchemesh_platform.identity.identity import Identity
from alchemesh_platform.identity.machine import USER_VARIABLE, local_subject, user_name
from alchemesh_platform.platform_file.load import load_platform


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git repository whose user is known."""
    folder = tmp_path / "repo"
    subprocess.run(["git", "init", "-q", folder], check=True)
    subprocess.run(["git", "-C", folder, "config", "user.email", "bo@airport.example"], check=True)
    monkeypatch.chdir(folder)
    return folder


def test_the_variable_comes_first(repo: Path) -> None:
    assert local_subject({USER_VARIABLE: "amelia@airport.example"}) == "amelia@airport.example"


def test_without_the_variable_the_user_comes_from_git(repo: Path) -> None:
    assert local_subject({}) == "bo@airport.example"


def test_without_git_the_user_comes_from_the_machine(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    user, _, host = local_subject({}).partition("@")
    assert user == user_name()
    assert host


def test_a_user_without_a_name_has_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found")

    monkeypatch.setattr("getpass.getuser", nobody)
    assert user_name().isdigit()


def test_the_embedded_platform_trusts_the_local_user() -> None:
    identity = identify(load_platform(None, "local", Path("home")), {USER_VARIABLE: "amelia@airport.example"})
    assert identity == Identity("amelia@airport.example", "local")
    assert not identity.is_proven
