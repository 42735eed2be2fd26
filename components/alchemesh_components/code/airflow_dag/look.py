"""Checks of airflow-dag, before a deployment."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from alchemesh_components.airflow.settings import Settings
from alchemesh_components.code.airflow_dag.models import Args
from alchemesh_components.code.checks import check_triggers, look_at_entrypoint, runs_elsewhere
from alchemesh_platform.sdk.objection import Objection
from alchemesh_platform.sdk.wiring import Wiring


def check(args: Args, settings: Settings, wiring: Wiring) -> Iterator[Objection]:
    """Check the triggers of the job."""
    yield from check_triggers(args, wiring)
    if args.schedule is not None and args.on:
        yield Objection(
            "found `on` beside `schedule`, expected one of them",
            at="args",
            path=("on",),
            hint="Airflow starts a generated DAG by its schedule or by a change; write a DAG file for both",
        )


def look(args: Args, settings: Settings, wiring: Wiring) -> Iterator[Objection]:
    """Check that the code or the DAG file exists, and that the file is Python. Imports nothing."""
    root = Path(wiring.product_root)
    if args.entrypoint is not None:
        yield from look_at_entrypoint(args.entrypoint, root, elsewhere=runs_elsewhere(settings.local.python, args.env))
        return
    file = root / (args.dag or "")
    if not file.resolve().is_relative_to(root.resolve()):
        yield Objection(f"{args.dag} is outside of the manifest's folder", at="args", path=("dag",))
        return
    try:
        ast.parse(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        hint = "paths start from the manifest's folder"
        yield Objection(f"there is no file {args.dag}", at="args", path=("dag",), hint=hint)
    except (OSError, UnicodeDecodeError) as error:
        yield Objection(f"{args.dag} cannot be read: {error}", at="args", path=("dag",))
    except (SyntaxError, ValueError) as error:
        place = f"{args.dag}:{error.lineno}" if isinstance(error, SyntaxError) else str(args.dag)
        reason = error.msg if isinstance(error, SyntaxError) else str(error)
        yield Objection(f"{place} is no Python: {reason}", at="args", path=("dag",), hint="correct the file")
