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
    "data-api": "postgresql-serving",
    "kestra-flow": "kestra-flow",
    "python-job": "local-python",
    "airflow-dag": "airflow-dag",
    "dagster-job": "dagster-job",
    "spark-job": "spark-submit",
    "data-product-input": "data-product-input",
}


def builtin_folders(home: Path, environment: str) -> dict[str, str]:
    """The folders of an environment's data and processes, as ``settings.local`` names them."""
    return {"root": str(home / environment / "data"), "run": str(home / environment / "run")}


def builtin_environments(home: Path, environment: str = LOCAL) -> dict[str, dict[str, Any]]:
    """The built-in environment that ``extends: builtin/…`` names, as a platform file would write it.

    Environments share the state and the registry, which keep them apart, and have their own data and processes.

    Args:
        home: Folder of state, registry and data.
        environment: The environment that extends it.
    """
    local = home / LOCAL
    return {
        BUILTIN_LOCAL: {
            "state": f"file://{local}/state",
            "registry": f"sqlite:///{local}/registry.db",
            "settings": {"local": builtin_folders(home, environment)},
            "components": LOCAL_COMPONENTS,
        }
    }
