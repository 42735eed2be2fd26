"""actionlint, a linter of GitHub's workflows, built from its module.

Source: https://github.com/rhysd/actionlint/blob/v1.7.7/docs/install.md
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from parts import cache
from parts.java import PartFailed

MODULE = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.7"


def prepare() -> Path:
    """The folder of the program. It is created if it is missing.

    Raises:
        PartFailed: when Go fails.
    """
    return cache.prepared("actionlint", [MODULE], _make)


def missing() -> str | None:
    """A sentence if Go is missing; None if it is installed."""
    return None if shutil.which("go") is not None else "go is not on PATH"


def _make(folder: Path) -> None:
    environ = {**os.environ, "GOBIN": str(folder), "GOFLAGS": ""}
    done = subprocess.run(["go", "install", MODULE], capture_output=True, text=True, check=False, env=environ)
    if done.returncode != 0:
        raise PartFailed(f"`go install {MODULE}` exited with {done.returncode}\n{done.stderr[-2000:]}")
