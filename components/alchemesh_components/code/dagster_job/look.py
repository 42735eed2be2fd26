"""Checks of dagster-job, before a deployment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from alchemesh_components.code.checks import check_triggers, look_at_entrypoint, runs_elsewhere
from alchemesh_components.code.dagster_job.models import Args
from alchemesh_components.dagster.settings import Settings
from alchemesh_platform.sdk.objection import Objection
from alchemesh_platform.sdk.wiring import Wiring

# Arguments that the team's own definitions have in their own form, and their place there.
_OF_DEFINITIONS = {
    "schedule": "a ScheduleDefinition",
    "time_zone": "the execution_timezone of a schedule",
    "retries": "a RetryPolicy",
    "retry_delay": "a RetryPolicy",
    "on": "a sensor",
    "timeout": "the tag dagster/max_runtime of a job",
}


def check(args: Args, settings: Settings, wiring: Wiring) -> Iterator[Objection]:
    """Check the arguments that Dagster has in its own form, or does not have."""
    if args.definitions is not None:
        for name, instead in _OF_DEFINITIONS.items():
            if name in args.model_fields_set:
                yield Objection(
                    f"found `{name}` for the team's own definitions",
                    at="args",
                    path=(name,),
                    hint=f"set it in {args.definitions}: {instead}",
                )
    yield from check_triggers(args, wiring)
    if args.schedule is not None and args.catch_up != "latest":
        yield Objection(
            f"found {args.catch_up!r}, and Dagster runs a missed schedule once for the latest time",
            at="args",
            path=("catch_up",),
            hint="remove `catch_up`, or set it to latest",
        )


def look(args: Args, settings: Settings, wiring: Wiring) -> Iterator[Objection]:
    """Check that the code exists, in the folder or installed. Imports nothing."""
    root = Path(wiring.product_root)
    if args.definitions is not None and not (root / args.definitions).resolve().is_relative_to(root.resolve()):
        yield Objection(f"{args.definitions} is outside of the manifest's folder", at="args", path=("definitions",))
        return
    if args.definitions is not None:
        yield from look_at_entrypoint(args.definitions, root, field="definitions")
    else:
        elsewhere = runs_elsewhere(settings.local.python, args.env)
        yield from look_at_entrypoint(args.entrypoint or "", root, elsewhere=elsewhere)
