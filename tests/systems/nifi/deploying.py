"""A stack of dataflows, deployed by the real engine with the provider attached."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic.alias_generators import to_snake

from alchemesh_platform.engine.install.find import Engine
from alchemesh_platform.engine.run.events import EngineEvent, ResourcePre
from alchemesh_platform.engine.run.operation import Operation, run_operation
from alchemesh_platform.engine.run.result import EngineResult
from alchemesh_platform.engine.stack import Stack
from alchemesh_platform.engine.state.checkout import checked_out
from alchemesh_platform.provider.serve.attach import serve_provider
from alchemesh_platform.systems.nifi.resources import Dataflow

from .flows import DATAFLOW, Tree


@dataclass
class Deployment:
    """One stack.

    Args:
        flows: Resource name: its inputs in the engine. A test changes them between runs.
    """

    engine: Engine
    stack: Stack
    port: int
    flows: dict[str, Tree] = field(default_factory=dict)
    events: list[EngineEvent] = field(default_factory=list)

    def run(self, operation: Operation) -> EngineResult:
        """Run one operation; ``events`` are of this run."""
        self.events = []
        with checked_out(self.stack, report=lambda _line: None) as stack:
            stack.prepare(self.engine)
            return run_operation(
                self.engine,
                stack,
                operation,
                program=self._declare,
                providers={"alchemesh": self.port},
                on_event=self.events.append,
            )

    def done(self, operation: Operation) -> list[str]:
        """Run one operation that must succeed; returns the operations on the dataflows."""
        result = self.run(operation)
        assert result.outcome == "succeeded", said(result)
        return [event.op for event in self.events if isinstance(event, ResourcePre) and event.type == DATAFLOW]

    def refused(self, operation: Operation) -> str:
        """Run one operation that must fail; returns all its messages."""
        result = self.run(operation)
        assert result.outcome == "failed"
        return said(result)

    @property
    def state(self) -> dict[str, Any]:
        """Resource: its recorded state; dataflows only."""
        assert self.stack.state_folder is not None
        latest = json.loads(self.stack.state_folder.file.read_bytes())["checkpoint"]["latest"]
        assert not latest.get("pending_operations")
        return {
            found["urn"].rpartition("::")[2]: found
            for found in latest.get("resources", ())
            if found["type"] == DATAFLOW
        }

    def _declare(self) -> None:
        for name, tree in self.flows.items():
            Dataflow(name, **{to_snake(key): value for key, value in tree.items()})


@contextmanager
def deployment(folder: Path, engine: Engine, **flows: Mapping[str, Any]) -> Iterator[Deployment]:
    """A stack whose state is a file."""
    stack = Stack("aviation.flights", "local", f"file://{folder / 'home' / 'state'}", folder / "home")
    with serve_provider(f"sqlite:///{folder / 'registry.db'}") as served:
        yield Deployment(engine, stack, served.port, {name: dict(tree) for name, tree in flows.items()})


def said(result: EngineResult) -> str:
    return "\n".join(diagnostic.message for diagnostic in result.errors)
