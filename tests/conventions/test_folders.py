"""A folder stays small enough to be read: it has at most a dozen modules (docs/adr/0037-packages-in-one-order.md)."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOTS = ("alchemesh_platform", "benchmarks", "cli", "components", "parts", "stacks", "tests")
DOZEN = 12
# One file for each command and for each emulated service is what a reader looks for.
LISTS = {
    "cli/alchemesh_cli/commands",
    "alchemesh_platform/clouds/gcp/emulation/services",
    "alchemesh_platform/registry/migrations/versions",
}


def crowded(root: Path, roots: tuple[str, ...]) -> list[str]:
    """Folders with more than a dozen modules, each with its number; ``__init__.py`` does not count."""
    modules: dict[str, int] = defaultdict(int)
    for name in roots:
        for file in (root / name).rglob("*.py"):
            modules[file.parent.relative_to(root).as_posix()] += file.name != "__init__.py"
    return sorted(f"{folder}: {number}" for folder, number in modules.items() if number > DOZEN and folder not in LISTS)


def test_no_folder_has_more_than_a_dozen_modules() -> None:
    assert crowded(ROOT, ROOTS) == [], "make sub-folders by meaning: docs/architecture/where-things-go.md"


@pytest.mark.parametrize("folder", sorted(LISTS))
def test_a_list_of_one_file_each_is_still_there(folder: str) -> None:
    assert (ROOT / folder).is_dir()


def test_a_crowded_folder_is_found_in_any_depth(tmp_path: Path) -> None:
    folder = tmp_path / "cli" / "deep" / "deeper"
    folder.mkdir(parents=True)
    for name in ("__init__", *(f"module_{number}" for number in range(DOZEN))):
        (folder / f"{name}.py").touch()
    assert crowded(tmp_path, ("cli",)) == []
    (folder / "one_more.py").touch()
    assert crowded(tmp_path, ("cli",)) == ["cli/deep/deeper: 13"]
