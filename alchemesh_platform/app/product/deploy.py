"""Deploy one data product: preview, up, refresh, destroy. This module records the run, its audit and its history."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from alchemesh_platform.app.events import EngineReported, Listener, RunEnded, RunStarted, Warned, ignore, notes_to
from alchemesh_platform.app.mesh.inbox import notify
from alchemesh_platform.app.mesh.incidents import end_unpromised
from alchemesh_platform.app.private import protect_home
from alchemesh_platform.app.programs import deploy_product, try_program
from alchemesh_platform.app.rights import check_recorded_right, check_right, record_take_over
from alchemesh_platform.app.usage.meter import meter_after, meter_before
from alchemesh_platform.base.problems import in_file_order
from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.deployment.checks.components import component_changes, component_problems, recorded_after
from alchemesh_platform.deployment.checks.consequences import consequences_of
from alchemesh_platform.deployment.checks.promises import Override, record_override
from alchemesh_platform.deployment.checks.verdict import before_engine
from alchemesh_platform.deployment.grants.inputs import grant_inputs, grant_inputs_afterwards
from alchemesh_platform.deployment.grants.remaining import access_notes
from alchemesh_platform.deployment.grants.resources import known_requests
from alchemesh_platform.deployment.losses import RemovedData, refused_removals, removed_data
from alchemesh_platform.deployment.objects.losses import Losses, LostObject, refused_losses
from alchemesh_platform.deployment.objects.owners import foreign_objects, with_owners, without_foreign
from alchemesh_platform.deployment.operator import check_targets, operating, secrets_of
from alchemesh_platform.deployment.places import in_recorded_places
from alchemesh_platform.deployment.recovery.kept_data import with_kept
from alchemesh_platform.deployment.report.drift import Drifted, differences_of, with_authors
from alchemesh_platform.deployment.report.outcome import Outcome, merged
from alchemesh_platform.deployment.report.progress import Progress
from alchemesh_platform.documents.yaml_source import shown
from alchemesh_platform.manifest.lock import lock_path, read_lock, write_lock
from alchemesh_platform.registry.records import PortRecord, ProductRecord

if TYPE_CHECKING:
    from alchemesh_platform.access.operating import Right, Target
    from alchemesh_platform.app.where import Composed
    from alchemesh_platform.compose.plan import Plan
    from alchemesh_platform.deployment.checks.verdict import Verdict
    from alchemesh_platform.deployment.operator import Operator
    from alchemesh_platform.deployment.report.outcome import OperationName
    from alchemesh_platform.identity.identity import Identity
    from alchemesh_platform.provider.loss import Loss
    from alchemesh_platform.sdk.system.usage import UsageSource

DEPLOYED_BY: tuple[Literal["up"], Literal["destroy"]] = ("up", "destroy")  # operations that change resources

Confirm = Callable[["Outcome"], bool]


def preview(
    product: Composed,
    *,
    targets: tuple[str, ...] = (),
    parallel: int | None = None,
    strict: bool = False,
    upgrading: bool = False,
    listen: Listener = ignore,
    cancel: threading.Event | None = None,
) -> Outcome:
    """Show what `up` would change. A preview changes nothing and needs no actor.

    Args:
        product: The product, composed for an environment.
        targets: Ports and needs to limit the run to; all by default.
        parallel: Maximum number of parallel steps; the engine's own choice by default.
        strict: Whether a change that must wait for consumers is refused, as `up` does.
        upgrading: Whether components may differ from those that the lock records.
        listen: Receives each event.
        cancel: Set it to stop cleanly.

    Returns:
        The changes. ``forbidden`` contains the problems that `up` will refuse.

    Raises:
        UnknownTarget, StackLocked, EngineMissing, PluginMissing, RegistryUnavailable: before the engine starts.
        ProblemsFound, Forbidden: when the mesh or a policy refuses the product.
    """
    with _held(product, None, "preview", targets=targets, parallel=parallel, listen=listen, cancel=cancel) as run:
        return run.engine("preview", run.judge("preview", strict=strict, upgrading=upgrading))


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
            if seen.succeeded and not (seen.progress.has_changes or verdict.notes):
                run.record_components(verdict)
                run.keep_processes()
                return seen
            if not seen.succeeded or not confirm(seen):
                return seen
            # The prompt may stay open for long. Access may be revoked or a notice withdrawn in that time.
            verdict = run.judge("up", before=verdict)
            allow_data_loss = (*allow_data_loss, *seen.losing)
        if verdict.problems:
            return run.refuse_components(verdict)
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
        run.record_components(verdict)
        run.end_credentials()
        run.grant_inputs(verdict)
        run.record_override(verdict)
        done = run.engine("up", verdict, allow_loss=allow_data_loss, lost=known)
        if done.succeeded:
            run.record_value(verdict)
            run.grant_inputs_afterwards(verdict)
            run.keep_processes()
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


def find_drift(
    product: Composed,
    *,
    parallel: int | None = None,
    listen: Listener = ignore,
    cancel: threading.Event | None = None,
) -> Outcome:
    """Compare the recorded state with the deployed resources. This changes and records nothing, and needs no actor.

    Args:
        product: The product, composed for an environment.
        parallel: Maximum number of parallel steps; the engine's own choice by default.
        listen: Receives each event.
        cancel: Set it to stop cleanly.

    Returns:
        The outcome, with each change by hand in ``drift``.

    Raises:
        StackLocked, EngineMissing, PluginMissing, RegistryUnavailable: before the engine starts.
    """
    with _held(product, None, "refresh", parallel=parallel, listen=listen, cancel=cancel) as run:
        return run.engine("refresh", run.judge("refresh"), preview_only=True)


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
    """Delete a product. Its data is retained unless ``delete_data`` is true. Runs of its code are cancelled.

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
        run.end_runs(actor)
        done = run.engine("destroy", verdict)
        if done.succeeded:
            run.forget_value(verdict)
            run.keep_processes()
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
        plan = in_recorded_places(operator.registry, product.platform, product.plan)
        ports = {port for port in plan.upcoming if operator.registry.get(PortRecord, plan.environment, port) is None}
        product = replace(product, plan=replace(plan, upcoming=frozenset(ports)))
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
        end_unpromised(product.platform, product.manifest.product.address)
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

    def judge(
        self,
        operation: OperationName,
        *,
        before: Verdict | None = None,
        strict: bool = False,
        upgrading: bool = False,
    ) -> Verdict:
        """Check the run, and report each warning once.

        Args:
            before: The verdict of an earlier check in the same run.
            strict: Whether a preview refuses a change that must wait for consumers.
            upgrading: Whether components may differ from those that the lock records.

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
        if not upgrading:
            verdict = self._with_components(verdict)
        foreign = foreign_objects(composed.platform, verdict.plan, state, self.targets)
        return replace(verdict, plan=without_foreign(verdict.plan, foreign), foreign=foreign)

    def _with_components(self, verdict: Verdict) -> Verdict:
        """The verdict with the components that differ from those that the lock records.

        Raises:
            ProblemsFound: when the lock cannot be read.
        """
        if self.product.platform.emulated:  # it deploys nothing that lasts
            return verdict
        lock = read_lock(lock_path(self.product.manifest.path))
        changes = component_changes(lock, verdict.plan)
        places = component_problems(lock, verdict.plan.environment, changes)
        found = {port: tuple(problems) for port, problems in places.items()}
        problems = in_file_order([*verdict.problems, *(problem for each in found.values() for problem in each)])
        return replace(verdict, problems=tuple(problems), places=merged(verdict.places, found))

    def record_components(self, verdict: Verdict) -> None:
        """Record in the lock the components that are deployed. A lock that cannot be written is a note."""
        path = lock_path(self.product.manifest.path)
        if self.product.platform.emulated or not self.product.manifest.path.is_file():
            return
        lock, environment = read_lock(path), verdict.plan.environment
        try:
            write_lock(path, environment, recorded_after(lock, verdict.plan, targets=self.targets))
        except OSError as error:
            notes_to(self.listen)(
                remedy(
                    "{} cannot be written: {}; {} in a writable folder records the components",
                    shown(path),
                    str(error.strerror),
                    command("components", "upgrade", about_product=True),
                )
            )

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

    def end_runs(self, actor: Identity) -> None:
        """Cancel the runs of the product's code before its ports are removed."""
        from alchemesh_platform.app.runs.removal import end_runs

        plan = self.product.plan
        end_runs(self.product.platform, self.operator.registry, plan.product.address, actor, notes_to(self.listen))

    def keep_processes(self) -> None:
        """Start or end the processes of the environment on this machine: its watch and its clock."""
        self.keep_watch()
        self.keep_clock()

    def keep_watch(self) -> None:
        """Start or end the watch of the environment. A failure is a note: the deployment is done."""
        from alchemesh_platform.app.probing.supervised import keep_watch
        from alchemesh_platform.base.failure import Failure
        from alchemesh_platform.registry.records import ProductRecord

        registry, platform, say = self.operator.registry, self.product.platform, notes_to(self.listen)
        deployed = bool(registry.all(ProductRecord, platform.environment)) if platform.observations.watch else False
        try:
            changed = keep_watch(platform, deployed=deployed)
        except Failure as failure:
            say(f"the watch of {platform.environment} is not as the platform file says: {failure.message}")
            return
        if changed is not None:
            say(f"the watch of {platform.environment} {changed}")

    def keep_clock(self) -> None:
        """Start or end the clock of the environment. A failure is a note: the deployment is done."""
        from alchemesh_platform.app.clock.supervised import folder_of, keep_clock
        from alchemesh_platform.base.failure import Failure

        platform, say = self.product.platform, notes_to(self.listen)
        code = self.product.plan.code
        wanted = code is not None and any(getattr(code.args, name, None) for name in ("schedule", "on"))
        if not (wanted or folder_of(platform).is_dir()):
            return
        try:
            kept = keep_clock(platform, self.operator.registry)
        except Failure as failure:
            say(f"the clock of {platform.environment} does not run: {failure.message}")
            return
        if kept.change is not None:
            say(f"the clock of {platform.environment} {kept.change}")
        for name in kept.missing.get(self.product.plan.product.address, ()):
            say(remedy(f"the clock has no value of {name}, so runs will fail: set it, then {{}}", command("resume")))

    def _meter(self, operation: OperationName, plan: Plan) -> Sequence[tuple[str, UsageSource]]:
        """Meter the product before the run removes an output port; returns what is read once more after it."""
        registry, environment, product = self.operator.registry, plan.environment, plan.product.address
        kept = {plan.address(output.name) for output in plan.outputs} if operation == "up" else set()
        ports = registry.all(PortRecord, environment, product) if operation in DEPLOYED_BY else ()
        removed = {port.address for port in ports if port.direction == "output"} - kept
        if not removed:
            return ()
        platform = self.product.platform
        return meter_before(registry, environment, product, notes_to(self.listen), removed, platform=platform)

    def engine(
        self,
        operation: OperationName,
        verdict: Verdict,
        *,
        allow_loss: Collection[str] = (),
        lost: Mapping[str, Loss] | None = None,
        preview_only: bool = False,
    ) -> Outcome:
        """Run the engine, and report its events.

        Args:
            allow_loss: Names of the ports whose data the run may delete.
            lost: The data that the run may delete with objects in a cloud, by the URN of their resource.
            preview_only: Whether a refresh only compares, and records nothing.
        """
        plan = verdict.plan
        requests = known_requests(self.operator.registry, plan.environment, plan.product.address)
        progress = Progress(plan, verdict.steps, requests)
        is_recorded = self.operator.registry.get(ProductRecord, plan.environment, plan.product.address) is not None
        self.listen(RunStarted(operation, verdict.plan, progress))
        metered = self._meter(operation, plan)
        try:
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
                preview_only=preview_only,
            )
        finally:
            meter_after(self.operator.registry, plan.environment, metered, notes_to(self.listen))
        notes = (*outcome.notes, *(verdict.notes if operation == "preview" else ()))
        for port in sorted(plan.upcoming):
            notes += (
                f"{port} is not deployed yet: the changes of its product are previewed too, and its connection "
                "and the access to it are known only after their deployment",
            )
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
            differences=self.differences(plan, progress) if operation in ("preview", "refresh") else (),
        )
        if operation == "preview":
            outcome = replace(outcome, consequences=consequences_of(self.operator.registry, plan, verdict, outcome))
        self.listen(RunEnded(outcome))
        return outcome

    def differences(self, plan: Plan, progress: Progress) -> tuple[Drifted, ...]:
        """The resources that differ from their records, each with the author of the change where the cloud knows it."""
        registry, environment, address = self.operator.registry, plan.environment, plan.product.address
        last = next(iter(registry.deployments(address, environment, operations=DEPLOYED_BY, limit=1)), None)
        since = (last.finished_at or last.started_at) if last is not None else None
        found = differences_of(progress, secrets_of(plan, self.product.platform))
        return tuple(with_authors(found, self.product.platform, since))

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

    def refuse_components(self, verdict: Verdict) -> Outcome:
        """The outcome of a deployment with components that differ from the recorded ones. It starts no engine."""
        plan, progress = verdict.plan, Progress(verdict.plan, verdict.steps)
        outcome = Outcome(
            plan.product.address,
            plan.environment,
            "up",
            "cancelled",
            0.0,
            progress,
            forbidden=verdict.problems,
            warnings=verdict.warnings,
            places=verdict.places,
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
        from alchemesh_platform.app.mesh.credentials import end_credentials

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
