"""Runs by an engine: ask it to start one, follow it, and record it where the engine's runs do not record themselves."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.packages.reference import load_reference
from alchemesh_platform.sdk.code.engine import CodeEngine, EngineRun, RunRequest
from alchemesh_platform.sdk.connections.job import JobConnection

if TYPE_CHECKING:
    from alchemesh_platform.identity.identity import Identity
    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.registry.records import Deployment, ProductRecord
    from alchemesh_platform.registry.store import Registry

KEPT_CHARACTERS = 64 * 1024
_POLL_SHARE = 0.05  # a look at a run comes after this share of the time that it has taken, so a short run ends promptly
_POLL_LEAST, _POLL_MOST = 0.1, 0.5  # seconds
_RECORD_SECONDS = 15.0  # how long a launcher may take to record the end of a run that the engine reports as ended
_OUTCOMES = {"succeeded": "succeeded", "failed": "failed", "cancelled": "cancelled"}


class NotByEngine(Failure):
    """Raised when an option of a run has no effect on the engine that runs the code."""

    exit_code = ExitCode.USAGE


@dataclass(frozen=True, slots=True)
class EngineOf:
    """The engine of a deployed product's code.

    Args:
        product: ``domain/product``.
        component: Name of the code's component.
        engine: The engine.
        job: The recorded connection of the code.
        version: Version of the product.
    """

    product: str
    component: str
    engine: CodeEngine
    job: JobConnection
    version: str

    def check_options(self, *, land: bool, if_due: bool) -> None:
        """Refuse options of a run that only `alchemesh run` on this machine can follow.

        Raises:
            NotByEngine: names the option.
        """
        for given, option in ((not land, "--skip-landing"), (if_due, "--if-due")):
            if given:
                raise NotByEngine(
                    f"{option} has no effect: {self.engine.name} runs the code of {self.product}",
                    hint=f"leave {option} out",
                )


@dataclass(frozen=True, slots=True)
class Requested:
    """A run that an engine has accepted, and that this process does not follow.

    Args:
        request: The id of the request. The history names it.
    """

    product: str
    environment: str
    engine: str
    request: str
    run: EngineRun

    def as_json(self) -> dict[str, Any]:
        """The request as one JSON object."""
        return {
            "product": self.product,
            "environment": self.environment,
            "engine": self.engine,
            "engine_run": self.run.id,
            "request": self.request,
            "state": self.run.state,
            "url": self.run.url,
        }


def engine_of(record: ProductRecord) -> EngineOf | None:
    """The engine of a product's code; None if the code has none."""
    from alchemesh_platform.catalog.discover import discover

    if record.code is None:
        return None
    spec = discover()[record.code["component"]]
    if spec.engine is None:
        return None
    return EngineOf(
        product=record.address,
        component=spec.name,
        engine=cast("CodeEngine", load_reference(spec.engine)),
        job=JobConnection.model_validate(record.code["connection"]),
        version=record.version,
    )


def actor_of(product: str) -> str:
    """The identity of a product's own code in the history."""
    return f"product:{product}"


def variables_of(platform: Platform) -> dict[str, str]:
    """The environment variables that an engine receives: those of this process, and of the emulators."""
    from alchemesh_platform.deployment.emulation import emulator_variables

    return {**os.environ, **emulator_variables(platform)}


def run_by_engine(
    platform: Platform,
    of: EngineOf,
    actor: Identity,
    arguments: tuple[str, ...],
    *,
    wait: bool,
    on_output: Callable[[str], None],
    report: Callable[[str], None],
    interval: tuple[datetime, datetime] | None = None,
) -> Deployment | Requested:
    """Ask an engine to run a product's code.

    Args:
        platform: The environment.
        of: The engine.
        actor: The identity that requests the run.
        arguments: Arguments for the code.
        wait: Whether to wait for the end. An interrupt then cancels the run.
        on_output: Receives each line of the code's output: while it runs on this machine, otherwise after the run.
        report: Receives a line when the engine has accepted the run.
        interval: For a backfill: the interval of time whose data the run is about.

    Returns:
        The run in the history; or the accepted request, without `wait`.

    Raises:
        Failure: when the engine does not answer or refuses the run.
    """
    from alchemesh_platform.app.mesh.lineage_events import send_run
    from alchemesh_platform.app.runs.live import LiveOutput
    from alchemesh_platform.deployment.emulation import resume
    from alchemesh_platform.registry.store import Registry

    resume(platform)
    environ = variables_of(platform)
    request = RunRequest(
        id=uuid.uuid4().hex,
        product=of.product,
        environment=platform.environment,
        arguments=arguments,
        trigger="manual" if interval is None else "backfill",
        interval=interval,
    )
    begun = of.engine.start(of.job, request, environ=environ)
    report(f"{of.engine.name} accepted run {begun.id} of {of.product}{f': {begun.url}' if begun.url else ''}")
    if not wait:
        return Requested(of.product, platform.environment, of.engine.name, request.id, begun)
    with Registry.open(platform.registry) as registry:
        live = LiveOutput(platform, registry, of.product, request.id, on_output)
        ended = _followed(of, begun, environ, live.look)
        done = _recorded_by_launcher(registry, platform.environment, of.product, request.id)
        if done is None:
            output = ended.output if ended.output is not None else of.engine.log(of.job, ended.id, environ=environ)
            send = partial(send_run, platform, registry, note=report)
            done = record_engine_run(
                registry, platform.environment, of, ended, actor.subject, request, output, on_new=send
            )
        live.finish(done.id, done.output or "")
    return done


def record_engine_run(
    registry: Registry,
    environment: str,
    of: EngineOf,
    run: EngineRun,
    actor: str,
    request: RunRequest | None = None,
    output: str | None = None,
    on_new: Callable[[Deployment], None] = lambda _run: None,
) -> Deployment:
    """Record a run that did not go through the launcher. The same run is recorded once, whoever looks at it.

    Args:
        registry: The open registry of the environment.
        environment: Name of the environment.
        of: The engine.
        run: The ended run.
        actor: The identity of the run.
        request: The request that it carries out.
        output: Its output, with secrets masked.
        on_new: Receives the run if it was not in the history yet: as running, and then as ended.
    """
    from alchemesh_platform.registry.records import Deployment

    finished = run.finished_at or datetime.now(UTC)
    text = output if output is not None else run.output
    done = Deployment(
        id=run_id(environment, of.product, of.engine.name, run.id),
        environment=environment,
        product=of.product,
        operation="run",
        started_at=run.started_at or finished,
        finished_at=finished,
        outcome=cast("Any", _OUTCOMES[run.state]),
        actor=actor,
        version=of.version,
        problem=None if run.state == "succeeded" else run.problem or f"{of.engine.name} reports the run as failed",
        exit_status=run.exit_status if run.exit_status is not None else (0 if run.state == "succeeded" else None),
        output=None if text is None else text[-KEPT_CHARACTERS:],
        written=dict(run.written or {}),
        engine=of.engine.name,
        engine_run=run.id,
        trigger=run.trigger if request is None else request.trigger,
        attempt=1,
        interval=run.interval if request is None else request.interval,
        request=run.request if request is None else request.id,
    )
    recorded = registry.add_run(done)
    if recorded is done:
        on_new(done.model_copy(update={"outcome": "running"}))
        on_new(done)
    return recorded


def run_id(environment: str, product: str, engine: str, engine_run: str) -> str:
    """The id in the history of a run that an engine carried out by itself: the same for the same run."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"alchemesh:{environment}/{product}/{engine}/{engine_run}").hex


def _followed(of: EngineOf, begun: EngineRun, environ: Mapping[str, str], look: Callable[[], None]) -> EngineRun:
    """The ended run. An interrupt cancels it, and a second one stops waiting for its end."""
    try:
        return _ended(of, begun, environ, look)
    except KeyboardInterrupt:
        of.engine.cancel(of.job, begun.id, environ=environ)
        return _ended(of, begun, environ, look)


def _ended(of: EngineOf, begun: EngineRun, environ: Mapping[str, str], look: Callable[[], None]) -> EngineRun:
    run, pauses = begun, _pauses()
    while not run.has_ended:
        time.sleep(next(pauses))
        run = of.engine.look(of.job, begun.id, environ=environ)
        look()
    return run


def _pauses() -> Iterator[float]:
    began = time.monotonic()
    while True:
        yield min(max(_POLL_LEAST, _POLL_SHARE * (time.monotonic() - began)), _POLL_MOST)


def _recorded_by_launcher(registry: Registry, environment: str, product: str, request: str) -> Deployment | None:
    """The last attempt of a request in the history, once it has ended; None if the engine's runs have no launcher."""
    until = time.monotonic() + _RECORD_SECONDS
    pauses = _pauses()
    while True:
        found = registry.run_of_request(environment, product, request)
        if found is None or found.outcome != "running" or time.monotonic() > until:
            return found
        time.sleep(next(pauses))
