"""The loader reads any file, or reports its problems at places in the file."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alchemesh_platform.base.problems import Problem, ProblemsFound
from alchemesh_platform.manifest.load import load_manifest
from tests.lanes import examples
from tests.manifest.documents import COMPLETE, written

PROPERTY = settings(
    max_examples=examples(120),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["flight", "carrier", "sql", "1.0.0", "30d", "a/b", "DataProduct", "contract.yaml", "99%"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
YAML_TEXT = st.text(
    st.sampled_from("abn:-?[]{},#&*!|>'\"%@`\\ \t\n\r\x85\u2028\ufeff\0\x07é😀019.~<="), max_size=60
) | st.text(max_size=40)


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for step, child in below for found in paths(child, (*path, step)))]


PATHS = [path for path in paths(COMPLETE) if path]


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    """The complete manifest with a few values replaced, removed, doubled or added."""
    document = copy.deepcopy(COMPLETE)
    for _ in range(draw(st.integers(1, 4))):
        *parents, last = draw(st.sampled_from(PATHS))
        owner: Any = document
        for step in parents:
            owner = owner[step] if _has(owner, step) else None
        if not _has(owner, last):
            continue
        act = draw(st.sampled_from(["replace", "remove", "double", "add"]))
        if act == "replace":
            owner[last] = draw(VALUES)
        elif act == "remove":
            del owner[last]
        elif act == "double" and isinstance(owner, list):
            owner.append(copy.deepcopy(owner[last]))
        elif isinstance(owner, dict):
            owner[draw(st.text(max_size=6) | st.sampled_from(["nmae", "componnet", "mustBe", "items"]))] = draw(VALUES)
    return document


def _has(owner: Any, step: Any) -> bool:
    if isinstance(owner, list):
        return isinstance(step, int) and step < len(owner)
    return isinstance(owner, dict) and step in owner


def read(folder: Path, text: str, environment: str | None = None) -> tuple[Problem, ...]:
    path = folder / "alchemesh.yaml"
    path.write_bytes(text.encode("utf-8", errors="surrogatepass"))
    try:
        return load_manifest(path, environment).warnings
    except ProblemsFound as found:
        assert any(problem.severity == "error" for problem in found.problems)
        return found.problems


def lies_inside(problem: Problem) -> bool:
    """Whether the place is in the file, or just behind the end of a line of it."""
    lines = Path(problem.location.file).read_bytes().decode("utf-8", errors="replace").splitlines() or [""]
    line, column = problem.location.line, problem.location.column
    return 1 <= line <= len(lines) and 1 <= column <= len(lines[line - 1]) + 1


@PROPERTY
@given(YAML_TEXT)
def test_any_text_is_read_or_its_problems_are_reported(tmp_path: Path, text: str) -> None:
    problems = read(tmp_path, text)
    assert problems
    assert all(lies_inside(problem) for problem in problems)


@PROPERTY
@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_their_problems_are_reported(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "alchemesh.yaml"
    path.write_bytes(content)
    with pytest.raises(ProblemsFound) as found:
        load_manifest(path)
    assert all(lies_inside(problem) for problem in found.value.problems)


@PROPERTY
@given(mutated())
def test_any_mistake_in_a_manifest_is_reported_at_its_place(tmp_path: Path, document: dict[str, Any]) -> None:
    problems = read(tmp_path, written(document))
    for problem in problems:
        assert lies_inside(problem), problem
        assert "Input should" not in str(problem)
        assert "pydantic" not in str(problem)
        assert problem.message.startswith(("found ", "no output port exposes")), problem
    assert len(set(problems)) == len(problems), "a problem was told twice"


@PROPERTY
@given(mutated(), st.integers(0, 2000), YAML_TEXT)
def test_any_typing_mistake_is_reported_at_its_place(
    tmp_path: Path, document: dict[str, Any], position: int, typed: str
) -> None:
    text = written(document)
    at = position % len(text)
    problems = read(tmp_path, text[:at] + typed + text[at + len(typed) // 2 :])
    assert all(lies_inside(problem) for problem in problems), problems


@PROPERTY
@given(VALUES)
def test_any_overlay_is_read_or_its_problems_are_reported(tmp_path: Path, overlay: Any) -> None:
    (tmp_path / "alchemesh.prod.yaml").write_text(written(overlay))
    problems = read(tmp_path, written(COMPLETE), "prod")
    assert all(lies_inside(problem) for problem in problems), problems


def test_the_complete_manifest_has_no_problem(tmp_path: Path) -> None:
    assert read(tmp_path, written(COMPLETE)) == ()
