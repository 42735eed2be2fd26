"""What credentials and local users can do, as the documentation says it."""

from __future__ import annotations

from pathlib import Path

import yaml

from alchemesh_platform.base.files.private import OTHERS

FILE = Path(__file__).with_name("reach.yml")


def credentials() -> dict[str, dict[str, bool]]:
    """For each holder: whether each action is possible."""
    table = yaml.safe_load(FILE.read_text("utf-8"))["credentials"]
    return {holder: dict(zip(table["actions"], may, strict=True)) for holder, may in table["holders"].items()}


def files() -> dict[str, str]:
    """The kinds of files in the home of the platform, each as a pattern."""
    found: dict[str, str] = yaml.safe_load(FILE.read_text("utf-8"))["files"]
    return found


def reached_by_others(home: Path) -> dict[str, list[str]]:
    """For each kind of file in a home: those that another user of the machine can reach."""
    reached = {}
    for kind, pattern in files().items():
        paths = list(home.glob(pattern))
        assert paths, f"this home has none of {kind}"
        reached[kind] = [str(path) for path in paths if _is_reached(path, home)]
    return reached


def _is_reached(path: Path, home: Path) -> bool:
    """Whether the rights of a file, or of the folders that lead to it from the home, exclude other users nowhere."""
    leading = [each for each in (path, *path.parents) if each == home or home in each.parents]
    return all(each.lstat().st_mode & OTHERS for each in leading)
