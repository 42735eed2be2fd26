"""Properties, read into models."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ConfigDict, Field

from alchemesh_platform.base.secrets import SecretRef
from alchemesh_platform.provider.inputs import Properties, dump, read_properties, with_defaults
from alchemesh_platform.provider.values import UNKNOWN, Secret


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    size: int = 1


class Thing(Properties):
    given_name: str = Field(min_length=2)
    http_port: int | None = None
    keep_on_delete: bool = True
    parts: tuple[Part, ...] = ()
    env: dict[str, str | SecretRef] = Field(default_factory=dict)


def test_properties_are_in_camel_case_and_attributes_in_snake_case() -> None:
    read = read_properties(Thing, {"givenName": "ab", "httpPort": 80, "keepOnDelete": None})
    assert read.values == Thing(given_name="ab", http_port=80)
    assert read.complete


def test_every_error_names_its_property() -> None:
    read = read_properties(
        Thing,
        {"httpPort": "x", "keepOnDelete": 3, "parts": [{"name": "a"}, {"size": "big", "hue": 1}], "kepOnDelete": 1},
    )
    assert read.values is None
    assert {refusal.property: refusal.reason for refusal in read.refusals} == {
        "givenName": "is required",
        "httpPort": "input should be a valid integer, unable to parse string as an integer",
        "keepOnDelete": "input should be a valid boolean, unable to interpret input",
        "parts[1].name": "is required",
        "parts[1].size": "input should be a valid integer, unable to parse string as an integer",
        "parts[1].hue": "unknown property",
        "kepOnDelete": "unknown property: did you mean 'keepOnDelete'?",
    }


def test_a_snake_case_property_is_refused() -> None:
    assert read_properties(Thing, {"given_name": "ab", "givenName": "ab"}).refusals[0].property == "given_name"


def test_a_member_of_a_union_is_refused_at_its_own_path() -> None:
    refusals = read_properties(Thing, {"givenName": "ab", "env": {"A": {"secret": "lower"}}}).refusals
    assert [refusal.property for refusal in refusals] == ["env.A", "env.A.secret"]


@pytest.mark.parametrize("unknown", [UNKNOWN, Secret(UNKNOWN)])
def test_unknown_values_stay_unknown_next_to_known_ones(unknown: object) -> None:
    read = read_properties(Thing, {"givenName": unknown, "httpPort": 80})
    assert not read.complete
    assert read.refusals == ()
    assert read.values is not None
    assert read.values.given_name is UNKNOWN
    assert (read.values.http_port, read.values.keep_on_delete) == (80, True)


def test_errors_next_to_unknown_values_are_reported_and_unknown_values_are_not() -> None:
    read = read_properties(Thing, {"givenName": "a", "httpPort": UNKNOWN, "parts": [{"name": UNKNOWN, "size": "big"}]})
    assert {refusal.property for refusal in read.refusals} == {"givenName", "parts[0].size"}


def test_an_unknown_nested_value_makes_the_whole_property_unknown() -> None:
    read = read_properties(Thing, {"givenName": "ab", "parts": [{"name": UNKNOWN}]})
    assert read.values is not None
    assert read.values.parts is UNKNOWN


def test_models_read_secrets_in_plain_text() -> None:
    assert read_properties(Thing, {"givenName": Secret("ab")}).values == Thing(given_name="ab")


def test_defaults_are_filled_in_and_null_stays_unset() -> None:
    assert with_defaults(Thing, {"givenName": "ab", "httpPort": None, "keepOnDelete": False}) == {
        "givenName": "ab",
        "keepOnDelete": False,
        "parts": [],
        "env": {},
    }


def test_nested_documents_keep_their_keys() -> None:
    class Record(Properties):
        whole_document: dict[str, object]

    assert dump(Record(whole_document={"snake_case": {"camelCase": 1}})) == {
        "wholeDocument": {"snake_case": {"camelCase": 1}}
    }
