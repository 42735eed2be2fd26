"""Deploy foundations: the platform stack and the domain stacks that products depend on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from alchemesh_platform.app.events import (
    EngineReported,
    FoundationEnded,
    FoundationStarted,
    Listener,
    ignore,
    notes_to,
)
from alchemesh_platform.app.private import protect_home
from alchemesh_platform.app.programs import deploy_foundation, try_foundation
from alchemesh_platform.app.rights import check_right
from alchemesh_platform.foundations.operator import operating_foundation, own_state

if TYPE_CHECKING:
    from alchemesh_platform.access.operating import Target
    from alchemesh_platform.compose.foundation import Foundation
    from alchemesh_platform.foundations.operator import FoundationOperator
    from alchemesh_platform.foundations.outcome import FoundationOperation, FoundationOutcome
    from alchemesh_platform.identity.identity import Identity
    from alchemesh_platform.platform_file.models import Platform


@dataclass(frozen=True, slots=True)
class FoundationStack:
    """A foundation of an environment, and the backend of its state.

    Args:
        state: Address of the state backend; None for the backend of the products.
    """

    foundation: Foundation
    platform: Platform
    state: str | None = None


def platform_stack(platform: Platform, state: str | None = None) -> FoundationStack:
    """The foundation of an environment.

    Args:
        platform: The environment.
        state: Address of its state; by default a folder of this machine.
    """
    from alchemesh_platform.catalog.discover import discover
    from alchemesh_platform.compose.foundation import platform_foundation

    return FoundationStack(platform_foundation(platform, discover()), platform, state or own_state(platform))


def domain_stack(platform: Platform, name: str) -> FoundationStack:
    """The foundation of a domain that `alchemesh mesh apply` has recorded.

    Raises:
        UnknownDomain: when the mesh of the environment has no such domain.
    """
    from alchemesh_platform.catalog.discover import discover
    from alchemesh_platform.compose.foundation import domain_foundation
    from alchemesh_platform.foundations.domain import read_domain
    from alchemesh_platform.registry.store import Registry

    with Registry.open(platform.registry) as registry:
        domain, teams = read_domain(registry, platform.environment, name)
    return FoundationStack(domain_foundation(platform, discover(), name, domain.owner, teams), platform)


def preview(
    stack: FoundationStack, *, listen: Listener = ignore, cancel: threading.Event | None = None
) -> FoundationOutcome:
    """Show what `up` would change.

    Args:
        stack: The foundation.
        listen: Receives each event.
        cancel: Set it to stop cleanly.

    Raises:
        StackLocked, EngineMissing, PluginMissing, RegistryUnavailable: before the engine starts.
    """
    with _held(stack, listen, cancel) as run:
        return run("preview")


def up(
    stack: FoundationStack,
    actor: Identity,
    *,
    confirm: Callable[[FoundationOutcome], bool] | None = None,
    listen: Listener = ignore,
    cancel: threading.Event | None = None,
) -> FoundationOutcome:
    """Deploy a foundation, and record its outputs for products.

    Args:
        stack: The foundation.
        actor: The identity that acts. The audit records the operation, or its refusal.
        confirm: Receives the preview and returns whether to deploy it, under the same lock. Without it, no preview
            runs.
        listen: Receives each event.
        cancel: Set it to stop cleanly.

    Returns:
        The outcome of the deployment. It is the outcome of the preview if ``confirm`` returned False, if the preview
        failed, or if it found no changes.

    Raises:
        NotAllowed: when the actor may not deploy the foundation; before anything starts.
        StackLocked, EngineMissing, PluginMissing, RegistryUnavailable: before the engine starts.
    """
    with _held(stack, listen, cancel, actor=actor, operation="up") as run:
        if confirm is not None:
            seen = run("preview")
            if not seen.succeeded or not seen.progress.has_changes or not confirm(seen):
                return seen
        protect_home(stack.platform, listen)
        return run("up")


def refresh(
    stack: FoundationStack,
    actor: Identity,
    *,
    confirm: Callable[[], bool] | None = None,
    listen: Listener = ignore,
    cancel: threading.Event | None = None,
) -> FoundationOutcome | None:
    """Compare the recorded state with the deployed resources, and record the difference.

    Args:
        stack: The foundation.
        actor: The identity that acts. The audit records the operation, or its refusal.
        confirm: Returns whether to continue, under the stack's lock.
        listen: Receives each event.
        cancel: Set it to stop cleanly.

    Returns:
        The outcome; None if ``confirm`` returned False.

    Raises:
        NotAllowed: when the actor may not refresh the foundation; before anything starts.
    """
    with _held(stack, listen, cancel, actor=actor, operation="refresh") as run:
        return run("refresh") if confirm is None or confirm() else None


def destroy(
    stack: FoundationStack,
    actor: Identity,
    *,
    confirm: Callable[[], bool] | None = None,
    delete_protected: bool = False,
    listen: Listener = ignore,
    cancel: threading.Event | None = None,
) -> FoundationOutcome | None:
    """Delete a foundation without dependents. Protected resources are retained unless ``delete_protected`` is true.

    Args:
        stack: The foundation.
        actor: The identity that acts. The audit records the operation, or its refusal.
        confirm: Returns whether to continue, under the stack's lock. The check for dependents runs before it.
        delete_protected: Whether to delete protected resources too.
        listen: Receives each event.
        cancel: Set it to stop cleanly.

    Returns:
        The outcome; None if ``confirm`` returned False.

    Raises:
        NotAllowed: when the actor may not destroy the foundation; before anything starts.
        FoundationInUse: when products or domains depend on it.
        RefusesDeletion: when a service refuses to delete a protected resource.
    """
    with _held(stack, listen, cancel, actor=actor, operation="destroy", delete_protected=delete_protected) as run:
        run.operator.check_unused()
        return run("destroy") if confirm is None or confirm() else None


@contextmanager
def _held(
    stack: FoundationStack,
    listen: Listener,
    cancel: threading.Event | None,
    *,
    actor: Identity | None = None,
    operation: FoundationOperation = "preview",
    delete_protected: bool = False,
) -> Iterator[_Run]:
    """Lock the stack of a foundation for a run, if the actor may carry it out."""
    from alchemesh_platform.registry.unavailable import RegistryUnavailable
    from alchemesh_platform.sdk.spec import Role

    unknown: RegistryUnavailable | None = None
    if actor is not None:
        try:
            check_right(stack.platform, actor, operation, target_of(stack), delete_data=delete_protected, listen=listen)
        except RegistryUnavailable as unavailable:
            if stack.foundation.role is not Role.PLATFORM:
                raise
            unknown = unavailable
    with operating_foundation(stack.foundation, stack.platform, state=stack.state, report=notes_to(listen)) as operator:
        if unknown is not None and operator.recorded:
            raise unknown  # only a platform that never had a registry has no rights to check
        yield _Run(stack, operator, listen, cancel or threading.Event(), delete_protected, actor)


def target_of(stack: FoundationStack) -> Target:
    """A foundation as the target of an operation."""
    from alchemesh_platform.access.operating import Target
    from alchemesh_platform.sdk.spec import Role

    foundation = stack.foundation
    if foundation.role is Role.PLATFORM:
        return Target.platform(stack.platform.environment)
    return Target.domain(foundation.wiring.domain)


def record_operation(stack: FoundationStack, actor: Identity, operation: FoundationOperation, outcome: str) -> None:
    """Record an operation on a foundation in the audit, if the environment has a registry.

    Args:
        stack: The foundation.
        actor: The identity that acted.
        operation: The operation: up, refresh or destroy.
        outcome: Its outcome: succeeded, failed or cancelled.
    """
    from alchemesh_platform.registry.audit import Act, record_act
    from alchemesh_platform.registry.store import Registry
    from alchemesh_platform.registry.unavailable import RegistryMissing

    target = target_of(stack)
    with suppress(RegistryMissing), Registry.open(stack.platform.registry, create=False) as registry:
        record_act(
            registry,
            Act(
                environment=stack.platform.environment,
                operation=f"{target.kind} {operation}",
                address=target.address,
                actor=actor.subject,
                issuer=actor.issuer,
                detail={"outcome": outcome},
            ),
        )


@dataclass(frozen=True, slots=True)
class _Run:
    """Runs operations on a foundation whose stack is locked, reports their events, and records them in the audit."""

    stack: FoundationStack
    operator: FoundationOperator
    listen: Listener
    cancel: threading.Event
    delete_protected: bool
    actor: Identity | None

    def __call__(self, operation: FoundationOperation) -> FoundationOutcome:
        foundation = self.stack.foundation
        self.listen(FoundationStarted(operation, foundation))
        word = "failed"
        try:
            if operation in ("preview", "up"):
                try_foundation(foundation)
            outcome = self.operator.run(
                operation,
                partial(deploy_foundation, foundation, recorded=self.operator.recorded),
                self.cancel,
                on_event=lambda event: self.listen(EngineReported(event)),
                delete_protected=self.delete_protected and operation == "destroy",
            )
            word = outcome.outcome
        finally:
            if self.actor is not None and operation != "preview" and self.operator.recorded:
                record_operation(self.stack, self.actor, operation, word)
        self.listen(FoundationEnded(foundation, outcome))
        return outcome
