"""Deploy one data product: preview, up, refresh, destroy. This module records the run, its audit and its history."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from alchemesh_platform.app.events import EngineReported, Listener, RunEnded, RunStarted, Warned, ignore, notes_to
from alchemesh_platform.app.inbox import notify
from alchemesh_platform.app.private import protect_home
from alchemesh_platform.app.programs import deploy_product, try_program
from alchemesh_platform.app.rights import check_recorded_right, check_right, record_take_over
from alchemesh_platform.base.problems import in_file_order
from alchemesh_platform.deployment.checks.promises import Override, record_override
from alchemesh_platform.deployment.checks.verdict import before_engine
from alchemesh_platform.deployment.grants.inputs import grant_inputs, grant_inputs_afterwards
from alchemesh_platform.deployment.grants.remaining import access_notes
from alchemesh_platform.deployment.grants.resources import known_requests
from alchemesh_platform.deployment.losses import RemovedData, refused_removals, removed_data
from alchemesh_platform.deployment.objects.losses import Losses, LostObject, refused_losses
from alchemesh_platform.deployment.objects.owners import foreign_objects, with_owners, without_foreign
from alchemesh_platform.deployment.operator import check_targets, operating
from alchemesh_platform.deployment.outcome import Outcome, merged
from alchemesh_platform.deployment.places import in_recorded_places
from alchemesh_platform.deployment.progress import Progress
from alchemesh_platform.deployment.recovery.kept_data import with_kept
from alchemesh_platform.registry.records import ProductRecord

if TYPE_CHECKING:
    from alchemesh_platform.access.operating import Right, Target
    from alchemesh_platform.app.where import Composed
    from alchemesh_platform.deployment.checks.verdict import Verdict
    from alchemesh_platform.deployment.operator import Operator
    from alchemesh_platform.deployment.outcome import OperationName
    from alchemesh_platform.identity.identity import Identity
    from alchemesh_platform.provider.loss import Loss

Confirm = Callable[["Outcome"], bool]


def preview(
    product: Composed,
    *,
    targets: tuple[str, ...] = (),
    parallel: int | None = None,
    strict: bool = False,
    listen: Listener = ignore,
    cancel: threading.Event | None = None,
) -> Outcome:
    """Show what `up` would change. A preview changes nothing and needs no actor.

    Args:
        product: The product, composed for an environment.
        targets: Ports and needs to limit the run to; all by default.
        parallel: Maximum number of parallel steps; the engine's own choice by default.
        strict: Whether a change that must wait for consumers is refused, as `up` does.
        listen: Receives each event.
        cancel: Set it to stop cleanly.

    Returns:
        The changes. ``forbidden`` contains the problems that `up` will refuse.

    Raises:
        UnknownTarget, StackLocked, EngineMissing, PluginMissing, RegistryUnavailable: before the engine starts.
        ProblemsFound, Forbidden: when the mesh or a policy refuses the product.
    """
    with _held(product, None, "preview", targets=targets, parallel=parallel, listen=listen, cancel=cancel) as run:
        return run.engine("preview", run.judge("preview", strict=strict))


def up(
    product: Composed,
    actor: Identity,
    *,
    confirm: Confirm | None = None,
    targets: tuple[str, ...] = (),
    parallel: int | None = None,
    override_notice: str | None = None,
    take_over: str | None = None,
    allow_data_loss: tuple[str, ...] = (),
    listen: Listener = ignore,
    cancel: threading.Event | None = None,
) -> Outcome:
    """Deploy a product: its resources, its records, its grants, and its access to its inputs.

    Args:
        product: The product, composed for an environment.
        actor: The identity that deploys; the history and the audit record it.
        confirm: Receives the preview and returns whether to deploy it. Preview and deployment run under one lock.
            Without it, no preview runs. An agreement includes the data that the preview shows as lost.
        targets: Ports and needs to limit the run to; all by default.
        parallel: Maximum number of parallel steps; the engine's own choice by default.
        override_notice: The reason for a change before the end of its notice period. The audit records it for each
            port.
        take_over: The reason to operate a product of another team of the domain. The audit records it.
        allow_data_loss: Names of the ports whose data the deployment may delete. Without ``confirm``, a change that
            deletes other data fails, and names the port.
        listen: Receives each event.
        cancel: Set it to stop cleanly.

    Returns:
        The outcome of the deployment. It is the outcome of the preview if ``confirm`` returned False, if the preview
        failed, or if it found no changes. It is a failure, and nothing was changed, if ports are removed with data
        that ``allow_data_loss`` does not name.

    Raises:
        NotAllowed: when the actor may not deploy the product; before anything starts.
        UnknownTarget, StackLocked, EngineMissing, PluginMissing, RegistryUnavailable: before the engine starts.
        ProblemsFound, Forbidden, FoundationMissing, ForbiddenByContract, AccessMissing, NotAllowed: when a check
            refuses the product. The checks run again after ``confirm``.
        GrantNotDeployed: when another product could not grant access; nothing of this product was changed.
    """
    override = Override(override_notice, actor) if override_notice is not None else None
    with _held(
        product,
        actor,
        "up",
        take_over=take_over,
        targets=targets,
        parallel=parallel,
        override=override,
        listen=listen,
        cancel=cancel,
    ) as run:
        if allow_data_loss:  # a removed port is in the state only
            check_targets(product.plan, allow_data_loss, run.operator.deployed_state())
        verdict = run.judge("up")
        if confirm is not None:
            seen = run.engine("preview", verdict)
            if not seen.succeeded or not (seen.progress.has_changes or verdict.notes) or not confirm(seen):
                return seen
            # The prompt may stay open for long. Access may be revoked or a notice withdrawn in that time.
            verdict = run.judge("up", before=verdict)
            allow_data_loss = (*allow_data_loss, *seen.losing)
        state = run.operator.deployed_state()
        losses = Losses(product.platform, state)
        lost = losses.lost_by(verdict.plan, targets)
        refused = [one for one in lost if one.port not in allow_data_loss]
        removed = [one.removed for one in refused if one.component is None]
        if not targets:
            removed += removed_data(verdict.plan, state, allow_data_loss, run.operator.registry)
        if refused or removed:
            return run.refuse(verdict, removed, refused, losses.notes)
        known = {one.urn: one.loss for one in lost} | losses.replaceable(allow_data_loss)
        run.record_take_over("up")
        run.end_credentials()
        run.grant_inputs(verdict)
        run.record_override(verdict)
        done = run.engine("up", verdict, allow_loss=allow_data_loss, lost=known)
        if done.succeeded:
            run.record_value(verdict)
            run.grant_inputs_afterwards(verdict)
        return done


def refresh(
    product: Composed,
    actor: Identity,
    *,
    parallel: int | None = None,
    take_over: str | None = None,
    listen: Listener = ignore,
    cancel: threading.Event | None = None,
) -> Outcome:
    """Compare the recorded state with the deployed resources, and record the difference; changes no resource.

    Args:
        product: The product, composed for an environment.
        actor: The identity that acts; the history and the audit record it.
        parallel: Maximum number of parallel steps; the engine's own choice by default.
        take_over: The reason to operate a product of another team of the domain. The audit records it.
        listen: Receives each event.
        cancel: Set it to stop cleanly.

    Raises:
        NotAllowed: when the actor may not operate the product; before anything starts.
        StackLocked, EngineMissing, PluginMissing, RegistryUnavailable: before the engine starts.
    """
    with _held(product, actor, "refresh", take_over=take_over, parallel=parallel, listen=listen, cancel=cancel) as run:
        verdict = run.judge("refresh")
        run.record_take_over("refresh")
        return run.engine("refresh", verdict)


def destroy(
    product: Composed,
    actor: Identity,
    *,
    delete_data: bool = False,
    parallel: int | None = None,
    override_notice: str | None = None,
    take_over: str | None = None,
    listen: Listener = ignore,
    cancel: threading.Event | None = None,
) -> Outcome:
    """Delete a product. Its data is retained unless ``delete_data`` is true.

    Args:
        product: The product, composed for an environment.
        actor: The identity that acts; the history and the audit record it.
        delete_data: Whether to delete the data on this machine and in Kafka too.
        parallel: Maximum number of parallel steps; the engine's own choice by default.
        override_notice: The reason to delete the product before the end of its consumers' notice period. The audit
            records it.
        take_over: The reason to operate a product of another team of the domain. The audit records it.
        listen: Receives each event.
        cancel: Set it to stop cleanly.

    Raises:
        StackLocked, EngineMissing, PluginMissing, RegistryUnavailable: before the engine starts.
        ForbiddenByContract: when consumers hold grants and have received no notice.
        NotAllowed: when the actor may not destroy the product, before anything starts; or lacks the right to override a
            notice.
    """
    override = Override(override_notice, actor) if override_notice is not None else None
    with _held(
        product,
        actor,
        "destroy",
        take_over=take_over,
        delete_data=delete_data,
        parallel=parallel,
        override=override,
        listen=listen,
        cancel=cancel,
    ) as run:
        verdict = run.judge("destroy")
        run.record_take_over("destroy")
        run.record_override(verdict)
        done = run.engine("destroy", verdict)
        if done.succeeded:
            run.forget_value(verdict)
        return done


@contextmanager
def _held(
    product: Composed,
    actor: Identity | None,
    operation: OperationName,
    *,
    listen: Listener,
    cancel: threading.Event | None,
    parallel: int | None,
    targets: tuple[str, ...] = (),
    delete_data: bool = False,
    override: Override | None = None,
    take_over: str | None = None,
) -> Iterator[_Run]:
    """Lock the product's stack for a run, if the actor may carry it out."""
    from alchemesh_platform.mesh_repo.last_seen import remember_mesh

    check_targets(product.plan, targets)
    if actor is not None:
        check_right(
            product.platform,
            actor,
            operation,
            target_of(product),
            take_over=take_over,
            delete_data=delete_data,
            listen=listen,
        )
    report = notes_to(listen)
    if actor is not None:  # a preview changes nothing
        protect_home(product.platform, listen)
    with operating(product.plan, product.platform, report=report, delete_data=delete_data, actor=actor) as operator:
        remember_mesh(product.platform, operator.registry)
        product = replace(product, plan=in_recorded_places(operator.registry, product.platform, product.plan))
        yield _Run(
            product,
            operator,
            actor,
            listen,
            cancel or threading.Event(),
            targets,
            parallel,
            override,
            take_over,
            delete_data,
        )
    if actor is not None:
        notify(product.platform, listen)


def target_of(product: Composed) -> Target:
    """A product as the target of an operation, with the team and the owner that its manifest declares."""
    from alchemesh_platform.access.operating import Target

    declared = product.manifest.product
    return Target.product(declared.address, declared.team, declared.owner)


@dataclass(frozen=True, slots=True)
class _Run:
    """The steps of a run on a locked stack."""

    product: Composed
    operator: Operator
    actor: Identity | None
    listen: Listener
    cancel: threading.Event
    targets: tuple[str, ...]
    parallel: int | None
    override: Override | None
    take_over: str | None = None
    delete_data: bool = False

    def judge(self, operation: OperationName, *, before: Verdict | None = None, strict: bool = False) -> Verdict:
        """Check the run, and report each warning once.

        Args:
            before: The verdict of an earlier check in the same run.
            strict: Whether a preview refuses a change that must wait for consumers.

        Returns:
            The verdict. Its plan imports the data that earlier runs retained.
        """
        registry, composed, now = self.operator.registry, self.product, self.operator.registry.now()
        self.right(operation)
        if operation in ("preview", "up") and before is None:
            try_program(composed.plan)
        verdict = before_engine(
            registry,
            composed.manifest,
            composed.plan,
            operation,
            now,
            targets=self.targets,
            override=self.override,
            strict=strict,
        )
        reported = before.warnings if before is not None else ()
        for problem in verdict.warnings:
            if problem not in reported:
                self.listen(Warned(problem))
        state = self.operator.deployed_state()
        verdict = replace(verdict, plan=with_kept(registry, verdict.plan, state))
        if operation not in ("preview", "up"):
            return verdict
        foreign = foreign_objects(composed.platform, verdict.plan, state, self.targets)
        return replace(verdict, plan=without_foreign(verdict.plan, foreign), foreign=foreign)

    def right(self, operation: OperationName) -> Right | None:
        """The right of the actor, checked under the stack's lock; None for a preview, which needs no actor."""
        if self.actor is None:
            return None
        return check_recorded_right(
            self.operator.registry,
            self.product.platform.environment,
            self.actor,
            operation,
            target_of(self.product),
            take_over=self.take_over,
            delete_data=self.delete_data,
        )

    def record_take_over(self, operation: OperationName) -> None:
        """Record in the audit that the actor takes the product over, if only that gives the right."""
        right = self.right(operation) if self.take_over is not None else None
        if right is not None and self.actor is not None:
            environment = self.product.platform.environment
            target = target_of(self.product)
            record_take_over(self.operator.registry, environment, self.actor, right, target, self.take_over)

    def engine(
        self,
        operation: OperationName,
        verdict: Verdict,
        *,
        allow_loss: Collection[str] = (),
        lost: Mapping[str, Loss] | None = None,
    ) -> Outcome:
        """Run the engine, and report its events.

        Args:
            allow_loss: Names of the ports whose data the run may delete.
            lost: The data that the run may delete with objects in a cloud, by the URN of their resource.
        """
        plan = verdict.plan
        requests = known_requests(self.operator.registry, plan.environment, plan.product.address)
        progress = Progress(plan, verdict.steps, requests)
        is_recorded = self.operator.registry.get(ProductRecord, plan.environment, plan.product.address) is not None
        self.listen(RunStarted(operation, verdict.plan, progress))
        outcome = self.operator.run(
            verdict.plan,
            operation,
            deploy_product,
            progress,
            on_event=lambda event: self.listen(EngineReported(event)),
            targets=self.targets,
            parallel=self.parallel,
            cancel=self.cancel,
            allow_loss=allow_loss,
            lost=lost,
        )
        notes = (*outcome.notes, *(verdict.notes if operation == "preview" else ()))
        if operation == "preview" and self.actor is None and not is_recorded:  # `up` needs no record to compare with
            notes += (f"nothing recorded to compare with: {plan.environment} has no record of {plan.product.address}",)
        if operation == "destroy":
            notes += access_notes(self.operator.registry, plan.environment, plan.product.address)
        outcome = with_owners(outcome, verdict.foreign)
        outcome = replace(
            outcome,
            forbidden=verdict.problems,
            waiting=verdict.waiting,
            warnings=verdict.warnings,
            notes=notes,
            places=merged(verdict.places, outcome.places),
            is_recorded=is_recorded,
        )
        self.listen(RunEnded(outcome))
        return outcome

    def refuse(
        self, verdict: Verdict, removed: Iterable[RemovedData], lost: Iterable[LostObject], notes: Iterable[str]
    ) -> Outcome:
        """The outcome of a deployment that would delete data without permission. It starts no engine.

        Args:
            removed: The data of removed ports.
            lost: Objects in a cloud with data; those of removed ports are in ``removed`` too.
            notes: Facts for the user.
        """
        plan, progress = verdict.plan, Progress(verdict.plan, verdict.steps)
        places = merged(refused_removals(plan, removed, progress), refused_losses(lost, progress))
        outcome = Outcome(
            plan.product.address,
            plan.environment,
            "up",
            "failed",
            0.0,
            progress,
            tuple(in_file_order(problem for problems in places.values() for problem in problems)),
            tuple(notes),
            waiting=verdict.waiting,
            warnings=verdict.warnings,
            emulated=plan.emulated,
            places=merged(verdict.places, places),
            targets=self.targets,
        )
        self.listen(RunStarted("up", plan, progress))
        self.listen(RunEnded(outcome))
        return outcome

    def record_override(self, verdict: Verdict) -> None:
        """Record in the audit each port whose change overrides its notice period."""
        if self.override is not None:
            record_override(self.operator.registry, verdict.plan, verdict.steps, self.override, datetime.now(UTC))

    def end_credentials(self) -> None:
        """End the credentials of members who left their team since the last deployment, and of access that is over."""
        from alchemesh_platform.app.credentials import end_credentials

        if self.actor is not None:
            address, environment = self.product.plan.product.address, self.product.platform.environment
            end_credentials(self.operator.registry, environment, self.actor, address, listen=self.listen)

    def grant_inputs(self, verdict: Verdict) -> None:
        """Request access where a rule approves automatically, and deploy the approved grants at the products read."""
        if self.actor is not None:
            grant_inputs(
                self.operator.registry,
                self.product.platform,
                verdict.plan,
                verdict.inputs,
                self.actor,
                deploy=deploy_product,
                report=notes_to(self.listen),
                cancel=self.cancel,
            )

    def grant_inputs_afterwards(self, verdict: Verdict) -> None:
        """Deploy the approved grants that needed the identity which this run has created."""
        if self.actor is not None and any(port.from_product for port in verdict.plan.inputs):
            grant_inputs_afterwards(
                self.operator.registry,
                self.product.platform,
                verdict.plan,
                self.actor,
                deploy=deploy_product,
                report=notes_to(self.listen),
                cancel=self.cancel,
            )

    def record_value(self, verdict: Verdict) -> None:
        """Record the product's value score."""
        from alchemesh_platform.deployment.checks.governance import record_value

        record_value(self.operator.registry, self.product.manifest, verdict.plan)

    def forget_value(self, verdict: Verdict) -> None:
        """Delete the product's value score."""
        from alchemesh_platform.deployment.checks.governance import forget_value

        forget_value(self.operator.registry, verdict.plan)
