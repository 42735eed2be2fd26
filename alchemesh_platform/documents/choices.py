"""A text from a list that is known only at run time: the names that installed packages register."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticKnownError, core_schema

from alchemesh_platform.documents.document import listed


@dataclass(frozen=True, slots=True)
class OneOf:
    """An annotation of ``str``: one of the names that a function returns.

    Errors and JSON Schema are those of ``Literal`` with the same names.

    Args:
        names: Function that returns the names.
    """

    names: Callable[[], tuple[str, ...]]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"enum": list(self.names()), "type": "string"}

    def _check(self, value: Any) -> Any:
        names = self.names()
        if value not in names:
            expected = listed([repr(name) for name in names], "or") if names else "a name that a package registers"
            raise PydanticKnownError("literal_error", {"expected": expected})
        return value
