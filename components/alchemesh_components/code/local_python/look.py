"""Checks of local-python, before a deployment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from alchemesh_components.code.checks import check_triggers, look_at_entrypoint, runs_elsewhere
from alchemesh_components.code.local_python.models import Args
from alchemesh_components.local.settings import Settings
from alchemesh_platform.sdk.objection import Objection
from alchemesh_platform.sdk.wiring import Wiring


def check(args: Args, settings: Settings, wiring: Wiring) -> Iterator[Objection]:
    """Check the triggers of the job."""
    yield from check_triggers(args, wiring)


def look(args: Args, settings: Settings, wiring: Wiring) -> Iterator[Objection]:
    """Check that the script or the module with its function exists, in the folder or installed. Imports nothing."""
    yield from look_at_entrypoint(
        args.entrypoint, Path(wiring.product_root), elsewhere=runs_elsewhere(settings.local.python, args.env)
    )
