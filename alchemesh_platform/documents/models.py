"""Building blocks of document models: a strict base, and the types of names."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

from alchemesh_platform.base.names import IDENTIFIER_MAX, IDENTIFIER_PATTERN, NAME_MAX, NAME_PATTERN
from alchemesh_platform.documents.patterns import (
    EMAIL_PATTERN,
    PRODUCT_ADDRESS_PATTERN,
    REQUESTED_PATTERN,
    VERSION_PATTERN,
)

Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN, max_length=NAME_MAX)]
# A component type, and a range of its versions.
RequestedType = Annotated[str, StringConstraints(pattern=REQUESTED_PATTERN)]
Identifier = Annotated[str, StringConstraints(pattern=IDENTIFIER_PATTERN, max_length=IDENTIFIER_MAX)]
Version = Annotated[str, StringConstraints(pattern=VERSION_PATTERN)]
Email = Annotated[str, StringConstraints(pattern=EMAIL_PATTERN, max_length=254)]
ProductAddress = Annotated[str, StringConstraints(pattern=PRODUCT_ADDRESS_PATTERN)]


class Strict(BaseModel):
    """Frozen, and an unknown key is an error: a typing mistake never passes silently."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, defer_build=True)
