"""The resource types that the stand-in covers."""

from __future__ import annotations

from collections.abc import Mapping

from alchemesh_platform.emulation.resource_type import ResourceType
from alchemesh_platform.emulation.services import storage

TYPES: Mapping[str, ResourceType] = {type_.type: type_ for module in (storage,) for type_ in module.TYPES}
