"""Run one operation on a foundation: lock, providers, engine. The same run records its outputs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alchemesh_platform.base.problems import Problem
from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.base.secrets import values_behind
from alchemesh_platform.compose.foundation import Foundation
from alchemesh_platform.compose.plan import Kept
from alchemesh_platform.deployment.operator import CHECK_FAILURE, DECLARING, notes_of
from alchemesh_platform.deployment.providers import providing
from alchemesh_platform.deployment.recovery.interrupted import importing_interrupted
from alchemesh_platform.deployment.report.errors import explained, with_setting_places
from alchemesh_platform.deployment.report.progress import FOUNDATION, Progress
from alchemesh_platform.engine.urn import name_of, type_of
from alchemesh_platform.foundations.dependents import check_deletable, check_unused
from alchemesh_platform.foundations.outcome import FoundationOperation, FoundationOutcome, StepsOnly
from alchemesh_platform.platform_file.models import Platform
from alchemesh_platform.sdk.spec import Role

if TYPE_CHECKING:
    from alchemesh_platform.engine.install.find import Engine
    from alchemesh_platform.engine.run.events import EngineEvent
    from alchemesh_platform.engine.run.result import EngineResult
    from alchemesh_platform.engine.stack import Stack


@dataclass(frozen=True, slots=True)
class FoundationOperator:
    """A locked foundation stack with everything that an operation needs: first a preview, then the change it showed.

    Args:
        no_registry: Why the registry cannot keep the outputs; None if it can. The platform's own deployment may create
            the registry's database.
    """

    foundation: Foundation
    platform: Platform
    engine: Engine
    stack: Stack
    providers: Mapping[str, int]
    no_registry: str | None = None

    @property
    def recorded(self) -> bool:
        """Whether the outputs are recorded."""
        return self.no_registry is None

    def check_unused(self) -> None:
        """Refuse to remove a foundation that others depend on.

        Raises:
            FoundationInUse: when it has dependents; names them.
            RegistryUnavailable: when the registry cannot be opened, so the dependents are unknown.
        """
        from alchemesh_platform.registry.store import Registry

        if self.recorded:  # otherwise no registry ever existed, and so no product either
            with Registry.open(self.platform.registry) as registry:
                check_unused(registry, self.foundation, self.platform)

    def run(
        self,
        operation: FoundationOperation,
        program: Callable[[Sequence[Kept]], object],
        cancel: threading.Event,
        *,
        on_event: Callable[[EngineEvent], None] = lambda _event: None,
        delete_protected: bool = False,
    ) -> FoundationOutcome:
        """Run the engine. It first refreshes the state to find manual changes, since a foundation is small.

        Args:
            program: Declares the foundation, with the resources to import.
            on_event: Receives each event of the engine.
            delete_protected: Whether `destroy` deletes protected resources too.

        Raises:
            FoundationInUse, RegistryUnavailable: for a `destroy`, as in ``check_unused``.
            RefusesDeletion: when protected resources are to be deleted and their service refuses.
        """
        from alchemesh_platform.engine.run.operation import run_operation
        from alchemesh_platform.engine.state.deployed import deployed_state

        if operation == "destroy":
            self.check_unused()
        if delete_protected:
            check_deletable(deployed_state(self.engine, self.stack), self.foundation)
        started = time.monotonic()
        progress, is_step = Progress(), StepsOnly(operation)

        def once(
            found: Sequence[Kept] = (), watch: Callable[[EngineEvent], None] = lambda _event: None
        ) -> EngineResult:
            def take(event: EngineEvent) -> None:
                watch(event)
                on_event(event)
                if is_step(event):
                    progress.on_event(event)

            return run_operation(
                self.engine,
                self.stack,
                operation,
                program=partial(program, found),
                providers=self.providers,
                on_event=take,
                refresh=True,
                protected="removed" if delete_protected else "kept",
                cancel=cancel,
            )

        if operation == "up":
            before = deployed_state(self.engine, self.stack)
            result, _found = importing_interrupted(self.engine, self.stack, before, once)
        else:
            result = once()
        notes = notes_of(result)
        if self.no_registry is not None and operation in DECLARING:
            notes = (*notes, _not_recorded(self.no_registry, self.platform))
        done = result.outcome == "succeeded" and operation == "up"
        places = _problems(result, self.foundation, self.platform)
        return FoundationOutcome(
            self.foundation.title,
            self.platform.environment,
            operation,
            result.outcome,
            time.monotonic() - started,
            progress,
            tuple(dict.fromkeys(problem for problems in places.values() for problem in problems)),
            notes,
            emulated=self.platform.emulated,
            places=places,
            stack=self.foundation.project,
            outputs=result.outputs if done else None,
            kept=_protected(deployed_state(self.engine, self.stack)) if operation == "destroy" else (),
            is_kept_by_registry=self.recorded,
        )


@contextmanager
def operating_foundation(
    foundation: Foundation, platform: Platform, *, state: str | None = None, report: Callable[[str], None]
) -> Iterator[FoundationOperator]:
    """Take the lock of a foundation's stack, serve the provider and find the engine.

    Args:
        state: Backend of the foundation's own state; by default the backend of the products.

    Raises:
        StackLocked, EngineMissing, EngineTooOld, PluginMissing: as for a product.
        RegistryUnavailable: when the registry cannot be opened. A platform may create it, so there it is no failure.
    """
    from alchemesh_platform.engine.install.find import find_engine
    from alchemesh_platform.engine.stack import Stack
    from alchemesh_platform.engine.state.checkout import checked_out

    engine = find_engine(progress=report)
    stack = Stack(
        project=foundation.project,
        name=platform.environment,
        backend=state or platform.state,
        home=Path(platform.home, platform.environment),
        secrets_provider=platform.secrets,
    )
    with (
        checked_out(stack, report=report) as held,
        providing(engine, held, platform, {*foundation.spec.plugins}, report=report) as providers,
    ):
        no_registry = _no_registry(foundation, platform)
        if no_registry is not None and _is_deployed(engine, held):
            no_registry = None  # the engine would delete a record that this run leaves out
        yield FoundationOperator(foundation, platform, engine, held, providers, no_registry)


def own_state(platform: Platform) -> str:
    """The backend of a platform's own state: this machine, since the platform creates the state bucket."""
    return f"file://{Path(platform.home, platform.environment, 'foundation').absolute()}"


def _no_registry(foundation: Foundation, platform: Platform) -> str | None:
    """Why the registry does not exist yet; None if it exists.

    Raises:
        RegistryUnavailable: when it cannot be opened, and this foundation does not create it.
    """
    from alchemesh_platform.registry.store import Registry
    from alchemesh_platform.registry.unavailable import RegistryUnavailable

    try:
        with Registry.open(platform.registry):
            return None
    except RegistryUnavailable as unavailable:
        if foundation.role is not Role.PLATFORM:
            raise
        return unavailable.message


def _not_recorded(why: str, platform: Platform) -> str:
    return remedy(
        "{}. The outputs of this stack are not recorded, so products cannot read them: once the registry "
        "is reachable, {} records them",
        why,
        command("platform", "up", environment=platform.environment, emulated=platform.emulated),
    )


def _is_deployed(engine: Engine, stack: Stack) -> bool:
    """Whether an earlier run recorded the outputs."""
    from alchemesh_platform.engine.state.deployed import deployed_urns

    return any(type_of(urn) == FOUNDATION for urn in deployed_urns(engine, stack))


def _protected(deployment: Mapping[str, Any]) -> tuple[Kept, ...]:
    """The deployed protected resources."""
    protected = [resource for resource in deployment.get("resources") or () if resource.get("protect")]
    return tuple(Kept(one["type"], name_of(one["urn"]), one["id"]) for one in protected if one.get("custom"))


def _problems(result: EngineResult, foundation: Foundation, platform: Platform) -> dict[str, tuple[Problem, ...]]:
    """The failures of a run by resource, without secrets. Each has the line that names the component."""
    found: dict[str, tuple[Problem, ...]] = {}
    secrets = values_behind([platform.settings]) if result.errors else set()
    for reported in result.errors:
        refused = CHECK_FAILURE.match(reported.message)
        name = refused["name"] if refused else name_of(reported.urn) if reported.urn else ""
        explanation = explained(refused["reason"] if refused else reported.message, secrets)
        words = (
            f"{foundation.spec.name}, {name}: {explanation.message}"
            if name
            else f"{foundation.spec.name}: {explanation.message}"
        )
        hint = with_setting_places(explanation.hint, platform.tree)
        problem = Problem(foundation.location, foundation.path, words.strip(), hint)
        if problem not in found.get(name, ()):
            found[name] = (*found.get(name, ()), problem)
    return found
