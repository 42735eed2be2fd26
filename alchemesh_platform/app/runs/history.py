"""The history of runs, whatever engine ran them: list and show runs, read their output, cancel them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.remedy import command, remedy

if TYPE_CHECKING:
    from alchemesh_platform.app.runs.engines import EngineOf
    from alchemesh_platform.identity.identity import Identity
    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.registry.records import Deployment
    from alchemesh_platform.registry.store import Registry

Outcome = Literal["running", "succeeded", "failed", "cancelled"]
SHORTEST_ID = 4
SHOWN_ID = 8  # characters of an id that a table shows
_LOOK_SECONDS = 0.5
_EARLIER = timedelta(days=7)  # how far back an engine is asked for its runs the first time


class UnknownRun(Failure):
    """Raised when no run, or more than one, has an id that begins so."""

    exit_code = ExitCode.USAGE


class RunEnded(Failure):
    """Raised when a run that is to be cancelled has ended."""


class NotCancelled(Failure):
    """Raised when a run still runs some time after it was to be cancelled."""


class OutputElsewhere(Failure):
    """Raised when the output of a run is on another machine until the run ends."""


class NoEngine(Failure):
    """Raised when the log of an engine is requested for a run that no engine started."""

    exit_code = ExitCode.USAGE


@dataclass(frozen=True, slots=True)
class Runs:
    """Runs, newest first.

    Args:
        runs: The runs, without their output.
        product: The product that was asked for; None for all.
    """

    runs: tuple[Deployment, ...]
    product: str | None

    def as_json(self) -> dict[str, Any]:
        """The runs as one JSON object."""
        return {"product": self.product, "runs": [run_as_json(run) for run in self.runs]}


def run_as_json(run: Deployment, *, output: bool = False) -> dict[str, Any]:
    """A run as one JSON object.

    Args:
        output: Whether to include its output.
    """
    return run.model_dump(mode="json", exclude=set() if output else {"output"})


def list_runs(
    platform: Platform,
    product: str | None = None,
    *,
    outcome: Outcome | None = None,
    since: datetime | None = None,
    limit: int = 20,
    note: Callable[[str], None] = lambda _line: None,
) -> Runs:
    """The runs of an environment or of one product.

    Engines that start the code themselves are asked for runs that are not in the history yet.

    Args:
        platform: The environment.
        product: ``domain/product``; None for all products.
        outcome: Only runs with this outcome.
        since: Only runs that started at this time or later.
        limit: Largest number of runs.
        note: Receives a line for each engine that does not answer.
    """
    from alchemesh_platform.registry.store import Registry
    from alchemesh_platform.registry.unavailable import RegistryMissing

    try:
        with Registry.open(platform.registry, create=False) as registry:
            collect_runs(platform, registry, product, note)
            # A run that is recorded as running may have been killed: its outcome is known only after it is read.
            recorded = None if outcome is None else {outcome, "running"}
            found: list[Deployment] = []
            wanted = limit
            while True:
                runs = registry.deployments(
                    product,
                    platform.environment,
                    operations=("run",),
                    since=since,
                    outcomes=recorded,
                    limit=wanted,
                )
                found = [run for run in runs if outcome in (None, run.outcome)]
                if len(found) >= limit or len(runs) < wanted:
                    return Runs(tuple(found[:limit]), product)
                wanted *= 2
    except RegistryMissing:
        return Runs((), product)


def find_run(platform: Platform, run: str) -> Deployment:
    """The run whose id begins with a text.

    Raises:
        UnknownRun: when there is none, or more than one.
    """
    from alchemesh_platform.registry.store import Registry

    with Registry.open(platform.registry) as registry:
        return _found(registry, platform.environment, run)


def event_log_of(platform: Platform, run: Deployment) -> str | None:
    """The place of the event log of a run; None if its engine keeps none, or if it is no longer on this machine."""
    from alchemesh_platform.registry.records import ProductRecord
    from alchemesh_platform.registry.store import Registry

    with Registry.open(platform.registry) as registry:
        record = registry.get(ProductRecord, run.environment, run.product)
    folder = None if record is None or record.code is None else record.code["connection"].get("event_log")
    if folder is None:
        return None
    place = f"{folder}/{run.id}"
    return place if "://" in place or Path(place).is_dir() else None


def _found(registry: Registry, environment: str, run: str) -> Deployment:
    see = remedy("{} shows the ids", command("runs", "list"))
    if len(run) < SHORTEST_ID:
        raise UnknownRun(f"found {run!r}, expected at least {SHORTEST_ID} characters of the id of a run", hint=see)
    runs = registry.deployments(environment=environment, operations=("run",), id_begins=run, limit=2)
    if not runs:
        raise UnknownRun(f"environment {environment!r} has no run {run}", hint=see)
    if len(runs) > 1:
        raise UnknownRun(f"several runs have an id that begins with {run}", hint="give more characters of the id")
    return runs[0]


def output_of(platform: Platform, run: str, *, follow: bool = False) -> Iterator[str]:
    """The lines of a run's output, with secrets masked.

    A running run has its output on its machine. The history has the end of the output of an ended one.

    Args:
        platform: The environment.
        run: The beginning of its id.
        follow: Whether to continue until the run ends.

    Raises:
        UnknownRun: when there is no such run.
        OutputElsewhere: when it runs on another machine.
    """
    from alchemesh_platform.deployment.code.output import followed, left_over, output_file
    from alchemesh_platform.registry.processes import is_elsewhere, machine_of
    from alchemesh_platform.registry.store import Registry

    with Registry.open(platform.registry) as registry:
        found = _found(registry, platform.environment, run)
        if found.outcome != "running":
            kept = found.output
            if kept is None and not is_elsewhere(found.process):  # it was killed, and nothing has recorded its end yet
                kept = left_over(Path(platform.home), platform.environment, found.id)
            yield from (kept or "").splitlines()
            return
        if is_elsewhere(found.process):
            raise OutputElsewhere(
                f"run {found.id[:SHOWN_ID]} still runs, and its output is on {machine_of(found.process)} until it ends",
                hint=remedy("run {} there", command("runs", "logs", found.id[:SHOWN_ID])),
            )
        file = output_file(Path(platform.home), platform.environment, found.id)
        shown = False
        for line in followed(file, _ending(registry, found.id) if follow else lambda: True):
            shown = True
            yield line
        if not shown:  # it ended before its file was opened
            now = registry.deployment(found.id)
            yield from ((now.output if now is not None else None) or "").splitlines()


def _ending(registry: Registry, run: str) -> Callable[[], bool]:
    """A function that says whether a run has ended. It reads the registry at intervals."""
    read, over = 0.0, False

    def ended() -> bool:
        nonlocal read, over
        if not over and time.monotonic() - read >= _LOOK_SECONDS:
            found = registry.deployment(run)
            over, read = found is None or found.outcome != "running", time.monotonic()
        return over

    return ended


def engine_log(platform: Platform, run: str) -> str:
    """The engine's own log of a run.

    Raises:
        UnknownRun: when there is no such run.
        NoEngine: when no engine that the product still has started it.
    """
    from alchemesh_platform.app.runs.engines import variables_of
    from alchemesh_platform.registry.store import Registry

    with Registry.open(platform.registry) as registry:
        found = _found(registry, platform.environment, run)
        engine = _engine(registry, found)
    if engine is None or found.engine_run is None:
        raise NoEngine(
            f"no engine of {found.product} has a log of run {found.id[:SHOWN_ID]}",
            hint="leave --engine out: the history has the output of the code",
        )
    return engine.engine.log(engine.job, found.engine_run, environ=variables_of(platform))


def cancel(
    platform: Platform,
    run: str,
    actor: Identity,
    *,
    take_over: str | None = None,
    patience: timedelta = timedelta(minutes=1),
) -> Deployment:
    """Cancel a running run, on any machine and under any engine, and wait for its end.

    The process that runs the code reads the request from the registry. The engine is asked too, since it may not have
    started that process.

    Args:
        platform: The environment.
        run: The beginning of its id.
        actor: The identity that cancels it.
        take_over: The reason to cancel a run of another team of the domain.
        patience: How long to wait for its end.

    Returns:
        The ended run.

    Raises:
        NotAllowed: when the actor may not run the product.
        UnknownRun, RunEnded: when there is nothing to cancel.
        NotCancelled: when it still runs.
        Failure: when it still runs, and its engine does not answer or refuses.
    """
    from alchemesh_platform.access.operating import Target
    from alchemesh_platform.app.rights import check_recorded_right, record_take_over
    from alchemesh_platform.app.runs.engines import variables_of
    from alchemesh_platform.registry.store import Registry

    environment = platform.environment
    with Registry.open(platform.registry) as registry:
        found = _found(registry, environment, run)
        target = Target.product(found.product)
        right = check_recorded_right(registry, environment, actor, "run", target, take_over=take_over)
        if found.outcome != "running":
            raise RunEnded(f"run {found.id[:SHOWN_ID]} of {found.product} has ended: {found.outcome}")
        record_take_over(registry, environment, actor, right, target, take_over)
        asked = registry.ask_to_cancel(found.id, actor.subject)
        refused: Failure | None = None
        engine = _engine(registry, asked)
        if engine is not None and asked.engine_run is not None:
            try:
                engine.engine.cancel(engine.job, asked.engine_run, environ=variables_of(platform))
            except Failure as failure:
                refused = failure  # the process of the run may have read the request
        until = time.monotonic() + patience.total_seconds()
        while True:
            now = registry.deployment(found.id)
            if now is not None and now.outcome != "running":
                return now
            if time.monotonic() > until and refused is not None:
                raise refused
            if time.monotonic() > until:
                raise NotCancelled(
                    f"run {found.id[:SHOWN_ID]} of {found.product} still runs; its process reads the request",
                    hint=remedy("{} shows its outcome later", command("runs", "show", found.id[:SHOWN_ID])),
                )
            time.sleep(_LOOK_SECONDS)


def collect_runs(
    platform: Platform, registry: Registry, product: str | None, note: Callable[[str], None]
) -> list[Deployment]:
    """Record the runs of engines that start the code themselves, and that are not in the history yet.

    Args:
        platform: The environment.
        registry: Its open registry.
        product: ``domain/product``; None for all products.
        note: Receives a line for each engine that does not answer.

    Returns:
        The runs, new ones and known ones.
    """
    from alchemesh_platform.app.mesh.lineage_events import send_run
    from alchemesh_platform.app.runs.engines import actor_of, record_engine_run, variables_of

    found = []
    for engine in _engines(registry, platform.environment, product):
        try:
            since = _last(registry, platform.environment, engine)
            for run in engine.engine.runs(engine.job, since, environ=variables_of(platform)):
                if run.has_ended and _unrequested(registry, platform.environment, engine.product, run.request):
                    found.append(
                        record_engine_run(
                            registry,
                            platform.environment,
                            engine,
                            run,
                            actor_of(engine.product),
                            on_new=partial(send_run, platform, registry, note=note),
                        )
                    )
        except Failure as failure:
            note(f"note: the runs of {engine.product} may be incomplete: {failure.message}")
    return found


def _unrequested(registry: Registry, environment: str, product: str, request: str | None) -> bool:
    """Whether a run is not in the history under its request."""
    return request is None or registry.run_of_request(environment, product, request) is None


def _last(registry: Registry, environment: str, of: EngineOf) -> datetime:
    """The time since when the runs of an engine may be unknown."""
    runs = registry.deployments(of.product, environment, operations=("run",), limit=50)
    known = [run.started_at for run in runs if run.engine == of.engine.name]
    return max(known, default=registry.now() - _EARLIER) - timedelta(hours=1)  # a long run may have begun before


def _engines(registry: Registry, environment: str, product: str | None) -> Iterator[EngineOf]:
    from alchemesh_platform.app.runs.engines import engine_of
    from alchemesh_platform.registry.records import ProductRecord

    records = (
        registry.all(ProductRecord, environment)
        if product is None
        else filter(None, [registry.get(ProductRecord, environment, product)])
    )
    for record in records:
        engine = engine_of(record)
        if engine is not None:
            yield engine


def _engine(registry: Registry, run: Deployment) -> EngineOf | None:
    """The engine of a run, if the product still has it."""
    engines = _engines(registry, run.environment, run.product)
    return next((each for each in engines if each.engine.name == run.engine), None)
