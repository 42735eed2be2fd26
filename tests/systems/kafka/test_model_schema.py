"""The published schema describes a message as the model describes a row."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from alchemesh_platform.manifest.models import SemanticModel
from alchemesh_platform.systems.kafka.model_schema import model_schema

MODEL = SemanticModel.model_validate(
    {
        "description": "One departure.",
        "properties": {
            "flight_id": {"type": "string", "key": True},
            "carrier": {"type": "string", "required": True, "pattern": "[A-Z0-9]{2}"},
            "state": {"type": "string", "enum": ["gone", "late"]},
            "delay_minutes": {"type": "integer", "minimum": -60, "maximum": 1440},
            "departed_at": {"type": "timestamp"},
            "legs": {
                "type": "array",
                "items": {"type": "object", "properties": {"to": {"type": "string", "required": True}}},
            },
        },
    }
)
GOOD = {"flight_id": "AA1", "carrier": "AA", "legs": [{"to": "JFK"}], "delay_minutes": None, "state": None}


def test_the_schema_accepts_messages_that_the_model_accepts() -> None:
    schema = model_schema("flight", MODEL)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(GOOD, schema)
    jsonschema.validate({**GOOD, "new": 1, "departed_at": "2024-05-01T10:00:00Z"}, schema)
    assert (schema["title"], schema["description"], schema["x-key"]) == ("flight", "One departure.", ["flight_id"])


@pytest.mark.parametrize(
    "wrong",
    [
        {"flight_id": None},
        {"carrier": "AAL"},
        {"carrier": "xAAx"},
        {"state": "early"},
        {"delay_minutes": 1.5},
        {"delay_minutes": -61},
        {"delay_minutes": 1441},
        {"legs": [{}]},
        {"legs": [{"to": 1}]},
        {"departed_at": 5},
    ],
)
def test_the_schema_refuses_messages_that_the_model_refuses(wrong: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**GOOD, **wrong}, model_schema("flight", MODEL))
