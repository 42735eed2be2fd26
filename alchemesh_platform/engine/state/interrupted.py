"""The unfinished steps of a killed run, and how the next run resumes them.

Before each step the engine records what it is about to do. A killed engine leaves that record as a *pending operation*
in the state. The next run drops all pending operations except creations. It keeps those and warns about them on each
run, because the engine cannot know whether the resource was created. If the caller was killed instead, with the
provider in its process, the state has no pending operation: the engine records the creation as failed. The event log in
the folder of that run still names the creation.

Our providers resolve this: an attached provider adopts an existing resource when the engine creates it. So `up` creates
the resource again and then clears the pending operations. `destroy` creates first, because the engine cannot delete
resources that it does not know.

Source: pulumi pkg/backend/snapshot.go (Snap), pkg/resource/deploy/deployment_executor.go
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alchemesh_platform.engine.install.find import Engine
from alchemesh_platform.engine.run.event_log import EVENTS, EventLog
from alchemesh_platform.engine.run.events import ResourceOutputs, ResourcePre
from alchemesh_platform.engine.stack import EXPORT_PREFIX, RUN_PREFIX, Stack, StackFailed, run_engine, why_failed
from alchemesh_platform.engine.state.deployed import deployed_state, export_state
from alchemesh_platform.engine.urn import name_of, package_of, type_of

CREATING = "creating"
_CREATIONS = ("create", "create-replacement")

_WARNING = re.compile(r"Attempting to deploy or update resources with \d+ pending operations")
_WARNED = re.compile(r"^\s*\* (?P<urn>urn:pulumi:.+), interrupted while (?P<operation>\w+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A step that started and did not end. ``operation`` is creating, updating, deleting, reading or importing."""

    urn: str
    operation: str


def warned_of(message: str) -> tuple[Interrupted, ...] | None:
    """The pending operation in a warning of the engine; None for any other message."""
    if not _WARNING.match(message):
        return None
    return tuple(Interrupted(match["urn"], match["operation"]) for match in _WARNED.finditer(message))


def interrupted_in_state(
    engine: Engine, stack: Stack, environ: Mapping[str, str] = os.environ
) -> tuple[Interrupted, ...]:
    """The pending operations in the state. The engine reads state that is not in a folder.

    Raises:
        StackFailed: when the engine cannot read the state.
    """
    return interrupted_in(deployed_state(engine, stack, environ))


def interrupted_in(deployment: Mapping[str, Any]) -> tuple[Interrupted, ...]:
    """The pending operations of a state."""
    operations = deployment.get("pending_operations") or ()
    return tuple(Interrupted(operation["resource"]["urn"], operation["type"]) for operation in operations)


def left_runs(stack: Stack) -> list[Path]:
    """Folders of runs whose caller was killed, with their event logs. Call this before a run creates its own folder."""
    return sorted(stack.work_folder.glob(f"{RUN_PREFIX}*"))


def interrupted_in_runs(runs: Iterable[Path]) -> tuple[Interrupted, ...]:
    """Creations that started and did not end in runs whose caller was killed."""
    begun: dict[str, Interrupted] = {}
    for run in runs:
        for event in EventLog(run / EVENTS).read():
            if isinstance(event, ResourcePre) and event.op in _CREATIONS and event.custom and not event.planning:
                begun[event.urn] = Interrupted(event.urn, CREATING)
            elif isinstance(event, ResourceOutputs):
                begun.pop(event.urn, None)
    return tuple(begun.values())


def forget_interrupted(engine: Engine, stack: Stack, environ: Mapping[str, str] = os.environ) -> None:
    """Clear the pending operations in the state: exporting and importing the state does so.

    Raises:
        StackFailed: when the engine cannot import it; the state is then unchanged.
    """
    with tempfile.TemporaryDirectory(prefix=EXPORT_PREFIX, dir=stack.work_folder) as folder:
        exported = export_state(engine, stack, Path(folder), environ)
        command = ["stack", "import", f"--file={exported}", f"--stack={stack.name}", "--non-interactive"]
        imported = run_engine(engine, stack, command, environ)
        if imported.returncode != 0:
            raise StackFailed(f"the engine cannot write the state of {stack}: {why_failed(imported)}")


def creations(interrupted: Iterable[Interrupted]) -> list[str]:
    """URNs of the interrupted creations, without duplicates."""
    return list(dict.fromkeys(step.urn for step in interrupted if step.operation == CREATING))


def notes_on(interrupted: Iterable[Interrupted], done: Set[str], attached: Set[str]) -> list[str]:
    """Notes on interrupted creations, after a successful run.

    Args:
        done: URNs that the run processed.
        attached: Packages whose providers adopt existing resources.
    """
    notes = []
    for urn in creations(interrupted):
        stopped = f"{name_of(urn)} ({type_of(urn)}) was being created when an earlier run was stopped"
        if urn not in done:
            notes.append(f"{stopped}, and this run did not create it again: check whether it exists")
        elif package_of(urn) in attached:
            notes.append(f"{stopped}; this run adopted it")
        else:
            notes.append(
                f"{stopped}, and this run created it again: if its service generates names, it may exist twice"
            )
    return notes
