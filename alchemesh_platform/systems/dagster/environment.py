"""Dagster's own Python environment, from the lock file next to this module."""

from __future__ import annotations

from pathlib import Path

from alchemesh_platform.machine.environments import Report, ensure_environment

LOCK = Path(__file__).with_name("requirements.txt")


def ensure_dagster(report: Report = lambda _line: None) -> Path:
    """The folder of the environment. It is installed if it is missing.

    Args:
        report: Called with a line of progress before the installation.

    Raises:
        EnvironmentFailed: when it cannot be installed.
    """
    return ensure_environment("dagster", LOCK, report, title="Dagster")
