"""Rows of another product's port in the forms that its data API gives."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from alchemesh_platform.connections import NotReadable
from alchemesh_platform.data.types import arrow_schema
from alchemesh_platform.manifest.models import Property
from alchemesh_platform.systems.local.data.data_api import of_model
from tests.data.products import read

PARTS = {
    "n": {"type": "number", "precision": 20, "scale": 2},
    "f": {"type": "number"},
    "day": {"type": "date"},
    "at": {"type": "timestamp"},
    "tags": {"type": "array", "items": {"type": "string"}},
}
ORDER = {
    "place": {"type": "object", "properties": PARTS},
    "items": {"type": "array", "items": {"type": "object", "properties": PARTS}},
    "clock": {"type": "time"},
    "sizes": {"type": "array", "items": {"type": "integer"}},
}
PROPERTIES = {name: Property.model_validate(each) for name, each in ORDER.items()}
PLACE = (
    '{"n": 123456789012345678.90, "f": "Infinity", "day": "2024-02-29", "at": "2024-05-01T08:30:00+00:00", '
    '"tags": ["a"]}'
)


def batch(**columns: Any) -> pa.RecordBatch:
    return pa.record_batch(columns)


def test_objects_that_come_as_json_get_the_types_of_the_model() -> None:
    found = of_model(
        batch(
            place=pa.array([PLACE, None]),
            items=pa.array([f"[{PLACE}, null]", "[]"]),
            clock=pa.array([48_600_000_000, None], pa.time64("us")),
            sizes=pa.array([[1, None], None], pa.list_(pa.int32())),
        ),
        PROPERTIES,
    )
    place = {
        "n": Decimal("123456789012345678.90"),
        "f": float("inf"),
        "day": date(2024, 2, 29),
        "at": datetime(2024, 5, 1, 8, 30, tzinfo=UTC),
        "tags": ["a"],
    }
    assert found.schema.equals(arrow_schema(PROPERTIES))
    assert found.to_pylist() == [
        {"place": place, "items": [place, None], "clock": "13:30:00", "sizes": [1, None]},
        {"place": None, "items": [], "clock": None, "sizes": None},
    ]


def test_a_value_that_does_not_fit_the_model_is_named() -> None:
    with pytest.raises(NotReadable, match=r"column place does not fit the model of the port: place\.day: found 'soon'"):
        of_model(batch(place=pa.array(['{"day": "soon"}'])), PROPERTIES)
    with pytest.raises(NotReadable, match="column sizes does not fit the model of the port: found array of number"):
        of_model(batch(sizes=pa.array([[1.5]])), {"sizes": Property(type="string")})


def test_a_data_api_that_does_not_answer_is_named(free_address: str) -> None:
    port = read(document({"rest": f"{free_address}/api"})).input("sales")
    with pytest.raises(NotReadable) as reported:
        port.read().arrow()
    assert str(reported.value).startswith(f"input port 'sales': {free_address}/api does not answer: ")
    assert str(reported.value).endswith(
        "hint: the team of the product that is read sees its health with `alchemesh status`"
    )


def test_a_data_api_without_rest_and_sql_is_refused() -> None:
    with pytest.raises(NotReadable, match="its data API offers neither REST nor SQL of PostgreSQL"):
        read(document({"graphql": "http://127.0.0.1:1/graphql"})).input("sales").read()


def test_the_models_of_an_input_are_named_when_one_has_to_be_chosen() -> None:
    known = document({"rest": "http://127.0.0.1:1"}) | {"schemas": {"sales": {"models": {"a": ORDER, "b": ORDER}}}}
    known["inputs"]["sales"]["proxy"]["tables"] = []
    with pytest.raises(NotReadable, match="input port 'sales': name the model to read, one of a, b"):
        read(known).input("sales").read()


def document(proxy: dict[str, Any]) -> dict[str, Any]:
    known = {"inputs": {"sales": {"proxy": {"kind": "data-api", **proxy, "tables": ["sale"]}}}}
    whole = {"product": "ops/desk", "environment": "local", **known}
    return json.loads(json.dumps(whole | {"schemas": {"sales": {"models": {"sale": ORDER}}}}))


@pytest.fixture
def free_address() -> str:
    from alchemesh_platform.machine.servers.ports import free_port

    return f"http://127.0.0.1:{free_port('127.0.0.1')}"
