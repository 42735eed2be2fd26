"""The JSON Schema of what people write."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from alchemesh_platform.base.units import format_duration


class WrittenSchema(GenerateJsonSchema):
    """A JSON Schema whose defaults are as people write them: ``1h``, where pydantic's own would be ``PT1H``."""

    def encode_default(self, dft: Any) -> Any:
        """A default value, as a document has it."""
        return format_duration(dft) if isinstance(dft, timedelta) else super().encode_default(dft)
