"""One operation on what products stand on: lock, providers, engine. Its outputs are recorded in the same run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from alchemesh_platform.catalog.spec import Role
from alchemesh_platform.compose.foundation import Foundation
from alchemesh_platform.compose.plan import Kept
from alchemesh_platform.deployment.half_made import taking_in
from alchemesh_platform.deployment.operate import CHECK_FAILURE, notes_of
from alchemesh_platform.deployment.providers import providing
from alchemesh_platform.deployment.wording import placed, worded
from alchemesh_platform.engine.urn import name_of, type_of
from alchemesh_platform.platform_file.models import Platform
from alchemesh_platform.problems import Problem
from alchemesh_platform.secrets import values_behind

if TYPE_CHECKING:
    from alchemesh_platform.engine.discover import Engine
    from alchemesh_platform.engine.events import EngineEvent
    from alchemesh_platform.engine.result import EngineResult
    from alchemesh_platform.engine.stack import Stack

FoundationOperation = Literal["preview", "up"]
# What the engine says of a resource that is a group, or that does not change.
_SILENT = ("same", "read", "refresh")
_NOT_RECORDED = (
    "the registry cannot be reached yet, so products do not find the outputs of this stack; once it can, "
    "`alchemesh platform up` records them"
)


@dataclass(frozen=True, slots=True)
class FoundationChange:
    """What happens to one resource: the engine's word for it, its Pulumi type and its name."""

    operation: str
    type: str
    name: str


@dataclass(frozen=True, slots=True)
class FoundationOutcome:
    """An operation on a foundation, over.

    ``problems`` are the failures, at the line of the platform file that names the component. ``outputs`` are the
    stack's, as products find them, after an `up` that went well.
    """

    outcome: Literal["succeeded", "failed", "cancelled"]
    changes: tuple[FoundationChange, ...]
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    outputs: Mapping[str, Any] | None = None

    @property
    def succeeded(self) -> bool:
        """Whether all of it was done."""
        return self.outcome == "succeeded"


@dataclass(frozen=True, slots=True)
class FoundationOperator:
    """Everything an operation needs, held ready: a preview, then what it showed.

    Args:
        recorded: Whether the registry is there to keep the outputs: a platform may only be about to make its database.
    """

    foundation: Foundation
    platform: Platform
    engine: Engine
    stack: Stack
    providers: Mapping[str, int]
    recorded: bool = True

    def run(
        self, operation: FoundationOperation, program: Callable[[Sequence[Kept]], object], cancel: threading.Event
    ) -> FoundationOutcome:
        """Run the engine. What was changed or removed by hand is looked for first: a foundation is small.

        Args:
            program: Declares the foundation, with what is to be imported.
        """
        from alchemesh_platform.engine.events import ResourcePre
        from alchemesh_platform.engine.run import run_operation
        from alchemesh_platform.engine.state import standing_deployment

        changes: dict[str, FoundationChange] = {}

        def once(
            found: Sequence[Kept] = (), watch: Callable[[EngineEvent], None] = lambda _event: None
        ) -> EngineResult:
            def take(event: EngineEvent) -> None:
                watch(event)
                if not isinstance(event, ResourcePre) or not event.custom or event.op in _SILENT:
                    return
                if not event.type.startswith("pulumi:"):
                    changes[event.urn] = FoundationChange(event.op, event.type, event.name)

            return run_operation(
                self.engine,
                self.stack,
                operation,
                program=partial(program, found),
                providers=self.providers,
                on_event=take,
                refresh=True,
                cancel=cancel,
            )

        if operation == "up":
            result = taking_in(self.engine, self.stack, standing_deployment(self.engine, self.stack), once)
        else:
            result = once()
        notes = notes_of(result) if self.recorded else (*notes_of(result), _NOT_RECORDED)
        done = result.outcome == "succeeded" and operation == "up"
        return FoundationOutcome(
            result.outcome,
            tuple(changes.values()),
            _problems(result, self.foundation, self.platform),
            notes,
            result.outputs if done else None,
        )


@contextmanager
def founding(
    foundation: Foundation, platform: Platform, *, state: str | None = None, tell: Callable[[str], None]
) -> Iterator[FoundationOperator]:
    """Take the lock of a foundation's stack, serve the provider and find the engine.

    Args:
        state: Where the foundation's own state is kept; by default where products' is.

    Raises:
        StackLocked, EngineMissing, EngineTooOld, PluginMissing: as for a product.
        RegistryUnavailable: when the registry cannot be opened; for a platform, which may make it, that is no failure.
    """
    from alchemesh_platform.engine.checkout import checked_out
    from alchemesh_platform.engine.discover import find_engine
    from alchemesh_platform.engine.stack import Stack

    engine = find_engine(progress=tell)
    stack = Stack(
        project=foundation.project,
        name=platform.environment,
        backend=state or platform.state,
        home=Path(platform.home, platform.environment),
        secrets_provider=platform.secrets,
    )
    with (
        checked_out(stack, tell=tell) as held,
        providing(engine, held, platform, {*foundation.spec.plugins}, tell=tell) as providers,
    ):
        recorded = _can_record(foundation, platform) or _stands(engine, held)
        yield FoundationOperator(foundation, platform, engine, held, providers, recorded)


def own_state(platform: Platform) -> str:
    """Where a platform keeps the state of its own foundation: on this machine, for what it makes is the bucket."""
    return f"file://{Path(platform.home, platform.environment, 'foundation').absolute()}"


def _can_record(foundation: Foundation, platform: Platform) -> bool:
    """Whether the registry is there.

    Raises:
        RegistryUnavailable: when it is not, and this is not what makes it.
    """
    from alchemesh_platform.registry.store import Registry
    from alchemesh_platform.registry.unavailable import RegistryUnavailable

    try:
        with Registry.open(platform.registry):
            return True
    except RegistryUnavailable:
        if foundation.role is not Role.PLATFORM:
            raise
        return False


def _stands(engine: Engine, stack: Stack) -> bool:
    """Whether the outputs were recorded before: a record that is left out now would be removed."""
    from alchemesh_platform.engine.state import standing_urns
    from alchemesh_platform.resources.mesh import Foundation as Record

    return any(type_of(urn) == Record.pulumi_type for urn in standing_urns(engine, stack))


def _problems(result: EngineResult, foundation: Foundation, platform: Platform) -> tuple[Problem, ...]:
    """The failures of a run at the line of the platform file that names the component, in words and with no secret."""
    problems: dict[Problem, None] = {}
    secrets = values_behind([platform.settings]) if result.errors else set()
    for told in result.errors:
        refused = CHECK_FAILURE.match(told.message)
        name = refused["name"] if refused else name_of(told.urn) if told.urn else ""
        said = worded(refused["reason"] if refused else told.message, secrets)
        words = f"{foundation.spec.name}, {name}: {said.message}" if name else f"{foundation.spec.name}: {said.message}"
        hint = placed(said.hint, platform.tree)
        problems[Problem(foundation.location, foundation.path, words.strip(), hint)] = None
    return tuple(problems)
