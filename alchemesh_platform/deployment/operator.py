"""Run one operation on one product: lock, provider, engine, record."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.problems import Problem, did_you_mean
from alchemesh_platform.base.remedy import HINT_MARK, command, joined, remedy, split_hint
from alchemesh_platform.base.secrets import values_behind
from alchemesh_platform.compose.plan import Kept, Plan
from alchemesh_platform.deployment.losses import (
    allow_loss_hint,
    allowed_components,
    deployed_components,
    deployed_port,
    see_removal,
)
from alchemesh_platform.deployment.objects.losses import Losses
from alchemesh_platform.deployment.objects.owners import is_imported
from alchemesh_platform.deployment.preload import importing_ahead
from alchemesh_platform.deployment.providers import providing
from alchemesh_platform.deployment.recovery.interrupted import importing_interrupted
from alchemesh_platform.deployment.recovery.kept_data import forget_missing, kept_of, record_holdings, with_fix
from alchemesh_platform.deployment.report.errors import explained, with_setting_places
from alchemesh_platform.deployment.report.outcome import OperationName, Outcome
from alchemesh_platform.deployment.report.progress import DATA_PRODUCT, Progress
from alchemesh_platform.engine.urn import name_of
from alchemesh_platform.identity.identity import Identity
from alchemesh_platform.platform_file.models import Platform
from alchemesh_platform.provider.loss import Loss, Permission, split_loss, withdraw
from alchemesh_platform.sdk.system.drift import split_drift

if TYPE_CHECKING:
    from alchemesh_platform.engine.install.find import Engine
    from alchemesh_platform.engine.run.events import EngineEvent
    from alchemesh_platform.engine.run.result import EngineOutcome, EngineResult
    from alchemesh_platform.engine.stack import Stack
    from alchemesh_platform.registry.store import Registry

# From this number of planned components, the provider gets its own process. In this process it would share the
# interpreter with the program that declares the resources (docs/benchmarks.md has the figures).
OWN_PROCESS_COMPONENTS = 60
LOCKING: tuple[Literal["up"], Literal["refresh"], Literal["destroy"]] = ("up", "refresh", "destroy")
DECLARING = ("preview", "up")  # operations that run the program
PLUGIN_FOUND = "using pulumi-resource-"  # the engine reports every plugin on PATH, even ours, which is attached
# The engine's message, without a URN, when a provider refuses a resource's properties.
# Source: pulumi pkg/resource/deploy/step_generator.go (issueCheckErrors), sdk/go/common/diag/errors.go
CHECK_FAILURE = re.compile(
    r"^(?P<type>\S+) resource '(?P<name>[^']+)'(?:: property (?P<path>\S+) value \{.*?\} has a problem|"
    r" has a problem): (?P<reason>.*)",
    re.DOTALL,
)


class UnknownTarget(Failure):
    """Raised when a run is limited to a port that the product does not have."""

    exit_code = ExitCode.USAGE


class NoActor(Failure):
    """Raised when a run that changes something has no actor."""

    def __init__(self, operation: str) -> None:
        super().__init__(f"`{operation}` needs an actor: history and audit record the identity that acts")


@dataclass(frozen=True, slots=True)
class Operator:
    """A locked product stack with everything that an operation needs. Several operations can run one after the other.

    Args:
        actor: The identity that runs the operations; None for previews only.
    """

    platform: Platform
    engine: Engine
    stack: Stack
    registry: Registry
    providers: Mapping[str, int]
    actor: Identity | None

    def run(
        self,
        plan: Plan,
        operation: OperationName,
        program: Callable[[Plan], object],
        progress: Progress,
        *,
        on_event: Callable[[EngineEvent], None],
        targets: Sequence[str] = (),
        target_globs: Sequence[str] = (),
        parallel: int | None = None,
        cancel: threading.Event | None = None,
        allow_loss: Collection[str] = (),
        lost: Mapping[str, Loss] | None = None,
        preview_only: bool = False,
    ) -> Outcome:
        """Run the engine, and record the run in the history unless it was a preview.

        The engine runs once. If a killed run left unfinished creations, an `up` may run it again to import them.

        Args:
            plan: The product to deploy.
            operation: The operation.
            program: Declares the resources of a plan, inside the engine's run.
            progress: Receives the events before ``on_event``.
            targets: Names of ports and needs; none for all.
            target_globs: Additional URNs, with wildcards, that the run is limited to.
            cancel: Set it to stop the run cleanly.
            allow_loss: Names of the ports whose data the run may delete. A preview deletes nothing, and shows all.
            lost: The data that the run may delete with objects in a cloud, by the URN of their resource.
            preview_only: Whether a refresh only compares, and records nothing.

        Raises:
            NoActor: when a run that changes something has no actor.
        """
        from alchemesh_platform.engine.run.operation import run_operation
        from alchemesh_platform.registry.audit import Act, record_act

        actor = self.actor
        if actor is None and operation != "preview" and not preview_only:
            raise NoActor(operation)
        before: Mapping[str, Any] = self.deployed_state() if operation != "refresh" else {}
        if operation in ("up", "destroy"):
            record_holdings(self.registry, plan, before)
        losses = Losses(self.platform, before, None if operation == "preview" else dict(lost or {}))
        product = plan.product
        Permission(
            allowed_components(plan, before, allow_loss),
            everything=operation == "preview",
            removals=operation == "destroy",
        ).write(self.stack.work_folder)

        def once(
            found: Sequence[Kept] = (), watch: Callable[[EngineEvent], None] = lambda _event: None
        ) -> EngineResult:
            def take(event: EngineEvent) -> None:
                watch(event)
                progress.on_event(event)
                if operation == "preview":
                    see_removal(event, progress, self.registry)
                losses.see(event, progress)
                on_event(event)

            planned = replace(plan, kept=(*plan.kept, *found))
            folder = self.stack.work_folder
            begin = partial(program, planned)
            ahead = importing_ahead(planned, folder, begin) if operation in DECLARING else nullcontext(begin)
            with ahead as declare:
                return run_operation(
                    self.engine,
                    self.stack,
                    operation,
                    program=declare,
                    providers=self.providers,
                    on_event=take,
                    targets=[*(urn for name in targets for urn in target_urns(plan, name)), *target_globs],
                    parallel=parallel,
                    preview_only=preview_only,
                    cancel=cancel,
                )

        entry = None
        if actor is not None and operation != "preview" and not preview_only:
            self.registry.end_killed(plan.environment, product.address, LOCKING, everywhere=True)
            entry = self.registry.start_deployment(
                environment=plan.environment,
                product=product.address,
                operation=operation,
                actor=actor.subject,
                version=product.version,
            )
        started = time.monotonic()
        outcome: EngineOutcome = "failed"
        problems: tuple[Problem, ...] = ()
        places: dict[str, tuple[Problem, ...]] = {}
        try:
            if operation == "up":
                result, found = importing_interrupted(
                    self.engine, self.stack, before, once, lambda kept: is_imported(self.platform, plan, kept)
                )
                plan = replace(plan, kept=(*plan.kept, *found))
            else:
                result = once()
            outcome = result.outcome
            gone = forget_missing(self.registry, plan, result)
            failures = [
                Failed(one.section, with_fix(one.problem, gone))
                for one in failures_of(result, progress, plan, self.platform, deployed_components(before))
            ]
            problems = tuple(one.problem for one in failures)
            places = by_section(failures)
        finally:
            if entry is not None and actor is not None:
                self.registry.finish_deployment(
                    entry.id,
                    outcome=outcome,
                    changes=progress.counts(records=False),
                    problem=problems[0].message if problems else None,
                )
                record_act(
                    self.registry,
                    Act(
                        environment=plan.environment,
                        product=product.address,
                        operation=operation,
                        address=product.address,
                        actor=actor.subject,
                        issuer=actor.issuer,
                        detail={"deployment": entry.id, "outcome": outcome, "version": product.version},
                    ),
                )
        return Outcome(
            product.address,
            plan.environment,
            operation,
            result.outcome,
            time.monotonic() - started,
            progress,
            problems,
            (*notes_of(result), *losses.notes, *(self.kept_notes(plan) if operation == "destroy" else ())),
            emulated=plan.emulated,
            places=places,
            targets=tuple(targets),
            preview_only=preview_only,
        )

    def deployed_state(self) -> Mapping[str, Any]:
        """The state of the product's stack."""
        from alchemesh_platform.engine.state.deployed import deployed_state

        return deployed_state(self.engine, self.stack)

    def kept_notes(self, plan: Plan) -> list[str]:
        """Notes on the retained resources of the product; the last note gives the command that deletes them."""
        kept = kept_of(self.registry, plan, self.deployed_state())
        notes = [
            remedy("{} is kept, with its data; the next {} imports it again", one.id, command("up", about_product=True))
            for one in kept
        ]
        return (
            [*notes, remedy("{} deletes kept data", command("data", "delete", plan.product.address))] if notes else []
        )


@contextmanager
def operating(
    plan: Plan,
    platform: Platform,
    *,
    report: Callable[[str], None],
    actor: Identity | None,
    delete_data: bool = False,
) -> Iterator[Operator]:
    """Take the stack's lock, open the registry, serve the provider and find the engine.

    Args:
        report: Receives a line for each slow step, and for each finding and repair.
        actor: The identity that runs the operations; None for previews only.
        delete_data: Whether data is deleted with its resource, even if the resource retains it.

    Raises:
        StackLocked: when another process holds the lock; names the holder.
        EngineMissing, EngineTooOld: when no engine can be installed, with the fixes.
        PluginMissing: when a component's plugin cannot be installed, with the fixes.
        RegistryUnavailable: when the registry cannot be opened.
    """
    from alchemesh_platform.deployment.emulation import check_servers
    from alchemesh_platform.engine.install.find import find_engine
    from alchemesh_platform.engine.state.checkout import checked_out
    from alchemesh_platform.registry.store import Registry

    if platform.emulated:
        groups = {group for planned in plan.components() for group in type(planned.settings).model_fields}
        check_servers(platform, groups)
    engine = find_engine(progress=report)
    with (
        checked_out(stack_of(plan.project, platform), report=report) as stack,
        Registry.open(platform.registry) as registry,
    ):
        plugins = {name for planned in plan.components() for name in planned.spec.plugins}
        own_process = sum(1 for _ in plan.components()) >= OWN_PROCESS_COMPONENTS
        with providing(
            engine,
            stack,
            platform,
            plugins,
            report=report,
            own_process=own_process,
            delete_data=delete_data,
            actor=actor,
        ) as providers:
            try:
                yield Operator(platform, engine, stack, registry, providers, actor)
            finally:
                withdraw(stack.work_folder)


def stack_of(project: str, platform: Platform) -> Stack:
    """The Pulumi stack of a product in an environment.

    Args:
        project: The product's project: ``domain.product``.
        platform: The environment.
    """
    from alchemesh_platform.engine.stack import Stack

    return Stack(
        project=project,
        name=platform.environment,
        backend=platform.state,
        home=Path(platform.home, platform.environment),
        secrets_provider=platform.secrets,
    )


def target_urns(plan: Plan, name: str) -> list[str]:
    """The URNs, with wildcards, of everything in one port or need, and of the product that contains it.

    ``**`` matches the types of all parents.
    """
    anything = f"urn:pulumi:{plan.environment}::{plan.project}::**"
    return [f"{anything}{DATA_PRODUCT}::{plan.product.name}", f"{anything}::{name}", f"{anything}::{name}-*"]


def check_targets(plan: Plan, targets: Sequence[str], state: Mapping[str, Any] | None = None) -> None:
    """Refuse a target that is no port or need of the product.

    Args:
        state: The state of the product's stack, whose removed ports are targets too; by default, they are none.

    Raises:
        UnknownTarget: when the product has none of that name; suggests the closest name.
    """
    deployed = deployed_components(state or {}).values()
    known = list(dict.fromkeys([*(planned.port for planned in plan.components()), *deployed]))
    for target in targets:
        if target not in known:
            raise UnknownTarget(f"no port or need {target!r}", hint=did_you_mean(target, known))


@dataclass(frozen=True, slots=True)
class Failed:
    """A failure of a run, with the name of its section: a port, a need, the code; empty for the product."""

    section: str
    problem: Problem


def failures_of(
    result: EngineResult,
    progress: Progress,
    plan: Plan,
    platform: Platform,
    deployed: Mapping[str, str] = MappingProxyType({}),
) -> list[Failed]:
    """The failures of a run in file order, each with the line of its component, explained and without secrets.

    Args:
        deployed: The port of each component that was deployed before the run.
    """
    failures: dict[Failed, None] = {}
    secrets = secrets_of(plan, platform) if result.errors else set()
    for reported in result.errors:
        sentence, name = reported.message, None
        if refused := CHECK_FAILURE.match(sentence):
            name, sentence = refused["name"], refused["reason"]
        section = progress.section_of_failure(reported.urn, name)
        planned = progress.planned_of_failure(reported.urn, name)
        sentence, loss = split_loss(sentence)
        if loss is not None:  # the engine names no parent of a resource that it could not delete
            section = section or deployed_port(name or name_of(reported.urn), deployed)
        explanation = explained(sentence, secrets, about=progress.called(reported.urn))
        location = planned.location if planned else plan.location
        path = planned.path if planned else ""
        words = f"{planned.port}, {planned.spec.name}: {explanation.message}" if planned else explanation.message
        if planned is None and loss is not None:
            words = f"{section}, {words}"
        hint = with_setting_places(explanation.hint, platform.tree) if loss is None else allow_loss_hint([section])
        problem = Problem(location, path, words.strip(), hint)
        failures[Failed(section, problem)] = None
    return sorted(failures, key=lambda failed: failed.problem.location)


def by_section(failures: Iterable[Failed]) -> dict[str, tuple[Problem, ...]]:
    """The problems of each section."""
    found: dict[str, tuple[Problem, ...]] = {}
    for failed in failures:
        found[failed.section] = (*found.get(failed.section, ()), failed.problem)
    return found


def secrets_of(plan: Plan, platform: Platform) -> set[str]:
    """Values of the secrets that a product and its environment refer to, if this machine has them."""
    args = [planned.args.model_dump() for planned in plan.components()]
    return values_behind([platform.settings, args])


def notes_of(result: EngineResult) -> tuple[str, ...]:
    """Messages of the engine, providers and program that are not failures, without duplicates."""
    messages = (
        joined(HINT_MARK, filter(None, split_hint(split_drift(split_loss(diagnostic.message)[0])[0])))
        for diagnostic in result.diagnostics
        if diagnostic.severity in ("info", "warning") and not diagnostic.message.startswith(PLUGIN_FOUND)
    )
    return tuple(dict.fromkeys((*result.notes, *messages)))
