"""A run stops in the change that a test asks for, and nowhere else."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.end_to_end.held import REACHED, RELEASED, Holding, providers
from tests.waiting import until


class Kind:
    """A kind of resource that only counts."""

    def __init__(self) -> None:
        self.created = 0

    def create(self, _inputs: Any, _context: Any) -> tuple[str, dict[str, Any]]:
        self.created += 1
        return "id", {}


def context(*, preview: bool = False) -> Any:
    return SimpleNamespace(preview=preview, stop=threading.Event())


def holding(folder: Path, moment: str) -> Holding:
    return Holding({"moment": moment, "prefix": "mine:", "number": 2, "folder": str(folder)})


def test_every_provider_can_be_held() -> None:
    assert [provider.kind_of.__name__ for provider in providers()] == ["kind_of", "kind_of"]


@pytest.mark.parametrize(("moment", "created"), [("before", 1), ("after", 2)])
def test_the_second_creation_is_held_until_it_is_released(tmp_path: Path, moment: str, created: int) -> None:
    kind: Any = Kind()
    held = holding(tmp_path, moment).of(kind, "mine:index:Thing")
    held.create({}, context(preview=True))
    held.create({}, context())
    assert not (tmp_path / REACHED).exists()
    kind.created = 1
    with ThreadPoolExecutor(1) as pool:
        second = pool.submit(held.create, {}, context())
        until((tmp_path / REACHED).exists, what="the second creation is reached")
        assert (tmp_path / REACHED).read_text("utf-8") == "mine:index:Thing"
        assert (kind.created, second.done()) == (created, False)
        (tmp_path / RELEASED).touch()
        assert second.result() == ("id", {})
    held.create({}, context())
    assert kind.created == 3


def test_a_cancelled_run_is_released(tmp_path: Path) -> None:
    held = holding(tmp_path, "before").of(Kind(), "mine:index:Thing")  # type: ignore[arg-type]
    held.create({}, context())
    cancelled = context()
    cancelled.stop.set()
    assert held.create({}, cancelled) == ("id", {})


def test_resources_of_other_types_are_not_held(tmp_path: Path) -> None:
    kind: Any = Kind()
    assert holding(tmp_path, "before").of(kind, "other:index:Thing") is kind
