"""A product's ports on an emulated Google Cloud, deployed by the real engine and by the parts of the stack program."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from alchemesh_platform.clouds.gcp.emulation.provider import serve_emulated
from alchemesh_platform.clouds.gcp.emulation.servers.servers import Emulators
from alchemesh_platform.clouds.gcp.emulation.store import Store
from alchemesh_platform.clouds.gcp.emulation.world import World
from alchemesh_platform.engine.install.find import Engine
from alchemesh_platform.engine.run.events import EngineEvent, ResourcePre
from alchemesh_platform.engine.run.operation import Operation, run_operation
from alchemesh_platform.engine.run.result import EngineResult
from alchemesh_platform.engine.stack import Stack
from alchemesh_platform.engine.state.lock import StackLock
from alchemesh_platform.provider.serve.attach import serve_provider
from alchemesh_platform.sdk.wiring import Wiring
from tests.clouds.gcp.emulation.harness import empty

PROJECT = "acme-mesh"
PLACE = Wiring(environment="prod", domain="aviation", product="flights")


@dataclass
class Cloud:
    """One stack on one emulated cloud, with both providers attached."""

    engine: Engine
    stack: Stack
    world: World
    ports: dict[str, int]
    events: list[EngineEvent] = field(default_factory=list)

    def run(self, operation: Operation, program: Callable[[], object] | None = None) -> EngineResult:
        """Run one operation."""
        self.events = []
        with StackLock(self.stack, report=lambda _line: None):
            self.stack.prepare(self.engine)
            return run_operation(
                self.engine,
                self.stack,
                operation,
                program=program,
                providers=self.ports,
                on_event=self.events.append,
            )

    def done(self, operation: Operation, program: Callable[[], object] | None = None) -> dict[str, list[str]]:
        """Run one operation that must succeed; returns the changed resources by operation."""
        result = self.run(operation, program)
        assert result.outcome == "succeeded", said(result)
        touched: dict[str, list[str]] = {}
        for event in self.events:
            if isinstance(event, ResourcePre) and event.custom and not event.type.startswith("pulumi:"):
                touched.setdefault(event.op, []).append(event.name)
        return {op: sorted(names) for op, names in touched.items() if op != "same"}

    def refused(self, operation: Operation, program: Callable[[], object]) -> str:
        """Run one operation that must fail; returns all its messages."""
        result = self.run(operation, program)
        assert result.outcome == "failed"
        return said(result)


@contextmanager
def cloud_in(folder: Path, engine: Engine, emulators: Emulators) -> Iterator[Cloud]:
    """An empty cloud, on emulators that other tests share."""
    empty(emulators)
    world = World(Store(folder / "cloud"), emulators.address_of)
    world.configure(project=PROJECT, region="europe-west1")
    stack = Stack("aviation.flights", "prod", f"file://{folder / 'home' / 'state'}", folder / "home")
    with serve_emulated(world) as gcp, serve_provider(f"sqlite:///{folder / 'registry.db'}") as own:
        yield Cloud(engine, stack, world, {"gcp": gcp.port, "alchemesh": own.port})


def said(result: EngineResult) -> str:
    return "\n".join(diagnostic.message for diagnostic in result.errors)
