"""Columns of BigQuery from properties of a model."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from alchemesh_platform.clouds.gcp.emulation.types import table_schema
from alchemesh_platform.manifest.models import SemanticModel
from alchemesh_platform.systems.bigquery.columns import COLUMNS_MAX, NESTING_MAX, fields_of, unfit
from alchemesh_platform.systems.bigquery.evolution import dropped, incompatible, otherwise_encrypted
from tests.lanes import examples

PLAIN = ["string", "integer", "number", "boolean", "date", "time", "timestamp"]
NAMES = st.from_regex(r"[a-d]", fullmatch=True)
PROPERTIES = st.recursive(
    st.fixed_dictionaries({"type": st.sampled_from(PLAIN), "required": st.booleans(), "description": st.text("xy")}),
    lambda below: st.one_of(
        st.fixed_dictionaries({"type": st.just("object"), "properties": st.dictionaries(NAMES, below, min_size=1)}),
        st.fixed_dictionaries(
            {
                "type": st.just("array"),
                "items": st.fixed_dictionaries({"type": st.sampled_from(PLAIN)})
                | st.fixed_dictionaries(
                    {"type": st.just("object"), "properties": st.dictionaries(NAMES, below, min_size=1)}
                ),
            }
        ),
    ),
    max_leaves=6,
)
MODELS = st.dictionaries(NAMES, PROPERTIES, min_size=1).map(
    lambda properties: SemanticModel.model_validate({"properties": properties})
)


@st.composite
def steps(draw: st.DrawFn) -> tuple[SemanticModel, SemanticModel]:
    """A model and its next version: most properties stay, so that a table can often follow."""
    before = draw(st.dictionaries(NAMES, PROPERTIES, min_size=1))
    after = dict(before)
    for name, declared in before.items():
        match draw(st.sampled_from(["keep", "keep", "keep", "optional", "required", "other", "drop"])):
            case "optional" | "required" as mode if "required" in declared:
                after[name] = {**declared, "required": mode == "required"}
            case "other":
                after[name] = draw(PROPERTIES)
            case "drop" if len(after) > 1:
                del after[name]
    added = draw(st.dictionaries(st.sampled_from("ef"), PROPERTIES, max_size=1))
    return model(**before), model(**after, **added)


def model(**properties: Any) -> SemanticModel:
    return SemanticModel.model_validate({"properties": properties})


def said(of: SemanticModel) -> list[tuple[tuple[str | int, ...], str]]:
    return [(found.path, found.found) for found in unfit(of)]


def test_each_logical_type_has_a_column() -> None:
    fields = fields_of(model(**{f"a_{kind}": {"type": kind} for kind in PLAIN}))
    assert [field["type"] for field in fields] == [
        "STRING",
        "INTEGER",
        "FLOAT",
        "BOOLEAN",
        "DATE",
        "TIME",
        "TIMESTAMP",
    ]
    assert {field["mode"] for field in fields} == {"NULLABLE"}


@pytest.mark.parametrize(
    ("precision", "scale", "kind"),
    [
        (10, 2, "NUMERIC"),
        (1, None, "NUMERIC"),
        (29, 0, "NUMERIC"),
        (30, 0, "BIGNUMERIC"),
        (38, 9, "NUMERIC"),
        (38, 8, "BIGNUMERIC"),
        (12, 10, "BIGNUMERIC"),
        (38, 38, "BIGNUMERIC"),
    ],
)
def test_an_exact_decimal_is_a_column_that_has_all_its_digits(precision: int, scale: int | None, kind: str) -> None:
    number = {"type": "number", "precision": precision, "scale": scale}
    part = {"type": "object", "properties": {"price": number}}
    price, prices, order = fields_of(model(price=number, prices={"type": "array", "items": number}, order=part))
    decimal = {"type": kind, "precision": str(precision), "scale": str(scale or 0)}
    assert price == {"name": "price", "mode": "NULLABLE", **decimal}
    assert prices == {"name": "prices", "mode": "REPEATED", **decimal}
    assert order["fields"] == [price]


def test_only_a_column_itself_can_be_required() -> None:
    part = {"type": "string", "required": True}
    (leg,) = fields_of(model(leg={"type": "object", "required": True, "properties": {"airport": part}}))
    assert leg["mode"] == "REQUIRED"
    assert leg["fields"] == [{"name": "airport", "type": "STRING", "mode": "NULLABLE"}]


def test_a_classified_property_gets_the_policy_tag_that_the_platform_names() -> None:
    tags = {"internal": "projects/p/locations/eu/taxonomies/1/policyTags/2"}
    secret, plain, holder = fields_of(
        model(
            tail={"type": "string", "classification": "internal"},
            note={"type": "string", "classification": "public"},
            leg={"type": "object", "classification": "internal", "properties": {"a": {"type": "string"}}},
        ),
        tags,
    )
    assert secret["policyTags"] == {"names": [tags["internal"]]}
    assert "policyTags" not in plain
    assert "policyTags" not in holder


@pytest.mark.parametrize(
    ("declared", "path", "found"),
    [
        ({"type": "array"}, ("properties", "x"), "an array of nothing"),
        ({"type": "object"}, ("properties", "x"), "an object without parts"),
        (
            {"type": "array", "items": {"type": "array", "items": {"type": "string"}}},
            ("properties", "x", "items"),
            "an array of arrays",
        ),
        (
            {"type": "object", "properties": {"y": {"type": "array", "items": {"type": "object"}}}},
            ("properties", "x", "properties", "y", "items"),
            "an object without parts",
        ),
        (
            {"type": "string", "description": "d" * 1025},
            ("properties", "x", "description"),
            "a description of 1,025 characters",
        ),
    ],
)
def test_unsupported_bigquery_types_are_reported_at_their_property(
    declared: dict[str, Any], path: tuple[str | int, ...], found: str
) -> None:
    assert said(model(x=declared)) == [(path, found)]


def nested(depth: int) -> dict[str, Any]:
    return {"type": "object", "properties": {"x": nested(depth - 1)}} if depth else {"type": "string"}


def test_objects_nest_up_to_the_limit_of_bigquery() -> None:
    assert said(model(x=nested(NESTING_MAX - 1))) == []
    assert [found for _, found in said(model(x=nested(NESTING_MAX)))] == [f"an object {NESTING_MAX} deep"]


def test_a_table_has_columns_up_to_the_limit_of_bigquery() -> None:
    many = {f"p{index}": {"type": "string"} for index in range(COLUMNS_MAX)}
    assert said(model(**many)) == []
    assert said(model(**many, one_more={"type": "string"})) == [(("properties",), "10,001 columns with their parts")]


@settings(max_examples=examples(60), deadline=None)
@given(MODELS)
def test_an_unchanged_model_is_compatible(same: SemanticModel) -> None:
    assert incompatible(fields_of(same), fields_of(same)) == []


@settings(max_examples=examples(60), deadline=None)
@given(steps())
def test_a_compatible_change_keeps_every_column_and_type(step: tuple[SemanticModel, SemanticModel]) -> None:
    """Two independent models share hardly a column: 50 of 51 pairs once left this test before its assertions."""
    before, after = (fields_of(each) for each in step)
    assume(not incompatible(before, after))
    later = {field["name"]: field for field in after}
    for field in before:
        found = later[field["name"]]
        assert found["type"] == field["type"]
        assert found["mode"] == field["mode"] or (field["mode"], found["mode"]) == ("REQUIRED", "NULLABLE")
    for name in later.keys() - {field["name"] for field in before}:
        assert later[name]["mode"] != "REQUIRED"


@pytest.mark.slow
@settings(max_examples=examples(300), deadline=None)
@given(steps() | st.tuples(MODELS, MODELS))
def test_the_provider_replaces_a_table_exactly_where_we_predict_it(step: tuple[SemanticModel, SemanticModel]) -> None:
    """A replacement in place of an update would lose all rows."""
    before, after = (fields_of(each) for each in step)
    in_place = not incompatible(before, after) or bool(dropped(before, after))
    assert table_schema.replaces(before, after) is not in_place


@pytest.mark.parametrize(
    ("old", "new", "column", "reason"),
    [
        ({"a": {"type": "string"}}, {"b": {"type": "string"}}, "a", "the table has it, and the model has not"),
        ({"a": {"type": "string"}}, {"a": {"type": "integer"}}, "a", "its type would change from string to integer"),
        (
            {"a": {"type": "string"}},
            {"a": {"type": "array", "items": {"type": "string"}}},
            "a",
            "its type would change from string to array of string",
        ),
        (
            {"a": {"type": "string"}},
            {"a": {"type": "string", "required": True}},
            "a",
            "it would become required, and the rows there may lack it",
        ),
        (
            {"a": {"type": "string"}},
            {"a": {"type": "string"}, "b": {"type": "string", "required": True}},
            "b",
            "it is new and required, and no row has a value for it",
        ),
        (
            {"a": {"type": "object", "properties": {"x": {"type": "string"}, "y": {"type": "string"}}}},
            {"a": {"type": "object", "properties": {"x": {"type": "string"}}}},
            "a.y",
            "the table has it, and the model has not",
        ),
    ],
)
def test_an_incompatible_change_is_reported_with_its_reason(
    old: dict[str, Any], new: dict[str, Any], column: str, reason: str
) -> None:
    (change,) = incompatible(fields_of(model(**old)), fields_of(model(**new)))
    assert (change.column, change.reason) == (column, reason)
    assert "on_incompatible_change: replace" in change.remedy


def test_changing_the_partitioning_is_incompatible() -> None:
    fields = fields_of(model(day={"type": "date"}))
    assert incompatible(fields, fields, "day", "day") == []
    (change,) = incompatible(fields, fields, None, "day")
    assert change.reason == "partitioning would change from none to day"


def test_changing_or_removing_the_key_replaces_the_table() -> None:
    assert list(otherwise_encrypted(None, None)) == []
    assert list(otherwise_encrypted("old-key", "new-key")) == []
    (change,) = otherwise_encrypted(None, "new-key")
    assert (change.property, change.reason) == ("encryptionKey", "its key would change from one of Google to new-key")
    (change,) = otherwise_encrypted("old-key", None)
    assert "on_incompatible_change: replace" in change.remedy
