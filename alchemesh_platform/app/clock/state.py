"""The state of the clock of an environment: whether it runs, and the next run of each job."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from alchemesh_platform.app.clock.jobs import ClockJob, jobs_of
from alchemesh_platform.app.clock.supervised import NAME, folder_of
from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.remedy import command, remedy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.registry.store import Registry


@dataclass(frozen=True, slots=True)
class NextRun:
    """The next run of a job.

    Args:
        product: ``domain/product``.
        schedule: Cron expression; None for a job that only changes of its inputs start.
        time_zone: Its time zone.
        at: Time of the next run; None without a schedule.
        on: Input ports whose change starts a run.
    """

    product: str
    schedule: str | None
    time_zone: str | None
    at: datetime | None
    on: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The run as one JSON object."""
        return {
            "product": self.product,
            "schedule": self.schedule,
            "time_zone": self.time_zone,
            "next_at": self.at.isoformat() if self.at is not None else None,
            "on": list(self.on),
        }

    def __str__(self) -> str:
        when = [f"{self.at:%Y-%m-%d %H:%M} UTC"] if self.at is not None else []
        return f"{self.product} {' or '.join([*when, *(f'after a change of {each}' for each in self.on)])}"


@dataclass(frozen=True, slots=True)
class ClockState:
    """The clock of an environment.

    Args:
        running: Whether its process runs.
        since: The start of the process.
        runs: The next run of each job, the first one first.
    """

    running: bool
    since: datetime | None
    runs: tuple[NextRun, ...]

    def as_json(self) -> dict[str, Any]:
        """The clock as one JSON object."""
        return {
            "running": self.running,
            "since": self.since.isoformat() if self.since is not None else None,
            "runs": [each.as_json() for each in self.runs],
        }


def clock_state(platform: Platform, registry: Registry, now: datetime, product: str | None = None) -> ClockState | None:
    """The state of the clock; None if no job of this machine needs one.

    Args:
        product: The product whose job counts; by default those of all products.

    Raises:
        RegistryUnavailable: when the registry cannot be read.
    """
    jobs = jobs_of(registry, platform.environment, product)
    if not jobs:
        return None
    from alchemesh_platform.machine.servers import processes

    found = processes.status(folder_of(platform), NAME)
    since = datetime.fromtimestamp(found.started, tz=now.tzinfo) if found.alive and found.started else None
    return ClockState(found.alive, since, next_runs(jobs, now))


def check_clock(platform: Platform) -> str:
    """Check that the clock runs if a job of this machine needs it, and has the secrets of its jobs.

    Returns:
        The clock and the next run.

    Raises:
        Failure: with the fix.
        RegistryUnavailable: when the registry cannot be read.
    """
    from alchemesh_platform.app.clock.supervised import missing_secrets
    from alchemesh_platform.app.observe import reading

    with reading(platform) as registry:
        state = clock_state(platform, registry, datetime.now(UTC)) if registry is not None else None
        missing = missing_secrets(platform, registry) if registry is not None else {}
    if state is None:
        return "no job of this machine has a schedule or a trigger"
    number = f"{len(state.runs)} {'job' if len(state.runs) == 1 else 'jobs'}"
    if not state.running:
        raise Failure(
            f"the clock of {platform.environment} does not run, so it starts none of {number}",
            hint=remedy("{} starts it", command("resume")),
        )
    if missing:
        names = sorted({name for each in missing.values() for name in each})
        raise Failure(
            f"the clock has no value of {', '.join(names)}: runs of {', '.join(sorted(missing))} will fail",
            hint=remedy(f"set {', '.join(names)}, then {{}}", command("resume")),
        )
    return f"runs, with {number}; next: {state.runs[0]}"


def next_runs(jobs: Sequence[ClockJob], now: datetime) -> tuple[NextRun, ...]:
    """The next run of each job, the first one first. Jobs without a schedule are last."""
    runs = [
        NextRun(
            job.product,
            job.timetable.schedule if job.timetable else None,
            job.timetable.time_zone if job.timetable else None,
            job.timetable.next_after(now) if job.timetable else None,
            job.on,
        )
        for job in jobs
    ]
    return tuple(sorted(runs, key=lambda run: (run.at is None, run.at or now, run.product)))
