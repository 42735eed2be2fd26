"""The declared resources of a product's program, without an engine, a network or credentials.

The SDK's mocks replace the engine. As in a preview, values that only a provider computes are unknown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass, replace
from threading import current_thread, main_thread
from typing import Any, cast

import pulumi
from google.protobuf.json_format import MessageToDict
from pulumi.runtime.mocks import MockMonitor

from alchemesh_platform.base.secrets import placeholder_for_missing
from alchemesh_platform.compose.foundation import Foundation
from alchemesh_platform.compose.plan import Plan
from alchemesh_platform.deployment.report.progress import Progress, SectionKind
from alchemesh_platform.engine.run.events import ResourcePre, plain
from alchemesh_stacks.data_product import DataProduct
from alchemesh_stacks.foundation import deploy_foundation

PLACEHOLDER = "not looked up"
# The SDK's function that runs a program in this process until all its declarations are known.
_run_to_its_end = cast("Callable[[Callable[[], None]], Callable[[], None]]", pulumi.runtime.test)


@dataclass(frozen=True, slots=True)
class Declared:
    """One resource that a deployment would create.

    Args:
        kind: Its part of the product: the product, an input or output port, a need, or the code.
        port: Name of the port or need; empty for the product itself.
        type: Pulumi type.
        name: Name in the program.
    """

    kind: SectionKind
    port: str
    type: str
    name: str

    def as_json(self) -> dict[str, Any]:
        """As one JSON object."""
        return {"kind": self.kind, "port": self.port, "type": self.type, "name": self.name}


def declared(plan: Plan) -> list[Declared]:
    """Every resource that the first deployment of a product would create, in the order of the manifest.

    Names and types are those of a preview. Transforms are left out, since they change properties only and the engine
    calls them.
    """
    return copy_context().run(_declared, plan)  # the SDK keeps its mocks in the context


def _declared(plan: Plan) -> list[Declared]:
    progress = Progress(plan)
    for registration in _registered(plan):
        progress.on_event(registration)
    return [
        Declared(section.kind, section.name, change.type, change.name)
        for section in progress.sections()
        for change in sorted(section.changes, key=lambda change: (change.type, change.name))
        if not change.is_group
    ]


def registered(plan: Plan) -> list[ResourcePre]:
    """Every resource that a product's program registers, component resources too, in the order of registration."""
    return copy_context().run(_registered, plan)


def registered_foundation(foundation: Foundation) -> list[ResourcePre]:
    """Every resource that the program of a shared stack registers, without the record of its outputs."""

    def program() -> None:
        deploy_foundation(foundation, recorded=False)

    return copy_context().run(_run, program, foundation.project, foundation.wiring.environment)


def _registered(plan: Plan) -> list[ResourcePre]:
    def program() -> None:
        DataProduct(replace(plan, transforms=()))

    return _run(program, plan.project, plan.environment)


def _run(program: Callable[[], None], project: str, stack: str) -> list[ResourcePre]:
    monitor = _Monitor()
    with placeholder_for_missing(PLACEHOLDER), _event_loop():
        pulumi.runtime.set_mocks(monitor.mocks, project=project, stack=stack, preview=True, monitor=monitor)
        _run_to_its_end(program)()
    return monitor.registrations


@contextmanager
def _event_loop() -> Iterator[None]:
    """An event loop for the SDK, which takes that of its thread. Only the main thread has one by itself."""
    if current_thread() is main_thread():
        yield
        return
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        yield
    finally:
        asyncio.set_event_loop(None)
        loop.close()


class _Answers(pulumi.runtime.Mocks):
    """The answer of a provider in a preview: the known inputs."""

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        return "", {name: value for name, value in args.inputs.items() if value is not None}

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[Any, Any], None]:
        return {}, None


class _Monitor(MockMonitor):
    """Stores the registered resources with their parents."""

    def __init__(self) -> None:
        super().__init__(_Answers())
        self.registrations: list[ResourcePre] = []

    def RegisterResource(self, request: Any) -> Any:
        answer = cast("Any", super()).RegisterResource(request)
        self.registrations.append(
            ResourcePre(
                urn=answer.urn,
                type=request.type,
                name=request.name,
                parent=request.parent,
                op="create",
                custom=request.custom,
                diffs=(),
                old_inputs=None,
                new_inputs=None,
                old_outputs=None,
                new_outputs=plain(MessageToDict(request.object)),
                planning=True,
            )
        )
        return answer
