"""One run of a product's code on this machine: land new data, run the code, record the run."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alchemesh_platform.base.units import format_duration

if TYPE_CHECKING:
    from alchemesh_platform.identity.identity import Identity
    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.registry.records import Deployment, RunDetails
    from alchemesh_platform.registry.store import Registry

_RUNS_READ = 100


@dataclass(frozen=True, slots=True)
class NotDue:
    """No run is due: the contracts of the product's ports need the next one later."""

    product: str
    environment: str
    due_from: datetime

    def as_json(self) -> dict[str, str]:
        """The moment as one JSON object."""
        return {"product": self.product, "environment": self.environment, "due_from": self.due_from.isoformat()}


def run_once(
    platform: Platform,
    product: str,
    actor: Identity,
    arguments: tuple[str, ...] = (),
    *,
    folder: Path = Path(),
    details: RunDetails | None = None,
    retry: bool = True,
    land: bool = True,
    if_due: bool = False,
    on_output: Callable[[str], None] = lambda _line: None,
    report: Callable[[str], None] = lambda _line: None,
) -> Deployment | NotDue:
    """Run the code of a product. It checks no right: the caller has checked it, or is the product's own engine.

    Args:
        platform: The environment.
        product: ``domain/product``.
        actor: The identity in the history.
        arguments: Arguments for the code.
        folder: The product's folder, in which a job of an emulated cloud runs.
        details: The engine and the reason of the run.
        retry: Whether to retry failed code, as its description says. An engine that retries by itself sets it to False.
        land: Whether to land new data first.
        if_due: Whether to run only if the contracts of the product's ports need an update now.
        on_output: Receives each line that the code prints, with secrets masked.
        report: Receives a line for each input port with new data, and if another run of the product has to end first.

    Returns:
        The finished run, which is the last attempt. Or the moment from which the next run is due.

    Raises:
        NotDeployed, NoCode, HalfDeployed: when the code cannot run.
        Failure: when new data cannot be landed. It names the file, the line and the reason.
    """
    from alchemesh_platform.app.mesh.incidents import send_news
    from alchemesh_platform.catalog.discover import discover
    from alchemesh_platform.deployment.code.new_data import due_from, land_new_data, remove_expired
    from alchemesh_platform.deployment.code.reports import drain_after, spool_of
    from alchemesh_platform.deployment.code.run import one_at_a_time
    from alchemesh_platform.deployment.emulation import emulator_variables, job_runner, resume
    from alchemesh_platform.measures.sending import SPOOL_VARIABLE
    from alchemesh_platform.registry.observations.roll_up import Keeping
    from alchemesh_platform.registry.records import RunDetails
    from alchemesh_platform.registry.store import Registry

    resume(platform)
    with (
        _then(partial(send_news, platform, report)),
        one_at_a_time(Path(platform.home), platform.environment, product, report),
        Registry.open(platform.registry) as registry,
    ):
        if details is not None and (before := ran_before(registry, platform.environment, product, details)) is not None:
            report(f"{product} has run for {details.engine_run}")
            return before
        due = due_from(registry, platform.environment, product) if if_due else None
        if due is not None and due > datetime.now(UTC):
            remove_expired(platform, product, registry, report)
            report(f"no run of {product} is due until {due:%Y-%m-%d %H:%M} UTC")
            return NotDue(product, platform.environment, due)
        spool = spool_of(platform.home, platform.environment, product)
        keeping = Keeping(platform.observations.raw, platform.observations.hourly)
        drain_after(registry, platform.environment, product, spool, report, keeping)
        try:
            start = partial(
                _reported,
                platform,
                report,
                registry,
                discover(),
                platform.environment,
                product,
                arguments,
                actor,
                on_output,
                local_run=job_runner(platform, folder),
                variables={**emulator_variables(platform), SPOOL_VARIABLE: str(spool.file)},
                land=partial(land_new_data if land else _without_landing, platform, product, registry, report),
                home=Path(platform.home),
            )
            retries = retries_of(registry, platform.environment, product) if retry else Retries()
            return attempts(start, details or RunDetails(), retries, report)
        finally:
            drain_after(registry, platform.environment, product, spool, report, keeping)


def ran_before(registry: Registry, environment: str, product: str, details: RunDetails) -> Deployment | None:
    """The run that an engine has started for the same id before; None without one, or if the run is to be repeated.

    A clock or a worker that is killed while its launcher waits or runs starts a second launcher under the same id. A
    run of the clock is never repeated. Other engines may start a run again, for example when somebody asks for a retry:
    one that succeeded is not repeated, unless the engine counts a new attempt. Call it under the lock of the product.
    """
    from alchemesh_platform.sdk.code.launch import CLOCK

    if details.engine is None or details.engine_run is None:
        return None
    runs = registry.deployments(product, environment, operations=("run",), limit=_RUNS_READ)
    same = (each for each in runs if (each.engine, each.engine_run) == (details.engine, details.engine_run))
    if details.engine == CLOCK:
        return next((each for each in same if each.attempt == details.attempt), None)
    return next((each for each in same if each.outcome == "succeeded" and (each.attempt or 1) >= details.attempt), None)


def _reported(
    platform: Platform, note: Callable[[str], None], registry: Registry, *arguments: Any, **options: Any
) -> Deployment:
    """Run the code once, and send the events of its start and of its end to the receiver of lineage."""
    from alchemesh_platform.app.mesh.lineage_events import send_run
    from alchemesh_platform.deployment.code.run import run_code

    begun: list[str] = []

    def on_start(entry: Deployment) -> None:
        begun.append(entry.id)
        send_run(platform, registry, entry, note)

    try:
        return run_code(registry, *arguments, **options, on_start=on_start, report=note)
    finally:
        for each in begun:
            ended = registry.deployment(each)
            if ended is not None:
                send_run(platform, registry, ended, note)


@dataclass(frozen=True, slots=True)
class Retries:
    """How often failed code is retried, and after how long."""

    number: int = 0
    delay: timedelta = timedelta()


def retries_of(registry: Registry, environment: str, product: str) -> Retries:
    """The retries that the description of a product's job declares; none if it is not on this machine."""
    from alchemesh_platform.registry.records import ProductRecord
    from alchemesh_platform.sdk.code.description import JobFailed, read_job

    record = registry.get(ProductRecord, environment, product)
    connection = {} if record is None or record.code is None else record.code["connection"]
    descriptor = connection.get("descriptor")
    if not descriptor or not Path(descriptor).is_absolute():
        return Retries()
    try:
        job = read_job(Path(descriptor))
    except JobFailed:  # the run reports it
        return Retries()
    return Retries(job.retries, timedelta(seconds=job.retry_delay_seconds))


def attempts(
    start: Callable[..., Deployment],
    details: RunDetails,
    retries: Retries,
    report: Callable[[str], None],
    wait: Callable[[float], None] = time.sleep,
) -> Deployment:
    """Run code until it succeeds, is cancelled, or has no retries left. Each attempt is a run in the history.

    All attempts have the same request, and write as the first one: a write that an attempt has committed is not
    written again.

    Args:
        start: Runs the code once, as :func:`alchemesh_platform.deployment.code.run.run_code`.
        wait: Waits for some seconds.
    """
    from tenacity import RetryCallState, Retrying, retry_if_result, stop_after_attempt, wait_fixed

    request = details.request or (uuid.uuid4().hex if retries.number else None)
    numbers = count(details.attempt)
    ended: list[Deployment] = []

    def attempt() -> Deployment:
        described = replace(details, attempt=next(numbers), request=request)
        ended.append(start(details=described, writes_as=ended[0].id if ended else None))
        return ended[-1]

    def announce(state: RetryCallState) -> None:
        number = details.attempt + state.attempt_number - 1
        report(
            f"attempt {number} of {retries.number + 1} failed: {ended[-1].problem}; "
            f"the next one starts in {format_duration(retries.delay)}"
        )

    return Retrying(
        retry=retry_if_result(lambda done: done.outcome == "failed"),
        stop=stop_after_attempt(retries.number + 1),
        wait=wait_fixed(retries.delay),
        sleep=wait,
        before_sleep=announce,
        retry_error_callback=lambda _state: ended[-1],
    )(attempt)


@contextmanager
def _then(step: Callable[[], None]) -> Iterator[None]:
    """Take a step at the end, also after a failure."""
    try:
        yield
    finally:
        step()


def _without_landing(platform: Platform, product: str, registry: Registry, report: Callable[[str], None]) -> int:
    from alchemesh_platform.deployment.code.new_data import remove_expired

    remove_expired(platform, product, registry, report)
    return 0
