"""Columns of the Glue catalog."""

from __future__ import annotations

from alchemesh_platform.clouds.aws.columns import columns_of
from alchemesh_platform.manifest.models import SemanticModel


def test_a_comment_is_one_line_of_at_most_255_characters() -> None:
    described = {"flight_id": {"type": "string", "description": "The number\nof a flight.\n"}}
    long = {"route": {"type": "string", "description": "word " * 100}}
    columns = columns_of(SemanticModel.model_validate({"properties": {**described, **long}}))
    assert columns[0] == {"name": "flight_id", "type": "string", "comment": "The number of a flight."}
    assert columns[1]["comment"] == ("word " * 51).strip()
