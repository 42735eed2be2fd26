"""The components in the package schema."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from pydantic import BaseModel, Field

from alchemesh_platform.catalog.discover import discover
from alchemesh_platform.provider.components.inputs import ReservedName, inputs_model
from alchemesh_platform.provider.components.names import Names
from alchemesh_platform.provider.components.schema import component_schemas
from alchemesh_platform.provider.components.types import ComponentTypes, token_of
from alchemesh_platform.sdk.models import Strict
from tests.provider.components.engine import constructing

CATALOG = discover()


@cache
def whole() -> tuple[dict[str, Any], dict[str, Any]]:
    """The types and resources of the whole catalogue."""
    return component_schemas(spec for _, spec in ComponentTypes(CATALOG).usable())


def types_() -> dict[str, Any]:
    return whole()[0]


def resources_() -> dict[str, Any]:
    return whole()[1]


class Unfit(Strict):
    """Arguments that hide the settings."""

    settings: str = Field(description="A name that every component has.")


class Part(BaseModel):
    """A part with parts."""

    file_name: str
    parts: dict[str, Part] = {}


class Whole(BaseModel):
    """Has a secret and a tuple of two types."""

    api_key: str = Field(json_schema_extra={"x-secret": True})
    pair: tuple[int, str] = (0, "")
    of_any: list[Part] | Part | None = None


def test_every_component_of_the_catalogue_is_in_the_schema() -> None:
    assert set(resources_()) == {token_of(CATALOG[name]) for name in CATALOG}
    assert all(found["isComponent"] for found in resources_().values())


def test_inputs_have_types_enums_unions_and_descriptions() -> None:
    inputs = resources_()["alchemesh:components:DeltaTable"]["inputProperties"]
    assert inputs["partitionBy"]["oneOf"] == [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]
    assert inputs["keepOnDestroy"] == {
        "type": "boolean",
        "description": "Whether the rows stay when the tables are removed. Default: `true`.",
    }
    assert inputs["onIncompatibleChange"]["$ref"] == "#/types/alchemesh:components:DeltaTableOnIncompatibleChange"
    assert types_()["alchemesh:components:DeltaTableOnIncompatibleChange"] == {
        "type": "string",
        "enum": [{"name": "Refuse", "value": "refuse"}, {"name": "Replace", "value": "replace"}],
    }
    assert resources_()["alchemesh:components:DeltaTable"]["requiredInputs"] == ["settings", "wiring"]


def test_no_default_is_sent_by_programs() -> None:
    """A field that is not set would look set: a limit of lag that is not declared follows the contract."""
    assert [name for name, found in every_property() if "default" in found] == []


def test_every_input_is_described() -> None:
    inputs = {
        (token, name): found for token, each in resources_().items() for name, found in each["inputProperties"].items()
    }
    assert [place for place, found in inputs.items() if not found.get("description")] == []


def test_every_reference_has_a_type() -> None:
    wanted = {found["$ref"] for found in parts_of([resources_(), types_()]) if "$ref" in found}
    assert {ref.removeprefix("#/types/") for ref in wanted if ref.startswith("#")} <= set(types_())


def test_the_wiring_of_a_role_has_its_fields() -> None:
    assert types_()["alchemesh:components:ProxyWiring"]["required"] == ["models", "protocols", "storage"]
    assert types_()["alchemesh:components:StorageWiring"]["required"] == ["models"]
    assert "schema" in types_()["alchemesh:components:InputPortWiring"]["properties"]
    code = resources_()["alchemesh:components:LocalPython"]["inputProperties"]["wiring"]
    assert code["$ref"] == "#/types/alchemesh:components:CodeWiring"


def test_secrets_are_marked_and_tuples_and_recursion_are_translated() -> None:
    reference = f"{__name__}:Whole"
    types, resources = component_schemas([replace(CATALOG["local-directory"], args=reference)])
    inputs = resources["alchemesh:components:LocalDirectory"]["inputProperties"]
    assert inputs["apiKey"] == {"type": "string", "secret": True}
    assert inputs["pair"] == {"type": "array", "items": {"$ref": "pulumi.json#/Any"}}
    part = {"$ref": "#/types/alchemesh:components:Part"}
    assert inputs["ofAny"] == {"oneOf": [{"type": "array", "items": part}, part]}
    assert types["alchemesh:components:Part"]["properties"]["parts"]["additionalProperties"] == part


def test_an_argument_with_a_reserved_name_is_refused() -> None:
    spec = replace(CATALOG["local-directory"], args=f"{__name__}:Unfit")
    with pytest.raises(ReservedName, match="has an argument 'settings'"):
        inputs_model(spec)


def test_a_component_without_a_schema_hides_no_other() -> None:
    """The message names the component, its package and the command that shows the fault."""
    unfit = replace(CATALOG["local-directory"], args=f"{__name__}:Unfit")
    with constructing() as made:
        made.provider.components = ComponentTypes({"local-directory": unfit, "delta-table": CATALOG["delta-table"]})
        schema = made.provider.schema_json()
        [message] = made.engine.messages()
    assert "alchemesh:components:DeltaTable" in schema
    assert "alchemesh:components:LocalDirectory" not in schema
    assert message.startswith(
        "the schema leaves out component local-directory of package alchemesh-platform: ReservedName"
    )
    assert "`alchemesh components check local-directory` shows the fault" in message


def test_names_are_translated_in_models_and_stay_in_maps() -> None:
    names = Names(Whole.model_json_schema())
    given = {"apiKey": "x", "ofAny": [{"fileName": "a", "parts": {"fileName": {"fileName": "b"}}}]}
    known = {"api_key": "x", "of_any": [{"file_name": "a", "parts": {"fileName": {"file_name": "b"}}}]}
    assert names.to_component(given) == known
    assert names.to_program(known) == given
    assert names.path(("of_any", 0, "parts", "file_name", "file_name")) == "ofAny[0].parts.file_name.fileName"


def every_property() -> Iterator[tuple[str, dict[str, Any]]]:
    for found in [*resources_().values(), *types_().values()]:
        yield from found.get("inputProperties", {}).items()
        yield from found.get("properties", {}).items()


def parts_of(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        yield tree
        tree = list(tree.values())
    if isinstance(tree, list):
        for part in tree:
            yield from parts_of(part)
