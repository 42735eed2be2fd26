"""A stack in a temporary home with the test provider, and the engine that runs on it in this process or in another."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from alchemesh_platform.engine.install.find import Engine
from alchemesh_platform.engine.run.events import EngineEvent
from alchemesh_platform.engine.run.operation import Operation, run_operation
from alchemesh_platform.engine.run.result import EngineResult
from alchemesh_platform.engine.stack import Stack
from alchemesh_platform.engine.state.checkout import checked_out, local_of
from tests.waiting import name_of

from .thing import PACKAGE, Thing, ThingFolder, served_things

PROJECT = "test.things"

# Thing by name: its properties; ``after`` names the things that it waits for.
Things = Mapping[str, Mapping[str, Any]]


@dataclass
class Bench:
    """One stack, and the folder of its things."""

    engine: Engine
    stack: Stack
    things: ThingFolder
    port: int
    reported: list[str] = field(default_factory=list)
    events: list[EngineEvent] = field(default_factory=list)

    def run(
        self,
        operation: Operation,
        things: Things | Callable[[], object] | None = None,
        *,
        on_event: Callable[[EngineEvent], object] | None = None,
        targets: Sequence[str] = (),
        cancel: threading.Event | None = None,
    ) -> EngineResult:
        """Lock the stack and run one operation; ``reported`` and ``events`` are of this run."""
        program = things if things is None or callable(things) else lambda: declare(things)
        self.reported, self.events = [], []
        with checked_out(self.stack, report=self.reported.append) as stack:
            stack.prepare(self.engine)
            return run_operation(
                self.engine,
                stack,
                operation,
                program=program,
                providers={PACKAGE: self.port},
                on_event=on_event or self.events.append,
                targets=targets,
                cancel=cancel,
            )

    def urn(self, name: str) -> str:
        """URN of a thing."""
        return f"urn:pulumi:{self.stack.name}::{PROJECT}::test:index:Thing::{name}"

    @property
    def state(self) -> dict[str, Any]:
        """The deployment in the state file; for a state in object storage, in its local copy."""
        folder = self.stack.state_folder or local_of(self.stack).state_folder
        assert folder is not None
        document = json.loads(folder.file.read_bytes())
        return dict(document["checkpoint"]["latest"] or {})

    @property
    def recorded(self) -> set[str]:
        """Names of the things in the state."""
        return {
            resource["urn"].rpartition("::")[2]
            for resource in self.state.get("resources", ())
            if resource["type"].startswith("test:")
        }

    @property
    def pending(self) -> dict[str, str]:
        """Name: operation, of the pending operations in the state."""
        return {
            operation["resource"]["urn"].rpartition("::")[2]: operation["type"]
            for operation in self.state.get("pending_operations", ())
        }

    def start(self, operation: Operation, things: Things) -> subprocess.Popen[str]:
        """Run one operation in a separate process, which prints the outcome."""
        return subprocess.Popen(
            [sys.executable, "-m", "tests.engine.caller", operation],
            env=self._environ(things),
            cwd=Path(__file__).parent.parent.parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def _environ(self, things: Things) -> dict[str, str]:
        stack = {"name": self.stack.name, "backend": self.stack.backend, "home": str(self.stack.home)}
        job = {"stack": stack, "folder": str(self.things.root), "things": things}
        return {**os.environ, "TEST_JOB": json.dumps(job), "ALCHEMESH_ENGINE": str(self.engine.path)}


@contextmanager
def bench_in(folder: Path, engine: Engine, name: str = "dev", backend: str | None = None) -> Iterator[Bench]:
    """A fresh stack in a folder, with its state in the same folder by default."""
    home = folder / "home"
    with served_things(folder / "things") as port:
        stack = Stack(PROJECT, name, backend or f"file://{home / 'state'}", home)
        yield Bench(engine, stack, ThingFolder(folder / "things"), port)


def declare(things: Things) -> None:
    """Declare things in their order."""
    import pulumi

    made: dict[str, Thing] = {}
    for name, properties in things.items():
        after = [made[other] for other in properties.get("after", ())]
        rest = {key: value for key, value in properties.items() if key != "after"}
        made[name] = Thing(name, pulumi.ResourceOptions(depends_on=after), **rest)


def engines_of(pid: int) -> list[psutil.Process]:
    """Running engines that a process has started."""
    try:
        return [child for child in psutil.Process(pid).children(recursive=True) if name_of(child) == "pulumi"]
    except psutil.NoSuchProcess:  # it has ended already
        return []
