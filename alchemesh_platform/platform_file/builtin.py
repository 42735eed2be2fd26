"""The built-in platform, which runs everything on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

BUILTIN_LOCAL = "builtin/local"
LOCAL = "local"  # the environment that needs no platform file

LOCAL_COMPONENTS = {
    "object-storage": "local-directory",
    "columnar-table": "delta-table",
    "file-ingestion": "local-files",
    "kafka-ingestion": "kafka-directory",
    "streaming-topic": "kafka-topic",
    "data-api": "roapi",
    "python-job": "local-python",
    "data-product-input": "data-product-input",
}


def builtin_environments(home: Path) -> dict[str, dict[str, Any]]:
    """The built-in environment that ``extends: builtin/…`` names, as a platform file would write it.

    Args:
        home: Folder of state, registry and data.
    """
    local = home / LOCAL
    return {
        BUILTIN_LOCAL: {
            "state": f"file://{local}/state",
            "registry": f"sqlite:///{local}/registry.db",
            "settings": {"local": {"root": f"{local}/data", "run": f"{local}/run"}},
            "components": LOCAL_COMPONENTS,
        }
    }
