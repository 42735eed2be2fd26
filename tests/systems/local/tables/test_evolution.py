"""Compatible and incompatible changes of a table."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from alchemesh_platform.sdk.system.drift import Deviation
from alchemesh_platform.systems.local.tables.columns import Column, ColumnUnfit, delta_field
from alchemesh_platform.systems.local.tables.evolution import (
    AddColumn,
    AllowNull,
    Describe,
    Evolution,
    Recreate,
    Rename,
    TableSchema,
    deviations,
    plan_evolution,
    wanted_schema,
)


def column(name: str, kind: str = "string", **others: Any) -> Column:
    return Column.model_validate({"name": name, "type": kind, **others})


def schema(*columns: Column, partition_by: tuple[str, ...] = (), name: str = "t", description: str = "") -> TableSchema:
    return wanted_schema(columns, partition_by, name, description)


BEFORE = schema(column("id", required=True), column("n", "integer"))


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("string", "string"),
        ("integer", "long"),
        ("number", "double"),
        ("boolean", "boolean"),
        ("date", "date"),
        ("time", "string"),
        ("timestamp", "timestamp"),
    ],
)
def test_each_logical_type_has_a_delta_type(kind: str, expected: str) -> None:
    assert delta_field(column("a", kind, required=True, description="What it is"), "columns[0]") == {
        "name": "a",
        "type": expected,
        "nullable": False,
        "metadata": {"comment": "What it is"},
    }


def test_objects_and_arrays_become_structs_and_arrays_whose_parts_may_be_null() -> None:
    field = delta_field(
        column("legs", "array", items={"type": "object", "properties": {"to": {"type": "string", "required": True}}}),
        "",
    )
    assert field["type"]["elementType"]["fields"] == [
        {"name": "to", "type": "string", "nullable": True, "metadata": {}},
    ]
    assert field["type"]["containsNull"] is True


@pytest.mark.parametrize(
    ("unfit", "path"),
    [
        (column("a", "object"), "columns[0]"),
        (column("a", "array"), "columns[0]"),
        (column("a", "object", properties={"b": {"type": "array"}}), "columns[0].properties.b"),
    ],
)
def test_an_object_without_parts_and_an_array_without_items_are_refused_at_their_path(unfit: Column, path: str) -> None:
    with pytest.raises(ColumnUnfit) as refused:
        schema(unfit)
    assert refused.value.path == path


def test_each_property_that_differs_from_the_declaration_is_named() -> None:
    now = schema(column("id", "integer", description="By hand"), column("note"), name="u", description="d")
    assert list(deviations(now, BEFORE)) == [
        Deviation("columns.id.type", "string", "long"),
        Deviation("columns.id.required", True, False),
        Deviation("columns.id.description", None, "By hand"),
        Deviation("columns.n", "long", None),
        Deviation("columns.note", None, "string"),
        Deviation("name", "t", "u"),
        Deviation("description", "", "d"),
    ]
    assert list(deviations(BEFORE, BEFORE)) == []


def test_an_unchanged_schema_needs_no_step() -> None:
    assert plan_evolution(BEFORE, BEFORE, empty=False) == Evolution()


def test_the_order_of_columns_does_not_matter() -> None:
    assert (
        plan_evolution(BEFORE, schema(column("n", "integer"), column("id", required=True)), empty=False) == Evolution()
    )


def test_compatible_changes_are_steps() -> None:
    after = schema(
        column("id", description="Key"), column("n", "integer"), column("at", "timestamp"), name="u", description="Rows"
    )
    assert plan_evolution(BEFORE, after, empty=False).steps == (
        AllowNull("id"),
        Describe("id", "Key"),
        AddColumn(delta_field(column("at", "timestamp"), "")),
        Describe(None, "Rows"),
        Rename("u"),
    )


def test_a_part_is_added_to_an_object_and_to_the_items_of_an_array() -> None:
    def legs(**parts: Any) -> tuple[Column, Column]:
        inner = {"type": "object", "properties": {name: {"type": kind} for name, kind in parts.items()}}
        return column("one", **inner), column("many", "array", items=inner)

    found = plan_evolution(schema(*legs(a="string")), schema(*legs(a="string", b="integer")), empty=False)
    assert [step.field["name"] for step in found.steps if isinstance(step, AddColumn)] == ["one", "many"]
    assert not found.incompatible
    assert plan_evolution(schema(*legs(a="string", b="integer")), schema(*legs(a="string")), empty=False).incompatible


@pytest.mark.parametrize(
    ("after", "at", "reason"),
    [
        (schema(column("id", required=True)), "n", "the table has it, and the model has not"),
        (
            schema(column("id", required=True), column("n", "integer"), column("x", required=True)),
            "x",
            "it is new and required, and no row has a value for it",
        ),
        (schema(column("id", required=True), column("n", "number")), "n", "its type would change from long to double"),
        (
            schema(column("id", required=True), column("n", "integer", required=True)),
            "n",
            "it would become required, and the rows there may lack it",
        ),
        (
            schema(column("id", required=True), column("n", "integer"), partition_by=("n",)),
            None,
            "partitioning would change from none to n",
        ),
    ],
)
def test_incompatible_changes_are_refused_with_reason_and_fix(after: TableSchema, at: str | None, reason: str) -> None:
    found = plan_evolution(BEFORE, after, empty=False)
    assert [(item.column, item.reason) for item in found.incompatible] == [(at, reason)]
    assert "on_incompatible_change: replace" in found.incompatible[0].remedy
    assert found.steps == ()
    assert plan_evolution(BEFORE, after, empty=True) == Evolution(steps=(Recreate(),))


def test_a_possible_rename_is_asked_about_and_not_guessed() -> None:
    renamed = schema(column("id", required=True), column("count", "integer"), column("note"))
    (gone,) = plan_evolution(BEFORE, renamed, empty=False).incompatible
    assert (gone.column, gone.reason) == ("n", "the table has it, and the model has not; is it count now?")
    assert gone.remedy.startswith("if it is, keep n, add the new one beside it and let the code copy the values; ")


def test_every_reason_is_reported_together() -> None:
    found = plan_evolution(BEFORE, schema(column("n", "date"), partition_by=("n",)), empty=False)
    assert [item.column for item in found.incompatible] == ["id", "n", None]


KINDS = st.sampled_from(["string", "integer", "number", "date", "timestamp"])
COLUMNS = st.lists(
    st.builds(
        column,
        st.sampled_from("abcdef"),
        KINDS,
        required=st.booleans(),
        description=st.sampled_from(["", "x", "y"]),
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda item: item.name,
)
SCHEMAS = st.builds(
    lambda columns, described, named: schema(*columns, description=described, name=named),
    COLUMNS,
    st.sampled_from(["", "rows"]),
    st.sampled_from(["t", "u"]),
)


@st.composite
def steps(draw: st.DrawFn) -> tuple[TableSchema, TableSchema]:
    """A schema and its next version: most columns stay, so that a table can often follow."""
    before = draw(COLUMNS)
    after = []
    for one in before:
        match draw(st.sampled_from(["keep", "keep", "keep", "optional", "required", "described", "other", "drop"])):
            case "optional" | "required" as mode:
                after.append(one.model_copy(update={"required": mode == "required"}))
            case "described":
                after.append(one.model_copy(update={"description": "another"}))
            case "other":
                after.append(one.model_copy(update={"type": draw(KINDS)}))
            case "keep":
                after.append(one)
    added = draw(st.sampled_from([[], [column("new")], [column("new", required=True)]]))
    named = draw(st.sampled_from(["t", "u"]))
    return schema(*before), schema(*(after + added or before), name=named)


def applied(before: TableSchema, evolution: Evolution, wanted: TableSchema) -> TableSchema:
    """The schema of a table after the steps, computed independently of the tested code."""
    fields = {field["name"]: dict(field) for field in before.fields}
    name, description = before.name, before.description
    for step in evolution.steps:
        match step:
            case Recreate():
                return wanted
            case AddColumn(field):
                fields[field["name"]] = dict(field)
            case AllowNull(found):
                fields[found]["nullable"] = True
            case Describe(None, text):
                description = text
            case Describe(str(found), text):
                fields[found]["metadata"] = {"comment": text} if text else {}
            case Rename(text):
                name = text
    return TableSchema(tuple(fields.values()), before.partition_by, name, description)


def as_set(found: TableSchema) -> object:
    return {field["name"]: field for field in found.fields}, found.partition_by, found.name, found.description


@given(steps() | st.tuples(SCHEMAS, SCHEMAS), st.booleans())
def test_steps_lead_to_the_wanted_schema_or_there_are_none(step: tuple[TableSchema, TableSchema], empty: bool) -> None:
    before, after = step
    found = plan_evolution(before, after, empty=empty)
    assert not (found.steps and found.incompatible)
    if found.incompatible:
        assert not empty
    else:
        reached = applied(before, found, after)
        assert as_set(reached) == as_set(after)
        assert plan_evolution(reached, after, empty=empty) == Evolution()


@given(steps())
def test_existing_rows_stay_valid_when_a_table_evolves(step: tuple[TableSchema, TableSchema]) -> None:
    """Two independent schemas share hardly a column: 50 of 51 pairs once left this test before its assertions."""
    before, after = step
    found = plan_evolution(before, after, empty=False)
    assume(not found.incompatible)
    reached = {field["name"]: field for field in applied(before, found, after).fields}
    for field in before.fields:
        assert reached[field["name"]]["type"] == field["type"]
        assert reached[field["name"]]["nullable"] or not field["nullable"]
    assert all(field["nullable"] for name, field in reached.items() if name not in {f["name"] for f in before.fields})
