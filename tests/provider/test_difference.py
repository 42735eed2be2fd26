"""Differences between inputs."""

from __future__ import annotations

import copy
import re
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alchemesh_platform.engine.run.property_path import by_name
from alchemesh_platform.provider.difference import difference, join, top_level
from alchemesh_platform.provider.values import UNKNOWN, Secret

NAMES = st.sampled_from(["a", "b", "a.b", 'say "hi"', "back\\slash", "with space", "[0]"])
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(0, 3), st.sampled_from(["x", "y"]))
TREES = st.dictionaries(
    NAMES,
    st.recursive(
        LEAVES,
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)),
        max_leaves=8,
    ),
    max_size=4,
)


def parts_of(path: str) -> list[str | int]:
    """A path split into its parts, independently of the code that built it."""
    found: list[str | int] = []
    for quoted, index, plain in re.findall(r'\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|([^.\[\]"]+)', path):
        found.append(int(index) if index else plain or re.sub(r"\\(.)", r"\1", quoted))
    return found


def apply(old: dict[str, Any], new: dict[str, Any], kinds: dict[str, str]) -> Any:
    """The old value with every change of the difference applied."""
    result: Any = copy.deepcopy(old)

    def at(tree: Any, parts: list[str | int]) -> Any:
        for part in parts:
            tree = tree[part]
        return tree

    removals = sorted((path for path, kind in kinds.items() if kind == "delete"), key=_last_index, reverse=True)
    for path, kind in kinds.items():
        *above, last = parts_of(path)
        if kind == "add" and isinstance(last, int):
            assert len(at(result, above)) == last
            at(result, above).append(copy.deepcopy(at(new, [*above, last])))
        elif kind != "delete":
            at(result, above)[last] = copy.deepcopy(at(new, [*above, last]))
    for path in removals:
        *above, last = parts_of(path)
        del at(result, above)[last]
    return result


def _last_index(path: str) -> int:
    last = parts_of(path)[-1]
    return last if isinstance(last, int) else -1


def without_nulls(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {name: without_nulls(value) for name, value in tree.items() if value is not None}
    return [without_nulls(item) for item in tree] if isinstance(tree, list) else tree


@given(TREES, TREES)
def test_applying_the_changes_turns_the_old_value_into_the_new(old: dict[str, Any], new: dict[str, Any]) -> None:
    kinds = dict(difference(old, new))
    assert without_nulls(apply(old, new, kinds)) == without_nulls(new)


@given(TREES)
def test_equal_values_do_not_differ(tree: dict[str, Any]) -> None:
    assert difference(tree, copy.deepcopy(tree)) == {}
    assert difference(without_nulls(tree), tree) == {}


@given(TREES, TREES)
def test_reversing_a_comparison_turns_additions_into_removals(old: dict[str, Any], new: dict[str, Any]) -> None:
    mirror = {"add": "delete", "delete": "add", "update": "update"}
    there, back = difference(old, new), difference(new, old)
    assert {path: mirror[kind] for path, kind in there.items()} == back


@given(TREES, TREES)
def test_every_path_starts_with_its_property(old: dict[str, Any], new: dict[str, Any]) -> None:
    for path in difference(old, new):
        assert top_level(path) == parts_of(path)[0]


def test_paths_name_the_changed_value_and_no_parent() -> None:
    old = {"columns": [{"name": "a"}, {"name": "b", "type": "string"}], "gone": 1, "same": {"deep": [1]}}
    new = {"columns": [{"name": "a"}, {"name": "b", "type": "date"}, {"name": "c"}], "same": {"deep": [1]}, "come": 2}
    assert difference(old, new) == {
        "columns[1].type": "update",
        "columns[2]": "add",
        "gone": "delete",
        "come": "add",
    }


def test_true_differs_from_one() -> None:
    assert difference({"a": True}, {"a": 1}) == {"a": "update"}


def test_unknown_values_differ_from_known_ones() -> None:
    assert difference({"a": "x", "b": ["y"]}, {"a": UNKNOWN, "b": [UNKNOWN]}) == {"a": "update", "b[0]": "update"}


def test_a_value_that_becomes_secret_differs_and_secret_values_are_compared() -> None:
    assert difference({"a": "x"}, {"a": Secret("x")}) == {"a": "update"}
    assert difference({"a": Secret("x")}, {"a": "x"}) == {"a": "update"}
    assert difference({"a": Secret({"b": 1})}, {"a": Secret({"b": 1})}) == {}
    assert difference({"a": Secret({"b": 1})}, {"a": Secret({"b": 2})}) == {"a.b": "update"}


@pytest.mark.parametrize(
    ("parts", "path"),
    [(("a", "b"), "a.b"), (("a", 0, "b"), "a[0].b"), (("a", "x.y"), 'a["x.y"]'), (("a", 'x"y'), 'a["x\\"y"]')],
)
def test_paths_are_written_as_pulumi_writes_them(parts: tuple[str | int, ...], path: str) -> None:
    found = ""
    for part in parts:
        found = join(found, part)
    assert found == path


NAMED = st.dictionaries(st.sampled_from("abcd"), st.sampled_from(["string", "date"]), min_size=0)


def columns_of(types: dict[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "type": kind} for name, kind in types.items()]


@given(NAMED, NAMED, st.randoms())
def test_items_with_names_are_compared_by_name_whatever_their_order(
    old: dict[str, str], new: dict[str, str], random: Random
) -> None:
    before, after = columns_of(old), columns_of(new)
    random.shuffle(after)
    kinds = difference({"columns": before}, {"columns": after}, by_name={"columns"})
    shown = [
        change
        for path, kind in kinds.items()
        for change in by_name(path, kind, {"columns": before}, {"columns": after}) or []
    ]
    assert {path: kind for path, kind, _, _ in shown} == {
        **{f"columns.{name}": "add" for name in new.keys() - old.keys()},
        **{f"columns.{name}": "delete" for name in old.keys() - new.keys()},
        **{f"columns.{name}.type": "update" for name in old.keys() & new.keys() if old[name] != new[name]},
    }
    for path, kind, was, now in shown:
        name = path.split(".")[1]
        if kind == "update":
            assert (was, now) == (old[name], new[name])
