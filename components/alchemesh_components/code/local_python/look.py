"""Checks of the product's folder for local-python."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from alchemesh_components.code.local_python.models import Args
from alchemesh_components.local.settings import Settings
from alchemesh_platform.sdk.objection import Objection
from alchemesh_platform.sdk.wiring import Wiring


def look(args: Args, settings: Settings, wiring: Wiring) -> Iterator[Objection]:
    """Check that the script or the module with its function exists, in the folder or installed. Imports nothing."""
    from alchemesh_platform.systems.local.jobs.entrypoint import entrypoint_problem

    elsewhere = settings.local.python not in (None, sys.executable) or "PYTHONPATH" in args.env
    problem = entrypoint_problem(args.entrypoint, Path(wiring.product_root), elsewhere=elsewhere)
    if problem is not None:
        hint = (
            f"did you mean {problem.meant!r}?"
            if problem.meant
            else "paths and modules start from the manifest's folder"
        )
        yield Objection(problem.reason, at="args", path=("entrypoint",), hint=hint)
