"""Other users of the machine have no right in the platform's folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from alchemesh_platform.app.private import NotPrivate, check_home, protect_home
from alchemesh_platform.base.files.private import make_private, open_paths
from alchemesh_platform.platform_file.load import load_platform


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home as older versions made it: everybody reads the files."""
    home = tmp_path / "home"
    for folder in (home, home / "local", home / "local" / "data"):
        folder.mkdir()
        folder.chmod(0o755)
    for name, mode in {"registry.db": 0o644, "private": 0o600, "run.sh": 0o755}.items():
        (home / "local" / name).write_text("")
        (home / "local" / name).chmod(mode)
    return home


def modes(folder: Path) -> set[int]:
    return {path.lstat().st_mode & 0o777 for path in (folder, *folder.rglob("*")) if not path.is_symlink()}


def test_rights_of_others_are_found_and_removed_and_the_owner_keeps_theirs(home: Path) -> None:
    found = {str(path.relative_to(home)) for path in open_paths(home)}
    assert found == {".", "local", "local/data", "local/registry.db", "local/run.sh"}
    assert make_private(home) == []
    assert list(open_paths(home)) == []
    assert modes(home) == {0o700, 0o600}


def test_a_missing_home_is_created_for_its_user_only(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        assert make_private(tmp_path / "new") == []
    finally:
        os.umask(old)
    assert modes(tmp_path / "new") == {0o700}


def test_a_link_out_of_the_home_changes_nothing_there(home: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    other.chmod(0o755)
    (other / "shared").write_text("")
    (other / "shared").chmod(0o644)
    (home / "to-folder").symlink_to(other)
    (home / "to-file").symlink_to(other / "shared")
    make_private(home)
    assert modes(other) == {0o755, 0o644}
    assert list(open_paths(home)) == []


def test_the_doctor_names_what_others_read_and_up_removes_it(home: Path) -> None:
    platform = load_platform(None, "local", home)
    with pytest.raises(NotPrivate) as found:
        check_home(platform)
    assert found.value.message.startswith(f"other users of this machine have rights to {home}, {home}/local, ")
    assert found.value.message.endswith(" and 2 more")
    assert found.value.hint == "`alchemesh up` removes them"
    protect_home(platform, lambda event: pytest.fail(str(event)))
    assert check_home(platform) == f"only this user has rights to {home}"
