"""The place of a component's case file."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from alchemesh_platform.sdk.spec import ComponentSpec

CASE_FILE = "case.yml"


def case_file_of(spec: ComponentSpec) -> Path:
    """The case file of a component: ``case.yml`` next to its class, or ``NAME.case.yml`` where several share a folder.

    Raises:
        ImportError: when there is no such module.
    """
    module = spec.component.partition(":")[0]
    found = importlib.util.find_spec(module)  # not imported: the modules of components import the SDKs of clouds
    if found is None or found.origin is None:
        raise ImportError(f"there is no module {module}")
    folder = Path(found.origin).parent
    own = folder / f"{spec.name}.{CASE_FILE}"
    return own if own.is_file() else folder / CASE_FILE
