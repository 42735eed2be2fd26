"""The JSON Schema of documents that people write."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from alchemesh_platform.base.units import format_duration


class WrittenSchema(GenerateJsonSchema):
    """A JSON Schema with defaults in the form that people write: ``1h``, where pydantic writes ``PT1H``."""

    def encode_default(self, dft: Any) -> Any:
        """A default value in the form that documents use."""
        if isinstance(dft, Decimal):
            return float(dft)
        return format_duration(dft) if isinstance(dft, timedelta) else super().encode_default(dft)
