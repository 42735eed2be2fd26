"""The commit that a preview is about."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from alchemesh_platform.forges.place import COMMIT, head_commit

LONGEST = 10.0  # seconds for git


def commit_of(environ: Mapping[str, str] = os.environ, folder: Path = Path()) -> str | None:
    """The commit of the merge request, or the one that is checked out; None outside of git."""
    named = head_commit(environ)
    if named is not None:
        return named
    with suppress(OSError, subprocess.SubprocessError):
        shown = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, timeout=LONGEST, check=True
        ).stdout.strip()
        return shown if COMMIT.fullmatch(shown) else None
    return None
