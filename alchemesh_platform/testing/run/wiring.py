"""The wiring of a case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alchemesh_platform.sdk.wiring import Wiring
from alchemesh_platform.testing.cases import CaseWiring, in_folder


def wiring_of(declared: CaseWiring, folder: str, *, storage: Mapping[str, Any] | None = None) -> Wiring:
    """The place of the component in a product.

    Args:
        declared: The wiring of the case.
        folder: The folder of the case.
        storage: Other outputs of the port's storage.
    """
    values = {name: getattr(declared, name) for name in type(declared).model_fields if name != "declared_schema"}
    values["storage"] = in_folder(declared.storage, folder) if storage is None else storage
    for name in ("connections", "foundations", "product_root"):
        values[name] = in_folder(values[name], folder)
    return Wiring(**values, schema=declared.declared_schema)
