"""The probe that calls a component's functions and hears what they do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys
from alchemesh_platform.testing.run.probe import _Heard
events = []
with _Heard(events):
    import imported_late
print(events, sys.dont_write_bytecode)
"""


def test_the_first_import_of_a_module_is_no_effect_of_the_function(tmp_path: Path) -> None:
    """In a new checkout no module has its bytecode yet, and Python would write it."""
    (tmp_path / "imported_late.py").write_text("x = 1\n")
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    assert done.stdout == "[] False\n"
