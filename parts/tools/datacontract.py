"""datacontract-cli, another engine for contracts of ODCS, in a Python environment of its own.

`requirements.txt` leaves out boto3 with its parts, which only files in S3 need: they are a third of the installation.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from parts import cache
from parts.java import PartFailed

FILES = Path(__file__).parent.parent / "files" / "datacontract"
_REQUIREMENTS, _RUN = FILES / "requirements.txt", FILES / "run.py"


def prepare() -> Path:
    """The folder of the environment. It is created if it is missing.

    Raises:
        PartFailed: when pip fails.
    """
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return cache.prepared("datacontract", [version, _REQUIREMENTS.read_bytes()], _make)


def missing() -> str | None:
    """Nothing: Python and a package index are enough."""
    return None


def run(contracts: Sequence[Path]) -> list[dict[str, Any]]:
    """The results of contracts: each with its ``result`` and ``checks``."""
    printed = _run([str(python()), str(_RUN), *map(str, contracts)])
    found: list[dict[str, Any]] = json.loads(printed)
    return found


def python() -> Path:
    """The interpreter of the environment."""
    return prepare() / "bin" / "python"


def _make(folder: Path) -> None:
    _run([sys.executable, "-m", "venv", str(folder)])
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    # Compiling all modules takes as long as the rest, and few are used.
    _run([*pip, "--no-compile", "--no-deps", "--require-hashes", "--requirement", str(_REQUIREMENTS)])


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise PartFailed(
            f"`{' '.join(command[:4])}` exited with {done.returncode}\n{(done.stdout + done.stderr)[-2000:]}"
        )
    return done.stdout
