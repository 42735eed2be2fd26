"""A backfill: one run for each interval of the schedule in the past, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.quantities import counted

if TYPE_CHECKING:
    from alchemesh_platform.identity.identity import Identity
    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.registry.records import Deployment
    from alchemesh_platform.registry.store import Registry

Interval = tuple[datetime, datetime]
MOST_RUNS = 10_000


class NoBackfill(Failure):
    """Raised when the runs of a backfill cannot be derived: no schedule, no interval, or too many."""

    exit_code = ExitCode.USAGE


@dataclass(frozen=True, slots=True)
class Backfilled:
    """The runs of a backfill.

    Args:
        product: ``domain/product``.
        environment: Name of the environment.
        runs: The runs in order. A run that did not succeed is the last one.
        skipped: Number of intervals whose run succeeded before.
        left: Number of intervals after a run that did not succeed.
    """

    product: str
    environment: str
    runs: tuple[Deployment, ...]
    skipped: int
    left: int

    def as_json(self) -> dict[str, Any]:
        """The backfill as one JSON object."""
        return {
            "product": self.product,
            "environment": self.environment,
            "runs": [run.model_dump(mode="json", exclude={"output"}) for run in self.runs],
            "skipped": self.skipped,
            "left": self.left,
        }


def backfill(
    platform: Platform,
    product: str,
    actor: Identity,
    interval: str,
    arguments: tuple[str, ...] = (),
    *,
    again: bool = False,
    folder: Path = Path(),
    take_over: str | None = None,
    land: bool = True,
    on_output: Callable[[str], None] = lambda _line: None,
    report: Callable[[str], None] = lambda _line: None,
) -> Backfilled:
    """Run the code once for each interval of its schedule that ends in a span of time. It stops at a failure.

    An interval that has not ended yet is left out. Intervals whose run has succeeded are skipped, so that a backfill
    that was killed or that failed continues where it was. The code reads its interval from
    :attr:`Connections.interval`.

    Args:
        platform: The environment.
        product: ``domain/product``.
        actor: The identity that runs the code.
        interval: ``FROM..TO``, in the time zone of the schedule where it names none.
        arguments: Arguments for the code.
        again: Whether to run intervals again whose run has succeeded.
        folder: The product's folder, in which a job of an emulated cloud runs.
        take_over: The reason to run a product of another team of the domain. The audit records it.
        land: Whether to land new data before each run.
        on_output: Receives each line that the code prints, with secrets masked.
        report: Receives a line for each interval.

    Raises:
        NotAllowed, NotDeployed, NoCode: as for a single run.
        NoBackfill, BadMoment: when there is no schedule, or the interval is wrong.
    """
    from alchemesh_platform.app.product.run import begin
    from alchemesh_platform.app.runs.engines import run_by_engine
    from alchemesh_platform.app.runs.once import run_once
    from alchemesh_platform.registry.records import RunDetails
    from alchemesh_platform.registry.store import Registry

    engine = begin(platform, product, actor, take_over=take_over, land=land)
    with Registry.open(platform.registry) as registry:
        wanted = _intervals(registry, platform.environment, product, interval)
        done = set() if again else _succeeded(registry, platform.environment, product, wanted[0][0])
    open_ = [each for each in wanted if each not in done]
    if len(open_) < len(wanted):
        report(f"{counted(len(wanted) - len(open_), 'interval')} of {len(wanted)} succeeded before")
    runs: list[Deployment] = []
    for number, each in enumerate(open_, start=1):
        report(f"run {number} of {len(open_)}: {_written(each)}")
        if engine is not None:
            run: object = run_by_engine(
                platform, engine, actor, arguments, wait=True, on_output=on_output, report=report, interval=each
            )
        else:
            run = run_once(
                platform,
                product,
                actor,
                arguments,
                folder=folder,
                details=RunDetails(trigger="backfill", interval=each),
                land=land,
                on_output=on_output,
                report=report,
            )
        runs.append(cast("Deployment", run))
        if runs[-1].outcome != "succeeded":
            break
    return Backfilled(product, platform.environment, tuple(runs), len(wanted) - len(open_), len(open_) - len(runs))


def _intervals(registry: Registry, environment: str, product: str, text: str) -> list[Interval]:
    """The intervals of the schedule that end in a span of time, in order."""
    from alchemesh_platform.app.runs.since import read_interval
    from alchemesh_platform.base.time_zone import zone_of
    from alchemesh_platform.deployment.code.connections import product_record
    from alchemesh_platform.sdk.code.timetable import Timetable
    from alchemesh_platform.sdk.connections.job import JobConnection

    record = product_record(registry, environment, product)
    job = None if record.code is None else JobConnection.model_validate(record.code["connection"])
    if job is None or job.schedule is None:
        raise NoBackfill(
            f"the code of {product} has no schedule, whose intervals a backfill runs",
            hint="add `schedule` to its arguments, or pass the interval as an argument of the code",
        )
    zone = job.time_zone or "UTC"
    now = datetime.now(UTC)
    begin, end = read_interval(text, now, zone_of(zone))
    timetable = Timetable(job.schedule, zone)
    times = list(islice(timetable.between(begin, min(end, now)), MOST_RUNS + 1))
    if len(times) > MOST_RUNS:
        raise NoBackfill(f"{text} has more than {MOST_RUNS:,} intervals of the schedule", hint="give a shorter one")
    if not times:
        if end > now and timetable.next_after(begin) is not None:
            raise NoBackfill(
                f"no interval of the schedule {job.schedule!r} in {text} has ended yet",
                hint="give an interval in the past: the schedule runs the next ones",
            )
        raise NoBackfill(f"the schedule {job.schedule!r} has no time in {text}", hint="give a longer interval")
    first = timetable.last_before(times[0]) or begin
    return list(zip([first, *times], times, strict=False))


def _succeeded(registry: Registry, environment: str, product: str, since: datetime) -> set[Interval]:
    """The intervals whose run has succeeded. A run about an interval starts after its begin."""
    runs = registry.deployments(product, environment, operations=("run",), since=since, outcomes=("succeeded",))
    return set(_normal(run.interval for run in runs if run.interval is not None))


def _normal(intervals: Iterable[Interval]) -> Iterable[Interval]:
    return ((begin.astimezone(UTC), end.astimezone(UTC)) for begin, end in intervals)


def _written(interval: Interval) -> str:
    begin, end = interval
    return f"{begin:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC"
