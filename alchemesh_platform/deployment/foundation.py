"""One operation on what products stand on: lock, providers, engine. Nothing of it is recorded but in its stack."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from alchemesh_platform.compose.foundation import Foundation
from alchemesh_platform.deployment.operate import PROVIDER, notes_of
from alchemesh_platform.deployment.wording import worded
from alchemesh_platform.platform_file.models import Platform

if TYPE_CHECKING:
    from alchemesh_platform.engine.discover import Engine
    from alchemesh_platform.engine.events import EngineEvent
    from alchemesh_platform.engine.result import EngineResult
    from alchemesh_platform.engine.stack import Stack

FoundationOperation = Literal["preview", "up"]
# What the engine says of a resource that is a group, or that does not change.
_SILENT = ("same", "read", "refresh")


@dataclass(frozen=True, slots=True)
class FoundationChange:
    """What happens to one resource: the engine's word for it, its Pulumi type and its name."""

    operation: str
    type: str
    name: str


@dataclass(frozen=True, slots=True)
class FoundationOutcome:
    """An operation on a foundation, over. ``errors`` are what the engine and providers said, in words."""

    outcome: Literal["succeeded", "failed", "cancelled"]
    changes: tuple[FoundationChange, ...]
    errors: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def succeeded(self) -> bool:
        """Whether all of it was done."""
        return self.outcome == "succeeded"


@dataclass(frozen=True, slots=True)
class FoundationOperator:
    """Everything an operation needs, held ready: a preview, then what it showed."""

    engine: Engine
    stack: Stack
    providers: Mapping[str, int]

    def run(
        self, operation: FoundationOperation, program: Callable[[], object], cancel: threading.Event
    ) -> FoundationOutcome:
        """Run the engine once."""
        from alchemesh_platform.engine.events import ResourcePre
        from alchemesh_platform.engine.run import run_operation

        changes: list[FoundationChange] = []

        def take(event: EngineEvent) -> None:
            if not isinstance(event, ResourcePre) or not event.custom or event.op in _SILENT:
                return
            if not event.type.startswith("pulumi:"):
                changes.append(FoundationChange(event.op, event.type, event.name))

        result = run_operation(
            self.engine,
            self.stack,
            operation,
            program=program,
            providers=self.providers,
            on_event=take,
            cancel=cancel,
        )
        return FoundationOutcome(result.outcome, tuple(changes), _errors(result), notes_of(result))


@contextmanager
def founding(
    foundation: Foundation, platform: Platform, *, state: str | None = None, tell: Callable[[str], None]
) -> Iterator[FoundationOperator]:
    """Take the lock of a foundation's stack, serve the provider and find the engine.

    Args:
        state: Where the foundation's own state is kept; by default where products' is.

    Raises:
        StackLocked, EngineMissing, EngineTooOld, PluginMissing: as for a product.
    """
    from alchemesh_platform.emulation.environment import emulated_providers
    from alchemesh_platform.engine.checkout import checked_out
    from alchemesh_platform.engine.discover import find_engine
    from alchemesh_platform.engine.plugins import get_plugins, plugins_in_state
    from alchemesh_platform.engine.stack import Stack
    from alchemesh_platform.provider.attach import serve_provider

    engine = find_engine(progress=tell)
    stack = Stack(
        project=foundation.project,
        name=platform.environment,
        backend=state or platform.state,
        home=Path(platform.home, platform.environment),
        secrets_provider=platform.secrets,
    )
    with checked_out(stack, tell=tell) as held:
        held.prepare(engine)
        needed = {*foundation.spec.plugins} | plugins_in_state(held)
        with emulated_providers(platform, tell) as stand_ins, serve_provider(platform.registry) as provider:
            providers = {PROVIDER: provider.port, **stand_ins}
            get_plugins(needed - providers.keys(), engine, held, tell=tell)
            yield FoundationOperator(engine, held, providers)


def own_state(platform: Platform) -> str:
    """Where a platform keeps the state of its own foundation: on this machine, for what it makes is the bucket."""
    return f"file://{Path(platform.home, platform.environment, 'foundation').absolute()}"


def _errors(result: EngineResult) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(worded(diagnostic.message)) for diagnostic in result.errors))
