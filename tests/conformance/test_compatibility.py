"""Schemas of two releases: each document that the old one accepts and the new one does not is found."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, create_model

from alchemesh_platform.testing.deployed.against import Changelog, changes_since
from alchemesh_platform.testing.rules.compatibility import narrowed


class Limits(BaseModel):
    rows: int = 1


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")
    rows: int = 1


class Fewer(BaseModel):
    rows: int = Field(default=1, le=10)


def schema_of(**fields: Any) -> dict[str, Any]:
    """The schema of a strict model; a field is its type, or its type and its default."""
    made = {name: each if isinstance(each, tuple) else (each, None) for name, each in fields.items()}
    return create_model("Args", __config__=ConfigDict(extra="forbid"), **made).model_json_schema()


NARROWER = {
    "a new required field": ({}, {"size": (int, ...)}, "size is required now"),
    "a required field": ({"size": int}, {"size": (int, ...)}, "size is required now"),
    "a removed field": ({"size": int}, {}, "size is no longer accepted"),
    "a type": ({"size": str}, {"size": int}, "size the type is integer now, it was string"),
    "a type of several": ({"size": int | str}, {"size": int}, "size the type is integer now, it was string"),
    "no null": ({"size": int | None}, {"size": int}, "size the type is integer now, it was null"),
    "a value": ({"mode": Literal["a", "b"]}, {"mode": Literal["a"]}, "mode no longer accepts 'b'"),
    "values": ({"mode": str}, {"mode": Literal["a", "b"]}, "mode accepts only 'a', 'b' now"),
    "a minimum": (
        {"size": int},
        {"size": (Annotated[int, Field(ge=2)], 2)},
        "size is at least 2 now, it was not limited",
    ),
    "a maximum": (
        {"size": (Annotated[int, Field(le=9)], 2)},
        {"size": (Annotated[int, Field(le=5)], 2)},
        "size is at most 5 now, it was 9",
    ),
    "a pattern": (
        {"name": str},
        {"name": (Annotated[str, Field(pattern="^a$")], "a")},
        "name has the pattern ^a$ now, it was any text",
    ),
    "a nested field": ({"limits": Limits}, {"limits": Fewer}, "limits.rows is at most 10 now, it was not limited"),
    "items": ({"names": list[str]}, {"names": list[int]}, "names[] the type is integer now, it was string"),
    "values of a mapping": (
        {"env": dict[str, str]},
        {"env": dict[str, int]},
        "env.* the type is integer now, it was string",
    ),
    "any value": ({"size": Any}, {"size": int}, "size the type is integer now, it was any"),
    "any value of several": ({"size": Any}, {"size": int | str}, "size no longer accepts a value of an earlier form"),
    "any values of a mapping": (
        {"env": dict[str, Any]},
        {"env": dict[str, int]},
        "env.* the type is integer now, it was any",
    ),
    "values of a mapping with a pattern": (
        {"env": dict[str, str]},
        {"env": dict[Annotated[str, Field(pattern="^a")], int]},
        "env.* the type is integer now, it was string",
    ),
    "a mapping": ({"env": dict[str, int]}, {"env": Closed}, "env no longer accepts fields of other names"),
    "fields as a mapping": (
        {"env": Closed},
        {"env": dict[str, str]},
        "env.rows the type is string now, it was integer",
    ),
    "any items": ({"names": list[Any]}, {"names": list[int]}, "names[] the type is integer now, it was any"),
    "a set": ({"names": list[int]}, {"names": set[int]}, "names no longer accepts an item twice"),
    "an item of a pair": (
        {"pair": tuple[str, str]},
        {"pair": tuple[str, int]},
        "pair[1] the type is integer now, it was string",
    ),
    "a pair as a list": (
        {"pair": tuple[int, str]},
        {"pair": list[int]},
        "pair[1] the type is integer now, it was string",
    ),
    "a mapping with fewer entries": (
        {"env": dict[str, int]},
        {"env": (Annotated[dict[str, int], Field(max_length=2)], {})},
        "env is at most 2 now, it was not limited",
    ),
}  # fmt: skip
WIDER = {
    "a new optional field": ({}, {"size": (int, 1)}),
    "more types": ({"size": int}, {"size": int | str}),
    "a number": ({"size": int}, {"size": float}),
    "more values": ({"mode": Literal["a"]}, {"mode": Literal["a", "b"]}),
    "any text": ({"mode": Literal["a"]}, {"mode": str}),
    "a lower minimum": ({"size": (Annotated[int, Field(ge=2)], 2)}, {"size": (Annotated[int, Field(ge=1)], 2)}),
    "any value of an integer": ({"size": int}, {"size": Any}),
    "any value as before": ({"size": Any, "names": list[Any], "env": dict[str, Any]},) * 2,
    "a set as a list": ({"names": set[int]}, {"names": list[int]}),
    "a pair as a list": ({"pair": tuple[int, int]}, {"pair": list[int]}),
    "more values of a mapping": ({"env": dict[str, int]}, {"env": dict[str, int | str]}),
    "a mapping of its fields": ({"env": Closed}, {"env": dict[str, int]}),
    "the same": ({"limits": Limits, "names": list[str]}, {"limits": Limits, "names": list[str]}),
}


@pytest.mark.parametrize("name", NARROWER)
def test_a_schema_that_accepts_less_is_found(name: str) -> None:
    old, new, expected = NARROWER[name]
    assert [f"{each.path} {each.what}" for each in narrowed(schema_of(**old), schema_of(**new))] == [expected]


@pytest.mark.parametrize("name", WIDER)
def test_a_schema_that_accepts_more_has_no_findings(name: str) -> None:
    old, new = WIDER[name]
    assert narrowed(schema_of(**old), schema_of(**new)) == []


def test_a_changelog_counts_from_the_earlier_release(tmp_path: Any) -> None:
    file = tmp_path / "CHANGELOG.md"
    file.write_text(
        "# Changes\n\n## 2.0.0\n\n- `size: 3` "
        "is required, more speed\n\n## 1.1.0\n\n- `args.limits`\n\n## 1.0.0\n\n- `mode`\n"
    )
    assert Changelog(changes_since(file, "1.0.0")).names("size")
    assert Changelog(changes_since(file, "1.0.0")).names("limits")
    assert not Changelog(changes_since(file, "1.0.0")).names("mode")
    assert not Changelog(changes_since(file, "1.0.0")).names("speed"), "a word that is not in backticks"
    assert not Changelog(changes_since(file, "1.0.0")).names("is"), "a word between backticks"
    assert not Changelog(changes_since(file, "1.1.0")).names("limits")
    assert not Changelog(changes_since(file, "")).names("limits"), "the newest section, if the version is unknown"
    assert not Changelog(changes_since(tmp_path / "none", "1.0.0")).names("size")
