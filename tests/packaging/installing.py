"""Runs pip for another environment."""

from __future__ import annotations

import subprocess
import sys


def pip(python: str, *arguments: str) -> None:
    """Run pip for the environment of an interpreter; it must succeed."""
    command = [sys.executable, "-m", "pip", "--python", python, "--quiet", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
