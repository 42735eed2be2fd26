"""Errors in arguments and settings, whose models come from the authors of components."""

from __future__ import annotations

import re
from datetime import date
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BeforeValidator, Field, StringConstraints, create_model

from alchemesh_platform.base.secrets import SecretRef
from alchemesh_platform.base.units import Duration, Percent
from alchemesh_platform.documents.models import Strict
from alchemesh_platform.documents.patterns import CURRENCY_PATTERN, RULES, corrected
from alchemesh_platform.documents.validate import validate
from alchemesh_platform.documents.yaml_source import parse


class Size(Enum):
    SMALL = "small"
    LARGE = "large"


class Window(Strict):
    start: str
    end: str


class Csv(Strict):
    format: Literal["csv"]
    delimiter: str = ","


class Json(Strict):
    format: Literal["json"]
    lines: bool = True


def one_or_many(value: object) -> object:
    return [value] if isinstance(value, str) else value


def even(value: int) -> int:
    if value % 2:
        raise ValueError("odd numbers are not served here")
    return value


Currency = Annotated[str, StringConstraints(pattern=CURRENCY_PATTERN)]
QUOTES = "quote a text that looks like another type"
DURATION = "a duration: a whole number with a unit, such as 300ms, 30s, 5m, 1h, 30d or 2w"
CASES: list[tuple[Any, str, str]] = [
    (str, "3", f"found the number 3, expected a text\n\nhint: {QUOTES}: \"3\""),
    (str, "", "found nothing, expected a text"),
    (str, "[a]", "found a list, expected a text"),
    (int, "'3'", "found '3', expected a whole number\n\nhint: a number is written without quotes"),
    (int, "3.5", "found the number 3.5, expected a whole number"),
    (int, "true", "found true, expected a whole number"),
    (float, "abc", "found 'abc', expected a number"),
    (bool, "yes", "found 'yes', expected true or false\n\nhint: did you mean true? YAML 1.2 has no other words for it"),
    (bool, "'false'", "found 'false', expected true or false\n\nhint: false is written without quotes"),
    (bool, "1", "found the number 1, expected true or false"),
    (Annotated[int, Field(ge=1024)], "80", "found the number 80, expected at least 1024"),
    (Annotated[int, Field(le=9)], "80", "found the number 80, expected at most 9"),
    (Annotated[float, Field(gt=0)], "0", "found the number 0, expected greater than 0"),
    (Annotated[float, Field(lt=0.5)], "0.5", "found the number 0.5, expected less than 0.5"),
    (Annotated[int, Field(multiple_of=5)], "7", "found the number 7, expected a multiple of 5"),
    (Annotated[str, Field(min_length=1)], "''", "found an empty text, expected at least 1 character"),
    (Annotated[str, Field(max_length=2)], "abc", "found 'abc', expected at most 2 characters\n\nhint: it has 3"),
    (Annotated[str, Field(pattern="^a+$")], "b", "found 'b', expected a text that matches ^a+$"),
    (Currency, "eur", "found 'eur', expected a currency by its ISO 4217 code\n\nhint: did you mean 'EUR'?"),
    (Literal["csv", "json"], "cvs", "found 'cvs', expected one of csv, json\n\nhint: did you mean 'csv'?"),
    (Literal["csv"], "xml", "found 'xml', expected csv"),
    (Literal[1, 2], "3", "found the number 3, expected one of 1, 2"),
    (Size, "smal", "found 'smal', expected one of small, large\n\nhint: did you mean 'small'?"),
    (list[str], "a", "found 'a', expected a list\n\nhint: a list of one is written [a]"),
    (tuple[str, ...], "{a: b}", "found a mapping, expected a list\n\nhint: begin each item with '- '"),
    (set[int], "3", "found the number 3, expected a list"),
    (Annotated[list[int], Field(min_length=2)], "[1]", "found a list, expected at least 2 items"),
    (dict[str, int], "[]", "found an empty list, expected a mapping"),
    (Duration, "1 hour", f"found '1 hour', expected {DURATION}"),
    (Percent, "0.5", "found the number 0.5, expected a percentage from 0% to 100%, such as 99.5%"),
    (date, "soon", "found 'soon', expected a valid date or datetime, input is too short"),
    (Annotated[int, BeforeValidator(even)], "3", "found the number 3: odd numbers are not served here"),
    (Window, "now", "found 'now', expected {start: …, end: …}"),
    (Size | int, "huge", "found 'huge', expected one of small, large"),
    (int | float | None, "x", "found 'x', expected a whole number or a number"),
    (str | SecretRef, "3", "found the number 3, expected a text or {secret: NAME}"),
    (int | Window, "[]", "found an empty list, expected a whole number or {start: …, end: …}"),
    (Csv | Json, "{format: xml}", "found the key format, expected {format: csv} or {format: json}"),
    (Csv | Json, "3", "found the number 3, expected {format: csv} or {format: json}"),
]  # fmt: skip


def reported(annotation: Any, text: str) -> list[str]:
    model = create_model("Args", __base__=Strict, field=(annotation, ...))
    tree, _ = parse(f"field: {text}", "alchemesh.yaml")
    value, problems = validate(tree, model, ("code", "args"))
    assert value is None
    return [str(problem) for problem in problems]


@pytest.mark.parametrize(
    ("annotation", "text", "expected"), CASES, ids=[f"{index} {case[1]}" for index, case in enumerate(CASES)]
)
def test_mistake_in_an_argument_is_reported_in_words(annotation: Any, text: str, expected: str) -> None:
    assert [problem.partition("  code.args.field: ")[2] for problem in reported(annotation, text)] == [expected]


FORMATS = Annotated[Csv | Json, Field(discriminator="format")]


@pytest.mark.parametrize(
    ("annotation", "text", "expected"),
    [
        (int | Window, "{begin: 1, end: x}", ["1:9 code.args.field.begin", "1:8 code.args.field.start"]),
        (FORMATS, "{format: xml}", ["1:17 code.args.field.format"]),
        (FORMATS, "{lines: true}", ["1:8 code.args.field.format"]),
        (FORMATS, "{format: csv, lines: true}", ["1:22 code.args.field.lines"]),
        (dict[str, list[int]], "{a: [1, x], b: y}", ["1:16 code.args.field.a[1]", "1:23 code.args.field.b"]),
        (tuple[int, int], "[1]", ["1:8 code.args.field"]),
        (tuple[int, int], "[1, 2, 3]", ["1:8 code.args.field"]),
        (list[Window], "[{start: a, end: b}, {start: 1, end: c}]", ["1:37 code.args.field[1].start"]),
    ],
    ids=range(8),
)  # fmt: skip
def test_mistake_inside_an_argument_has_its_own_place(annotation: Any, text: str, expected: list[str]) -> None:
    places = [
        problem.partition(": ")[0].removeprefix("alchemesh.yaml:").split("  ") for problem in reported(annotation, text)
    ]
    assert sorted(" ".join(place) for place in places) == sorted(expected)


def test_several_kinds_of_one_thing_name_the_closest() -> None:
    (problem,) = reported(FORMATS, "{format: cvs}")
    assert problem.endswith("found 'cvs', expected one of csv, json\n\nhint: did you mean 'csv'?")


@pytest.mark.parametrize("annotation", [SecretRef, SecretRef | None, int | SecretRef], ids=["alone", "optional", "or"])
def test_secret_that_was_written_down_is_not_repeated(annotation: Any) -> None:
    (problem,) = reported(annotation, "hunter2")
    assert "hunter2" not in problem
    assert "{secret: NAME}" in problem


def test_secret_written_where_its_name_belongs_is_not_repeated() -> None:
    (problem,) = reported(SecretRef, "{secret: hunter2}")
    assert "hunter2" not in problem
    assert "expected the name of an environment variable" in problem


@pytest.mark.parametrize("text", ["[a, b]", "a"])
def test_list_that_a_validator_makes_is_a_list(text: str) -> None:
    """Strict mode once reported: found a list, expected a list."""
    annotation = Annotated[tuple[str, ...], BeforeValidator(one_or_many)]
    model = create_model("Args", __base__=Strict, field=(annotation, ...))
    tree, _ = parse(f"field: {text}", "alchemesh.yaml")
    value, problems = validate(tree, model)
    assert problems == []
    assert value is not None


def test_invalid_value_is_reported_once() -> None:
    model = create_model("Args", __base__=Strict, field=(int, ...))
    tree, broken = parse("field: *alias", "alchemesh.yaml")
    assert len(broken) == 1
    assert validate(tree, model) == (None, [])


@pytest.mark.parametrize("pattern", RULES)
def test_example_of_every_rule_is_valid(pattern: str) -> None:
    assert re.fullmatch(pattern, RULES[pattern].example)
    assert corrected(pattern, RULES[pattern].example) is None


@pytest.mark.parametrize("pattern", RULES)
@given(text=st.text(max_size=30))
def test_suggested_value_follows_the_rule(pattern: str, text: str) -> None:
    better = corrected(pattern, text)
    assert better is None or re.fullmatch(pattern, better)
