"""Checks of spark-submit, before a deployment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from alchemesh_components.code.checks import check_triggers, look_at_entrypoint, runs_elsewhere
from alchemesh_components.code.spark_submit.models import Args
from alchemesh_components.spark.settings import Settings
from alchemesh_platform.sdk.objection import Objection
from alchemesh_platform.sdk.wiring import Wiring


def check(args: Args, settings: Settings, wiring: Wiring) -> Iterator[Objection]:
    """Check the triggers of the job."""
    yield from check_triggers(args, wiring)


def look(args: Args, settings: Settings, wiring: Wiring) -> Iterator[Objection]:
    """Check that the file or the module with its function exists, and that this machine has Java. Imports nothing."""
    from alchemesh_platform.systems.spark.java import NoJava, find_java

    yield from look_at_entrypoint(
        args.entrypoint, Path(wiring.product_root), elsewhere=runs_elsewhere(settings.local.python, args.env)
    )
    try:
        find_java(settings.spark.java_home)
    except NoJava as missing:
        yield Objection(missing.message, at="component", hint=missing.hint)
