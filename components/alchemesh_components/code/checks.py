"""Checks of code that every engine shares."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from alchemesh_components.code.arguments import RunArgs
from alchemesh_platform.base.problems import did_you_mean
from alchemesh_platform.sdk.objection import Objection
from alchemesh_platform.sdk.wiring import Wiring


def check_triggers(args: RunArgs, wiring: Wiring) -> Iterator[Objection]:
    """Check that each port in `on` is an input port that reads another product."""
    for index, name in enumerate(args.on):
        if name not in wiring.upstream:
            hint = (
                did_you_mean(name, list(wiring.upstream))
                if wiring.upstream
                else "remove `on`, or set `schedule`; no input port of this product reads another product"
            )
            yield Objection(
                f"found {name!r}, expected an input port that reads another product",
                at="args",
                path=("on", index),
                hint=hint,
            )
        elif name in args.on[:index]:
            yield Objection(f"found {name!r} twice", at="args", path=("on", index), hint="remove one of them")


def look_at_entrypoint(
    entrypoint: str, root: Path, *, elsewhere: bool = False, field: str = "entrypoint"
) -> Iterator[Objection]:
    """Check that the module or the script of an entrypoint exists. Imports nothing of it.

    Args:
        entrypoint: ``package.module:function``, or the path of a script.
        root: Folder of the manifest.
        elsewhere: Whether the code runs where modules may be that this process cannot see.
        field: Argument that has the entrypoint.
    """
    from alchemesh_platform.systems.local.jobs.entrypoint import entrypoint_problem

    problem = entrypoint_problem(entrypoint, root, elsewhere=elsewhere)
    if problem is not None:
        hint = (
            f"did you mean {problem.meant!r}?"
            if problem.meant
            else "paths and modules start from the manifest's folder"
        )
        yield Objection(problem.reason, at="args", path=(field,), hint=hint)


def runs_elsewhere(python: str | None, env: Mapping[str, object]) -> bool:
    """Whether code on this machine may see other modules than this process does.

    Args:
        python: Interpreter of the code; None for the one that runs alchemesh.
        env: Variables of the code.
    """
    return python not in (None, sys.executable) or "PYTHONPATH" in env
