"""The cache: one process at a time prepares each recipe once, and again after a killed one."""

from __future__ import annotations

import multiprocessing
import time
from pathlib import Path

import pytest

from parts.cache import READY, part_folder, prepared


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALCHEMESH_CACHE", str(tmp_path))


def write(folder: Path) -> None:
    """Writes one half, and later the other half."""
    assert not list(folder.iterdir()), "somebody else is at it"
    (folder / "one").touch()
    time.sleep(0.2)
    (folder / "two").touch()


def prepare(_number: int) -> list[str]:
    return sorted(file.name for file in prepared("part", ["recipe"], write).iterdir())


def test_many_processes_prepare_it_once() -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert pool.map(prepare, range(4)) == [[READY, "one", "two"]] * 4


def test_leftovers_of_a_killed_process_are_built_again(capsys: pytest.CaptureFixture[str]) -> None:
    left = part_folder("part", ["recipe"])
    left.mkdir(parents=True)
    (left / "half a jar").touch()
    assert prepare(0) == [READY, "one", "two"]
    assert "preparing part" in capsys.readouterr().err


def test_another_recipe_is_another_folder() -> None:
    assert part_folder("part", ["one", "two"]) != part_folder("part", ["one two"])
