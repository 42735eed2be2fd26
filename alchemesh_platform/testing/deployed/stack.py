"""A stack of its own for one component: its state, its registry and its folder are below a temporary folder."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alchemesh_platform.engine.install.find import Engine, find_engine
from alchemesh_platform.engine.install.plugins import get_plugins
from alchemesh_platform.engine.run.events import EngineEvent, ResourceEvent, ResourceOutputs, ResourcePre
from alchemesh_platform.engine.run.operation import Operation, run_operation
from alchemesh_platform.engine.run.result import EngineResult
from alchemesh_platform.engine.stack import Stack
from alchemesh_platform.engine.state.checkout import checked_out
from alchemesh_platform.engine.state.deployed import deployed_ids, deployed_state
from alchemesh_platform.provider.serve.attach import serve_provider
from alchemesh_platform.sdk.spec import ComponentSpec
from alchemesh_platform.testing.cases import Case

ENVIRONMENT = "local"


@dataclass(slots=True)
class Ran:
    """One operation of the engine, with the steps of its resources."""

    result: EngineResult
    steps: list[ResourceEvent] = field(default_factory=list)

    @property
    def succeeded(self) -> bool:
        """Whether the operation succeeded."""
        return self.result.outcome == "succeeded"

    @property
    def reasons(self) -> str:
        """The errors of the operation, in one line."""
        found = [" ".join(each.message.split()) for each in self.result.errors]
        return "; ".join(found) or " ".join(self.result.stderr.split()) or "no reason"

    def changed(self) -> list[ResourceEvent]:
        """The steps that change a resource."""
        return [step for step in self.steps if step.custom and step.op not in ("same", "read", "refresh")]


@dataclass(frozen=True, slots=True)
class ComponentStack:
    """A stack for one component.

    Args:
        spec: The component.
        home: A folder for the engine, the state and the registry.
        engine: The engine.
    """

    spec: ComponentSpec
    home: Path
    engine: Engine

    @property
    def stack(self) -> Stack:
        """The engine's stack."""
        return Stack(f"conformance.{self.spec.name}", ENVIRONMENT, f"file://{self.home / 'state'}", self.home)

    def run(
        self,
        operation: Operation,
        program: Callable[[], object] | None = None,
        *,
        delete_data: bool = False,
        on_event: Callable[[EngineEvent], object] = lambda _event: None,
    ) -> Ran:
        """Run one operation.

        Args:
            operation: The operation.
            program: Declares the component; None for `destroy` and `refresh`.
            delete_data: Whether data that the component keeps is deleted too.
            on_event: Receives each event.
        """
        steps: list[ResourceEvent] = []

        def keep(event: EngineEvent) -> None:
            if isinstance(event, ResourceOutputs if operation == "refresh" else ResourcePre):
                steps.append(event)
            on_event(event)

        self.home.mkdir(parents=True, exist_ok=True)
        with ExitStack() as open_:
            stack = open_.enter_context(checked_out(self.stack, report=lambda _line: None))
            stack.prepare(self.engine)
            provider = open_.enter_context(
                serve_provider(
                    f"sqlite:///{self.home / 'registry.db'}",
                    delete_data=delete_data,
                    deployed=deployed_ids(deployed_state(self.engine, stack)),
                )
            )
            get_plugins(self.spec.plugins, self.engine, stack, report=lambda _line: None)
            result = run_operation(
                self.engine,
                stack,
                operation,
                program=program,
                providers={provider.package: provider.port},
                on_event=keep,
                protected="removed" if delete_data else "refused",
            )
        return Ran(result, steps)

    def resources(self) -> list[Mapping[str, Any]]:
        """The resources in the state that a provider manages."""
        found = deployed_state(self.engine, self.stack).get("resources") or ()
        return [each for each in found if each.get("custom") and not each["type"].startswith("pulumi:providers:")]

    def exists(self, resource: Mapping[str, Any]) -> bool | None:
        """Whether the object of a resource exists; None if only its own provider knows."""
        from alchemesh_platform.base.failure import Failure
        from alchemesh_platform.provider import operations
        from alchemesh_platform.provider.catalog import HANDLERS
        from alchemesh_platform.provider.handler import Context
        from alchemesh_platform.registry.store import Registry

        if resource["type"] not in HANDLERS.by_type:
            return None
        address = f"sqlite:///{self.home / 'registry.db'}"
        context = Context(
            resource["urn"], threading.Event(), lambda: Registry.open(address), lambda _severity, _message: None
        )
        try:
            handler = HANDLERS.of(resource["type"])
            found = operations.read(handler, resource.get("inputs", {}), resource.get("outputs", {}), context)
        except (Failure, ValueError):
            return None
        return found is not None


def program_of(spec: ComponentSpec, case: Case, folder: str, *, grants: bool = True) -> Callable[[], object]:
    """The Pulumi program of a case, with the values for the engine.

    Args:
        spec: The component.
        case: The case; it has ``engine``.
        folder: The folder of the case.
        grants: Whether the consumer of the case has access.
    """
    from alchemesh_platform.testing.run.declared import build, consumer_of, identity_of

    deployed = case.engine

    def declare() -> None:
        component = build(
            spec,
            case,
            folder,
            args=deployed.args if deployed is not None else None,
            settings=deployed.settings if deployed is not None else None,
            storage=deployed.storage if deployed is not None else None,
        )
        if case.admit is not None:
            component.admit(identity_of(case.admit))
        if case.grant is not None and grants:
            component.grant(consumer_of(case.grant))

    return declare


@contextmanager
def component_stack(spec: ComponentSpec, home: Path, program: Callable[[], object]) -> Iterator[ComponentStack]:
    """A stack whose resources are destroyed with their data at the end."""
    made = ComponentStack(spec, home, find_engine())
    try:
        yield made
    finally:
        if (home / "state").exists() and deployed_state(made.engine, made.stack):
            made.run("destroy", program, delete_data=True)
