"""A stack whose cloud is emulated, and the real engine run on it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alchemesh_platform.clouds.gcp.emulation.api.bigquery import BigQueryRest
from alchemesh_platform.clouds.gcp.emulation.api.storage import StorageRest
from alchemesh_platform.clouds.gcp.emulation.provider import serve_emulated
from alchemesh_platform.clouds.gcp.emulation.servers.servers import Emulators
from alchemesh_platform.clouds.gcp.emulation.store import Store
from alchemesh_platform.clouds.gcp.emulation.world import BIGQUERY, STORAGE, World
from alchemesh_platform.engine.install.find import Engine
from alchemesh_platform.engine.run.events import Diagnostic, EngineEvent, ResourceEvent, ResourcePre
from alchemesh_platform.engine.run.operation import Operation, run_operation
from alchemesh_platform.engine.run.result import EngineResult
from alchemesh_platform.engine.stack import Stack
from alchemesh_platform.engine.state.lock import StackLock

PROJECT = "acme-mesh"
Program = Callable[[], object]


@dataclass
class Bench:
    """One stack on one emulated cloud."""

    engine: Engine
    stack: Stack
    world: World
    port: int
    events: list[EngineEvent] = field(default_factory=list)

    @property
    def store(self) -> Store:
        return self.world.store

    def run(self, operation: Operation, program: Program | None = None) -> EngineResult:
        """Run one operation; ``events`` are of this run."""
        self.events = []
        with StackLock(self.stack, report=lambda _line: None):
            self.stack.prepare(self.engine)
            return run_operation(
                self.engine,
                self.stack,
                operation,
                program=program,
                providers={"gcp": self.port},
                on_event=self.events.append,
            )

    def done(self, operation: Operation, program: Program | None = None) -> dict[str, int]:
        """Run one operation that must succeed.

        Returns:
            Operation: number of resources, without the stack itself.
        """
        result = self.run(operation, program)
        assert result.outcome == "succeeded", errors_of(result)
        return {op: count for op, count in self.steps().items() if count}

    def refused(self, operation: Operation, program: Program) -> str:
        """Run one operation that must fail; returns all its messages."""
        result = self.run(operation, program)
        assert result.outcome == "failed"
        return errors_of(result)

    def steps(self) -> dict[str, int]:
        """Operation: number of the provider's resources that it began on."""
        found: dict[str, int] = {}
        for event in self.events:
            if isinstance(event, ResourcePre) and event.custom and not event.type.startswith("pulumi:"):
                found[event.op] = found.get(event.op, 0) + 1
        return found

    def step(self, name: str) -> ResourceEvent:
        """The first step on a resource."""
        return self.pre(name)[0]

    def pre(self, name: str) -> list[ResourcePre]:
        """Every step that began on a resource."""
        return [event for event in self.events if isinstance(event, ResourcePre) and event.name == name]

    def changed(self, name: str) -> dict[str, str]:
        """Property path: kind of difference of a resource."""
        return {diff.path: diff.kind for step in self.pre(name) for diff in step.diffs}

    @property
    def warnings(self) -> list[str]:
        return [event.message for event in self.events if isinstance(event, Diagnostic) and event.severity == "warning"]

    def state_of(self, name: str) -> dict[str, Any]:
        """A resource in the state."""
        assert self.stack.state_folder is not None
        document = json.loads(self.stack.state_folder.file.read_bytes())
        return next(
            dict(resource)
            for resource in document["checkpoint"]["latest"]["resources"]
            if resource["urn"].rpartition("::")[2] == name
        )


def empty(emulators: Emulators) -> None:
    """Remove the buckets and datasets of an earlier test."""
    if (emulators.folder / STORAGE).is_dir():
        storage = StorageRest(STORAGE, emulators.address_of(STORAGE))
        for bucket in storage.json("GET", f"/storage/v1/b?project={PROJECT}").get("items", ()):
            for name in list(storage.objects(bucket["name"])):
                storage.remove(bucket["name"], name)
            storage.remove_bucket(bucket["name"])
    if (emulators.folder / BIGQUERY).is_dir():
        warehouse = BigQueryRest(BIGQUERY, emulators.address_of(BIGQUERY))
        for found in warehouse.json("GET", f"/bigquery/v2/projects/{PROJECT}/datasets").get("datasets", ()):
            warehouse.remove_dataset(PROJECT, found["datasetReference"]["datasetId"], with_tables=True)


@contextmanager
def bench_on(folder: Path, engine: Engine, emulators: Emulators) -> Iterator[Bench]:
    """A fresh stack and an empty store, on emulators that other tests share."""
    empty(emulators)
    world = World(Store(folder / "cloud"), emulators.address_of)
    world.configure(project=PROJECT, region="europe-west1")
    with serve_emulated(world) as served:
        stack = Stack("test.cloud", "dev", f"file://{folder / 'home' / 'state'}", folder / "home")
        yield Bench(engine, stack, world, served.port)


def errors_of(result: EngineResult) -> str:
    return "\n".join(diagnostic.message for diagnostic in result.errors)
