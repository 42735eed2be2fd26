"""Run a product's code once, and record the result."""

from __future__ import annotations

import inspect
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from filelock import FileLock, Timeout

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.packages.reference import load_reference
from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.base.secrets import SecretMissing
from alchemesh_platform.data.running import (
    INTERVAL_FROM_VARIABLE,
    INTERVAL_TO_VARIABLE,
    RECEIPTS_VARIABLE,
    RUN_VARIABLE,
    read_receipts,
)
from alchemesh_platform.deployment.code.connections import product_record, read_connections
from alchemesh_platform.deployment.code.inputs import inputs_of
from alchemesh_platform.deployment.code.left_over import ATTEMPT_VARIABLE, end_left_over
from alchemesh_platform.deployment.code.output import kept_output, left_over, output_file, remove_left_over, remove_old
from alchemesh_platform.machine.files import storage_errors
from alchemesh_platform.registry.heartbeat import Heartbeat
from alchemesh_platform.registry.processes import machine_of
from alchemesh_platform.registry.records import Deployment, ManifestRecord, RunDetails
from alchemesh_platform.sdk.code.launch import CLOCK
from alchemesh_platform.sdk.code.run import CodeRun, RunCode
from alchemesh_platform.sdk.connections.job import JobConnection

if TYPE_CHECKING:
    from alchemesh_platform.catalog.discover import Catalog
    from alchemesh_platform.identity.identity import Identity
    from alchemesh_platform.registry.store import Registry


_POLL_SECONDS = 0.1
_ATTEMPTS = 100  # runs among which the first attempt is looked for
CANCEL_SECONDS = 1.0  # between two looks at the registry for a request to cancel


class NoCode(Failure):
    """Raised when a product has no code that can run on this machine."""


@contextmanager
def one_at_a_time(
    folder: Path, environment: str, product: str, report: Callable[[str], None] = lambda _line: None
) -> Iterator[None]:
    """Let one process of this machine run a product's code at a time; others wait. A killed process leaves no lock.

    Args:
        folder: The platform's home.
        environment: Name of the environment.
        product: ``domain/product``.
        report: Receives a line if it has to wait.

    Raises:
        StorageFailed: when the lock's file cannot be written.
    """
    file = folder / environment / "runs" / f"{product.replace('/', '.')}.lock"
    with storage_errors(f"lock {file}"):
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = FileLock(file, mode=0o600)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            report(f"another run of {product} in {environment} is not finished: this one waits for it")
            lock.acquire(poll_interval=_POLL_SECONDS)
    try:
        yield
    finally:
        lock.release()


class HalfDeployed(Failure):
    """Raised when the first deployment of a product has not ended, or has failed: some of its ports are missing."""


def _check_whole(registry: Registry, environment: str, product: str) -> None:
    """Check that the deployment of a product once ended: the record of its manifest is written last.

    Older versions recorded no manifests, so a product whose last deployment succeeded is whole too.
    """
    if registry.get(ManifestRecord, environment, product) is not None:
        return
    last = next(iter(registry.deployments(product, environment, operations=("up", "refresh"), limit=1)), None)
    if last is None or last.outcome == "succeeded":
        return
    begun = "has not ended" if last.outcome == "running" else last.outcome
    raise HalfDeployed(
        f"{product} is not wholly deployed in environment {environment!r}: its first `up` {begun}",
        hint=remedy("wait until it ends, or {} deploys the rest", command("up", about_product=True)),
    )


def run_code(
    registry: Registry,
    catalog: Catalog,
    environment: str,
    product: str,
    arguments: tuple[str, ...],
    identity: Identity,
    on_output: Callable[[str], None],
    *,
    local_run: RunCode | None = None,
    variables: Mapping[str, str] | None = None,
    land: Callable[[], int] = lambda: 0,
    details: RunDetails | None = None,
    home: Path | None = None,
    writes_as: str | None = None,
    on_start: Callable[[Deployment], None] = lambda _entry: None,
    report: Callable[[str], None] = lambda _line: None,
) -> Deployment:
    """Run a product's code with its connections. The history contains the run from its start.

    Call it in :func:`one_at_a_time`.

    Args:
        arguments: Arguments for the code.
        identity: The acting user.
        on_output: Receives each line that the code prints, with secrets masked.
        local_run: Runs the code on this machine although its component would start it elsewhere.
        variables: Additional variables for the code.
        land: Lands new data of the input ports before the code runs; returns the number of landing areas.
        details: The engine and the reason of the run.
        home: The platform's home, which keeps the output while the code runs; None to keep none.
        writes_as: The id of the run that this one repeats: its committed writes are not written again. By default, the
            first run that the same run of the engine started.
        on_start: Receives the run once its start is recorded.
        report: Receives a line if a run on another machine has to end first.

    Returns:
        The finished run: outcome, exit status and the end of its output.

    Raises:
        NotDeployed: when the product is not deployed.
        HalfDeployed: when its first deployment has not ended, or has failed.
        NoCode: when the product has no code, or its code cannot be run from this machine.
    """
    record = product_record(registry, environment, product)
    if record.code is None:
        raise NoCode(
            f"{product} has no code",
            hint=remedy("add `code:` to the manifest, then {}", command("up", about_product=True)),
        )
    spec = catalog[record.code["component"]]
    run = cast("RunCode", load_reference(spec.run)) if spec.run is not None else local_run
    if run is None:
        raise NoCode(
            f"the code of {product} runs in {spec.name}, which starts it itself",
            hint=remedy(
                "see {}; in an emulated environment (--emulate) it runs here", command("components", "show", spec.name)
            ),
        )
    _check_whole(registry, environment, product)
    job = JobConnection.model_validate(record.code["connection"])
    connections = read_connections(registry, environment, product)
    end_killed_runs(registry, environment, product, home, report)
    entry = _started(
        partial(
            registry.start_run,
            environment=environment,
            product=product,
            actor=identity.subject,
            version=record.version,
            details=details or RunDetails(),
        ),
        report,
    )
    try:
        on_start(entry)
        given = {
            **(variables or {}),
            **interval_variables(details),
            RUN_VARIABLE: writes_as or _first(registry, entry),
            ATTEMPT_VARIABLE: entry.id,
        }
        with _cancellation(registry, entry) as cancelled, _output(home, entry, on_output) as receive:
            try:
                land()
            except Exception as error:
                registry.finish_deployment(entry.id, outcome="failed", problem=f"new data could not be landed: {error}")
                raise
            registry.note_inputs(entry.id, inputs_of(registry, environment, product, connections))
            start = partial(run, job, connections, arguments, receive)
            return _run_recorded(registry, entry, start, run, given, cancelled)
    except KeyboardInterrupt:
        registry.finish_deployment(entry.id, outcome="cancelled", problem=_stopped(registry, entry))
        raise


def end_killed_runs(
    registry: Registry, environment: str, product: str, home: Path | None, report: Callable[[str], None]
) -> None:
    """Record the end of killed runs of this machine with their output, and end the processes that they left.

    Args:
        home: The platform's home, which has their output; None to record none.
        report: Receives a line if a process was ended.
    """

    def output(run: str) -> str | None:
        return None if home is None else left_over(home, environment, run)

    killed = registry.end_killed(environment, product, ("run",), living=False, output_of=output)
    if ended := end_left_over(killed):
        report(f"ended {ended} process{'es' if ended > 1 else ''} that a killed run of {product} left running")
    if home is not None:
        remove_left_over(home, environment, killed)
        remove_old(home, environment)


def _started(start: Callable[[], tuple[Deployment, bool]], report: Callable[[str], None]) -> Deployment:
    """The recorded start of a run, after the end of every other run of the product, on any machine."""
    reported = False
    while True:
        entry, begun = start()
        if begun:
            return entry
        if not reported:
            report(
                f"another run of {entry.product} in {entry.environment} is not finished on "
                f"{machine_of(entry.process)}: this one waits for it"
            )
        reported = True
        time.sleep(CANCEL_SECONDS)


def _run_recorded(
    registry: Registry,
    entry: Deployment,
    start: Callable[..., CodeRun],
    run: RunCode,
    variables: Mapping[str, str],
    cancelled: threading.Event,
) -> Deployment:
    """Run the code, and record its end."""
    with tempfile.TemporaryDirectory(prefix="alchemesh-run-") as kept:
        receipts = Path(kept, "written.jsonl")
        given = {**variables, RECEIPTS_VARIABLE: str(receipts)}
        known = inspect.signature(run).parameters
        offered: dict[str, Any] = {"variables": given, "cancelled": cancelled}
        options = {name: value for name, value in offered.items() if name in known}
        try:
            done = start(environ={**os.environ, **given}, **options)
        except KeyboardInterrupt:
            problem, written = _stopped(registry, entry), read_receipts(receipts)
            registry.finish_deployment(entry.id, outcome="cancelled", problem=problem, written=written)
            raise
        except Exception as error:
            problem = f"the code could not be started: {error}{_fix(error, entry)}"
            registry.finish_deployment(entry.id, outcome="failed", problem=problem)
            raise
        return registry.finish_deployment(
            entry.id,
            outcome="cancelled" if done.interrupted else "succeeded" if done.exit_status == 0 else "failed",
            problem=_stopped(registry, entry) if done.interrupted else _problem(done),
            exit_status=done.exit_status,
            output=done.output,
            written=read_receipts(receipts),
        )


def _first(registry: Registry, entry: Deployment) -> str:
    """The id of the first run that the same run of an engine started: an engine starts it again after a failure."""
    if entry.engine is None or entry.engine_run is None:
        return entry.id
    runs = registry.deployments(entry.product, entry.environment, operations=("run",), limit=_ATTEMPTS)
    same = [run for run in runs if (run.engine, run.engine_run) == (entry.engine, entry.engine_run)]
    return same[-1].id if same else entry.id


@contextmanager
def _cancellation(registry: Registry, entry: Deployment) -> Iterator[threading.Event]:
    """Look at intervals whether somebody asked to cancel the run, on any machine.

    Yields:
        The event of a run that is to be cancelled.
    """
    asked = threading.Event()

    def look() -> bool:
        found = registry.deployment(entry.id)
        if found is not None and found.cancelled_by is not None:
            asked.set()
        return not asked.is_set()

    beat = Heartbeat(look, CANCEL_SECONDS)
    try:
        yield asked
    finally:
        beat.stop()


@contextmanager
def _output(home: Path | None, entry: Deployment, on_output: Callable[[str], None]) -> Iterator[Callable[[str], None]]:
    if home is None:
        yield on_output
        return
    with kept_output(output_file(home, entry.environment, entry.id), on_output) as receive:
        yield receive


def _stopped(registry: Registry, entry: Deployment) -> str:
    """The reason of a cancelled run."""
    found = registry.deployment(entry.id)
    return "stopped by hand" if found is None or found.cancelled_by is None else f"cancelled by {found.cancelled_by}"


def interval_variables(details: RunDetails | None) -> dict[str, str]:
    """The variables that give the code the interval of a backfill."""
    if details is None or details.interval is None:
        return {}
    start, end = details.interval
    return {INTERVAL_FROM_VARIABLE: start.isoformat(), INTERVAL_TO_VARIABLE: end.isoformat()}


def _fix(error: Exception, entry: Deployment) -> str:
    """The fix of a secret that the clock does not have, for the history: nobody reads the messages of its runs."""
    if not isinstance(error, SecretMissing) or entry.engine != CLOCK:
        return ""
    return str(remedy(f"; set {error.name}, then {{}}", command("resume")))


def _problem(done: CodeRun) -> str | None:
    if done.exit_status == 0:
        return None
    if done.timed_out:
        return f"the code was stopped after {done.seconds:.0f} s, its time limit"
    if done.exit_status < 0:
        return f"the code was ended by signal {-done.exit_status}"
    return f"the code ended with exit status {done.exit_status}"
