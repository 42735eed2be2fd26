"""Rows in Avro's JSON encoding, as Pub/Sub checks them against the schema of the topic."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from alchemesh_platform.clouds.gcp.avro import avro_row, avro_schema
from alchemesh_platform.data.writing.messages import json_text
from alchemesh_platform.manifest.models import SemanticModel

MODEL = SemanticModel.model_validate(
    {
        "properties": {
            "id": {"type": "string", "key": True, "required": True},
            "paid": {"type": "number", "precision": 20, "scale": 2},
            "rate": {"type": "number", "required": True},
            "count": {"type": "integer"},
            "day": {"type": "date"},
            "at": {"type": "time"},
            "sold": {"type": "timestamp", "required": True},
            "open": {"type": "boolean"},
            "place": {
                "type": "object",
                "properties": {"city": {"type": "string"}, "day": {"type": "date", "required": True}},
            },
            "lines": {
                "type": "array",
                "items": {"type": "object", "properties": {"n": {"type": "integer", "required": True}}},
            },
        }
    }
)
ROW: dict[str, Any] = {
    "id": "a",
    "paid": Decimal("900719925474099300.10"),
    "rate": 0.5,
    "count": 2**62 + 1,
    "day": date(1969, 12, 31),
    "at": "13:45:00.5",
    "sold": datetime(2024, 1, 1, 0, 0, 0, 1, UTC),
    "open": True,
    "place": {"city": None, "day": date(1970, 1, 2)},
    "lines": [{"n": 1}],
}


def test_a_value_that_may_be_null_is_named_with_its_type_in_the_schema() -> None:
    found = json.loads(json_text(avro_row(ROW, MODEL.properties, "sale")), parse_float=str)
    assert found == {
        "id": "a",
        "paid": {"double": "900719925474099300.10"},  # the text of the message keeps every digit
        "rate": "0.5",
        "count": {"long": 2**62 + 1},
        "day": {"int": -1},
        "at": {"long": 49_500_500_000},
        "sold": 1_704_067_200_000_001,
        "open": {"boolean": True},
        "place": {"sale_place": {"city": None, "day": 1}},
        "lines": {"array": [{"n": 1}]},
    }


def test_the_names_of_types_in_a_row_are_those_of_the_schema() -> None:
    encoded = avro_row(ROW, MODEL.properties, "sale")
    unions = {field["name"]: field["type"][1] for field in avro_schema("sale", MODEL)["fields"] if "default" in field}
    named = {name: kind if isinstance(kind, str) else kind.get("name", kind["type"]) for name, kind in unions.items()}
    assert {name: list(encoded[name]) for name in unions} == {name: [kind] for name, kind in named.items()}
    assert len(named) == 7
    assert all(value is None for value in avro_row(dict.fromkeys(ROW), MODEL.properties, "sale").values())
