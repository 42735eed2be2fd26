"""Warnings that a person at this terminal has read before: they are repeated in one line, without their hint."""

from __future__ import annotations

import json
import sys
from contextlib import suppress

from alchemesh_cli.context_options import with_context_options
from alchemesh_platform.base.files.home import home
from alchemesh_platform.base.problems import Problem

FILE = "seen-warnings.json"
REMEMBERED = 1000


def was_seen(problem: Problem) -> bool:
    """Whether a warning was shown on a terminal before; it is remembered from now on.

    A log of a pipeline has no reader who remembers: there, each warning is shown in full.
    """
    if not sys.stderr.isatty():
        return False
    import hashlib

    digest = hashlib.sha256(f"{problem.location.file}\0{problem.path}\0{problem.message}".encode()).hexdigest()
    file = home() / FILE
    seen: list[str] = []
    with suppress(OSError, ValueError):
        found = json.loads(file.read_text("utf-8"))
        seen = [each for each in found if isinstance(each, str)] if isinstance(found, list) else []
    if digest in seen:
        return True
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps([*seen, digest][-REMEMBERED:]), "utf-8")
    return False


def warned(problem: Problem, *, end: str = "") -> str:
    """A problem as a command reports it: one line for a warning that was shown before, otherwise in full.

    Args:
        end: Text after a problem in full, such as an empty line.
    """
    if problem.severity == "warning" and was_seen(problem):
        return in_short(problem)
    return f"{with_context_options(problem)}{end}"


def in_short(problem: Problem) -> str:
    """A warning in one line."""
    where = f"{problem.location}  {problem.path}: " if problem.path else f"{problem.location}  "
    return f"{where}warning: {problem.message.splitlines()[0]}"
