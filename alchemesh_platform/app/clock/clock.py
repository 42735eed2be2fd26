"""Start the runs of the jobs of an environment that are due.

APScheduler waits for the times. The history says which times were run: a clock that was killed continues where it was,
without a second store. A run is a process of its own, which outlives the clock, and the history names the time that it
is for. So a kill at any moment loses and doubles no run.
"""

from __future__ import annotations

import subprocess
import tempfile
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alchemesh_platform.app.clock.due import SET_BACK, Due, applies_since, last_run, next_due
from alchemesh_platform.app.clock.jobs import ClockJob, jobs_of
from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.registry.records import ProductRecord
from alchemesh_platform.registry.store import Registry, utc_now
from alchemesh_platform.sdk.code.launch import CLOCK, launch_command

if TYPE_CHECKING:
    from apscheduler.schedulers.base import BaseScheduler

    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.registry.records import Deployment
    from alchemesh_platform.sdk.code.timetable import Timetable

LOOK_SECONDS = 2.0  # between two looks at the deployed jobs
AGAIN = timedelta(seconds=30)  # after a run that could not begin, such as while the registry is away
TRIES = 5
AT_ONCE = 32  # runs of different products
_RUNS_READ = 100
_LINES = 5  # of the launcher's messages, in the log of the clock


class AlreadyRuns(Failure):
    """Raised when another clock of this machine serves the environment."""

    exit_code = ExitCode.LOCKED


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of a launcher: its exit status, and the end of its messages."""

    status: int
    messages: str = ""


Start = Callable[[Sequence[str]], Ended]


def start_launcher(command: Sequence[str]) -> Ended:
    """Start a launcher, and wait for its end.

    It has a session of its own: the end of the clock does not end it. The history keeps the output of the code.
    """
    with tempfile.TemporaryFile() as messages:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=messages,  # a file, since a pipe would break with the end of the clock
            start_new_session=True,
        )
        status = process.wait()
        messages.seek(0)
        lines = messages.read().decode(errors="replace").strip().splitlines()
    return Ended(status, "; ".join(lines[-_LINES:]))


@dataclass(eq=False)
class Clock:
    """The clock of one environment on this machine.

    Args:
        platform: The environment.
        say: Receives a line for each start, and for each run that could not begin.
        start: Starts a launcher, and waits for its end.
        now: The time of this machine.
        scheduler: Waits for the times; a new one by default.
    """

    platform: Platform
    say: Callable[[str], None] = lambda _line: None
    start: Start = start_launcher
    now: Callable[[], datetime] = utc_now
    scheduler: BaseScheduler | None = None
    _jobs: dict[str, ClockJob] = field(default_factory=dict)
    _locks: defaultdict[str, threading.Lock] = field(default_factory=lambda: defaultdict(threading.Lock))
    _tries: dict[tuple[str, str, str], int] = field(default_factory=dict)
    _looked: datetime | None = None
    _away: str | None = None

    def run(self, stop: threading.Event) -> None:
        """Start due runs until the event is set. Runs that have begun continue."""
        scheduler = self._scheduler()
        scheduler.start()
        try:
            while True:
                self.look()
                scheduler.wakeup()
                if stop.wait(LOOK_SECONDS):
                    return
        finally:
            scheduler.shutdown(wait=False)

    def look(self) -> None:
        """Take over what was deployed or destroyed since the last look, and start runs for changed inputs.

        While the registry is away, the known jobs stay.
        """
        try:
            with self._registry() as registry:
                found = {job.product: job for job in jobs_of(registry, self.platform.environment)}
                changed = {job.product: key for job in found.values() if (key := self._changed_input(registry, job))}
        except Failure as failure:
            if failure.message != self._away:
                self.say(f"the registry cannot be read: {failure.message}")
            self._away = failure.message
            return
        self._away = None
        now = self.now()
        set_back = self._looked is not None and self._looked - now > SET_BACK
        self._looked = now
        for product in [each for each, job in self._jobs.items() if set_back or found.get(each) != job]:
            self._forget(product)
        for product, job in found.items():
            if product not in self._jobs:
                self._add(job)
        for product, key in changed.items():
            self._submit(product, self.work_on_change, key)

    def work(self, product: str) -> None:
        """Run a job for each time that is due, one after the other."""
        with self._locks[product]:
            while (job := self._jobs.get(product)) is not None:
                try:
                    with self._registry() as registry:
                        due = self.due(registry, job)
                    if due is None:
                        return
                    begun = self._run(job, "schedule", due.at.isoformat(), (due.previous, due.at))
                except (Failure, OSError) as failure:
                    self.say(f"{product} waits: {_reason(failure)}")
                    begun = False
                if not begun:
                    self._submit(product, self.work, after=AGAIN)
                    return

    def work_on_change(self, product: str, key: str) -> None:
        """Run a job because an input has changed."""
        with self._locks[product]:
            job = self._jobs.get(product)
            if job is None:
                return
            try:
                with self._registry() as registry:
                    due = self._changed_input(registry, job) == key
                if due:
                    self._run(job, "asset", key, None)
            except (Failure, OSError) as failure:
                self.say(f"{product} waits: {_reason(failure)}")

    def due(self, registry: Registry, job: ClockJob) -> Due | None:
        """The run of a job's schedule that is due now.

        Raises:
            RegistryUnavailable: when the registry cannot be read.
        """
        if job.timetable is None:
            return None
        now, environment = self.now(), self.platform.environment
        changes = registry.history(environment, product=job.product, address=job.product, kind=ProductRecord)
        since = applies_since(changes, job.timetable)
        tried = (
            datetime.fromisoformat(at)
            for (product, trigger, at), tries in list(self._tries.items())  # other threads change it
            if (product, trigger) == (job.product, "schedule") and tries >= TRIES
        )
        known = [each for each in (since, last_scheduled(registry, environment, job.product, now), *tried) if each]
        return next_due(job.timetable, max(known), now, job.catch_up) if known else None

    def _run(self, job: ClockJob, trigger: str, run: str, interval: tuple[datetime, datetime] | None) -> bool:
        """Start a run, and wait for its end.

        Returns:
            Whether the run is in the history, or was tried often enough.
        """
        command = launch_command(str(job.descriptor), engine=CLOCK, engine_run=run, trigger=trigger, interval=interval)
        self.say(f"{job.product} starts for {run}")
        ended = self.start(command)
        with self._registry() as registry:
            recorded = any(
                each.engine == CLOCK and each.engine_run == run
                for each in _runs(registry, self.platform.environment, job.product, _RUNS_READ)
            )
        key = job.product, trigger, run
        if recorded:
            self._tries.pop(key, None)
            return True
        self._tries[key] = self._tries.get(key, 0) + 1
        last = self._tries[key] >= TRIES
        self.say(
            f"{job.product} could not begin for {run}, try {self._tries[key]} of {TRIES}: "
            f"exit status {ended.status}{f': {ended.messages}' if ended.messages else ''}"
        )
        return last

    def _changed_input(self, registry: Registry, job: ClockJob) -> str | None:
        """The change of an input that makes a run due."""
        if not job.on:
            return None
        from alchemesh_platform.app.runs.upstream import due_by_upstream

        key = due_by_upstream(registry, self.platform.environment, job.product, on=job.on)
        return None if key is None or self._tries.get((job.product, "asset", key), 0) >= TRIES else key

    def _add(self, job: ClockJob) -> None:
        self._jobs[job.product] = job
        if job.timetable is None:
            return
        self._scheduler().add_job(
            self.work,
            trigger_of(job.timetable),
            args=[job.product],
            id=job.product,
            replace_existing=True,
            coalesce=True,
            misfire_grace_time=None,
        )
        self._submit(job.product, self.work)  # times that passed before

    def _forget(self, product: str) -> None:
        from apscheduler.jobstores.base import JobLookupError

        del self._jobs[product]
        with suppress(JobLookupError):  # it has no schedule
            self._scheduler().remove_job(product)

    def _submit(self, product: str, work: Callable[..., None], *arguments: str, after: timedelta = timedelta()) -> None:
        """Start work in a thread, once for the same work."""
        scheduler, id = self._scheduler(), " ".join((product, work.__name__, *arguments))  # noqa: A001
        scheduler.add_job(
            work,
            "date",
            run_date=self.now() + after,
            args=[product, *arguments],
            id=id,
            replace_existing=True,
            misfire_grace_time=None,
        )

    def _scheduler(self) -> Any:
        if self.scheduler is None:
            from apscheduler.executors.pool import ThreadPoolExecutor
            from apscheduler.schedulers.background import BackgroundScheduler

            self.scheduler = BackgroundScheduler(executors={"default": ThreadPoolExecutor(AT_ONCE)}, timezone=UTC)
        return self.scheduler

    @contextmanager
    def _registry(self) -> Iterator[Registry]:
        with Registry.open(self.platform.registry, migrate=False, create=False) as registry:
            yield registry


def trigger_of(timetable: Timetable) -> Any:
    """The trigger of APScheduler for a schedule. A clock that is set back repeats no time."""
    from apscheduler.triggers.base import BaseTrigger

    class Times(BaseTrigger):  # type: ignore[misc] # APScheduler has no types
        def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
            # After a long sleep of the machine, one time is enough: the history says which times were missed.
            return timetable.next_after(max(previous_fire_time or now, now - SET_BACK))

    return Times()


def last_scheduled(registry: Registry, environment: str, product: str, now: datetime) -> datetime | None:
    """The latest time of a product's schedule that was run; None before the first."""
    for limit in (_RUNS_READ, None):
        runs = _runs(registry, environment, product, limit)
        found = last_run(runs, now)
        if found is not None or len(runs) < _RUNS_READ:
            return found
    return None


@contextmanager
def only_clock(folder: Path) -> Iterator[None]:
    """Let one clock of this machine serve an environment. A killed clock leaves no lock.

    Raises:
        AlreadyRuns: when another process does.
    """
    from filelock import FileLock, Timeout

    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = FileLock(folder / "clock.lock", mode=0o600)
    try:
        lock.acquire(blocking=False)
    except Timeout as error:
        raise AlreadyRuns(f"another process is the clock of {folder}", hint="end that process") from error
    try:
        yield
    finally:
        lock.release()


def _reason(error: Failure | OSError) -> str:
    """The reason of a failure; an error of the operating system comes of a machine without memory, say."""
    return error.message if isinstance(error, Failure) else f"a run cannot start here: {error.strerror or error}"


def _runs(registry: Registry, environment: str, product: str, limit: int | None) -> list[Deployment]:
    return registry.deployments(product, environment, operations=("run",), limit=limit)
