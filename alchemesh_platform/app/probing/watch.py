"""Watch an environment: probe its ports in every slice of 60 seconds, and measure its assets at longer intervals.

A slice that nobody probed has no observation: it is unknown, and never up. Each result is kept in a file on this
machine before it is sent to the registry. So a kill at any moment, or a registry that is away, loses and doubles none.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from alchemesh_platform.app.probing.once import SLICE, reports_of, targets_of
from alchemesh_platform.app.probing.recording import folder_of, record
from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.platform_file.observations import LONGEST, SHORTEST

if TYPE_CHECKING:
    from alchemesh_platform.app.product.measure import Measurement
    from alchemesh_platform.identity.identity import Identity
    from alchemesh_platform.observed.probing import Prober, ProbeResult, Target
    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.quality.tables import Limits
    from alchemesh_platform.registry.store import Registry

ENDING_SECONDS = 4.0  # each, so that a supervisor does not have to kill the watch
MEASURE_EVERY = timedelta(hours=1)
METER_EVERY = timedelta(minutes=5)  # queries over SQL count in the hour of the metering, so each hour begins with one
METERING = "alchemesh-metering"  # name of the thread
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class AlreadyWatched(Failure):
    """Raised when another process of this machine watches the environment."""

    exit_code = ExitCode.LOCKED


class WrongInterval(Failure):
    """Raised when the interval of probes is too short or too long."""

    exit_code = ExitCode.USAGE


class Clock(Protocol):
    """Time, and waiting for it."""

    def now(self) -> datetime:
        """The time, in UTC."""

    def wait(self, until: datetime, stop: threading.Event) -> None:
        """Wait until a time, or until the event is set."""


class MachineClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """The time, in UTC."""
        return datetime.now(UTC)

    def wait(self, until: datetime, stop: threading.Event) -> None:
        """Wait until a time, or until the event is set. A clock that is set back waits for one interval at most."""
        stop.wait(min(max((until - self.now()).total_seconds(), 0.0), LONGEST.total_seconds()))


@dataclass(frozen=True, slots=True)
class Watched:
    """The work of one slice.

    Args:
        probed_at: Time at which the probes began.
        results: The results of all ports.
        waiting: The number of observations that wait on this machine for the registry.
        reason: Why they wait, or why the slice has no results.
    """

    environment: str
    probed_at: datetime
    results: tuple[ProbeResult, ...]
    waiting: int = 0
    reason: str = ""

    def as_json(self) -> dict[str, Any]:
        """The slice as one JSON object."""
        return {
            "environment": self.environment,
            "probed_at": self.probed_at.isoformat(),
            "probes": [each.as_json() for each in self.results],
            "waiting": self.waiting,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """The parts of a watch.

    Args:
        platform: The environment.
        actor: The identity that watches; None for the platform's own process, which may watch every product.
        products: Addresses of the products; empty for all deployed ones.
        every: Interval of probes. With more than 60 seconds, the slices between are unknown.
        measure_every: Interval of measuring the assets; None: they are not measured.
        meter_every: Interval of metering the usage of ports; None: it is not metered.
        limits: The most that measuring an asset may cost.
        prober: Asks the ports.
        clock: The time.
        listen: Receives each slice.
        measured: Receives each measurement of a product's assets.
        note: Receives a line for a failure that does not end the watch.
    """

    platform: Platform
    actor: Identity | None = None
    products: tuple[str, ...] = ()
    every: timedelta = SLICE
    measure_every: timedelta | None = MEASURE_EVERY
    meter_every: timedelta | None = METER_EVERY
    limits: Limits | None = None
    prober: Prober | None = None
    clock: Clock = field(default_factory=MachineClock)
    listen: Callable[[Watched], None] = lambda _slice: None
    measured: Callable[[Measurement], None] = lambda _measurement: None
    note: Callable[[str], None] = lambda _line: None


def watch(wanted: Watch, stop: threading.Event) -> None:
    """Watch an environment until the event is set. One process of a machine watches an environment.

    Raises:
        AlreadyWatched: when another process does.
        WrongInterval: when the interval is too short or too long.
        NotAllowed: when the actor may not report about a named product.
    """
    from alchemesh_platform.deployment.emulation import resume
    from alchemesh_platform.observed.probing import Prober

    if not SHORTEST <= wanted.every <= LONGEST:
        raise WrongInterval(
            f"probes every {wanted.every.total_seconds():g} s are not possible",
            hint=f"use an interval from {SHORTEST.total_seconds():g} s to {LONGEST.total_seconds():g} s",
        )
    with only_watcher(wanted.platform):
        resume(wanted.platform)
        work = _Work(wanted, wanted.prober or Prober())
        measuring, metering = _Measuring(wanted), _Metering(wanted)
        while not stop.is_set():
            begin = wanted.clock.now()
            wanted.listen(work.slice(begin))
            measuring.start_if_due(begin, work.allowed_products)
            metering.start_if_due(begin, work.allowed_products)
            wanted.clock.wait(_next(begin, wanted.every), stop)
        for each in (measuring, metering):
            each.end()


@contextmanager
def only_watcher(platform: Platform) -> Iterator[None]:
    """The right to watch the environment from this machine. The system ends it with the process.

    Raises:
        AlreadyWatched: when another process has it.
    """
    from filelock import FileLock, Timeout

    from alchemesh_platform.machine.files import storage_errors

    folder = folder_of(platform)
    with storage_errors(f"lock {folder}"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = FileLock(folder / "watch.lock", timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise AlreadyWatched(
                f"another process of this machine watches {platform.environment} already",
                hint="end that process first, or leave the work to it",
            ) from None
    try:
        yield
    finally:
        lock.release()


class _Work:
    """Probes slice after slice. It remembers the ports for the time in which the registry is away."""

    def __init__(self, wanted: Watch, prober: Prober) -> None:
        self.wanted, self.prober = wanted, prober
        self.targets: list[Target] = []
        self.allowed: dict[str, bool] = {}
        self.fresh = True

    @property
    def allowed_products(self) -> list[str]:
        """The products that the actor may observe."""
        return [product for product, may in self.allowed.items() if may]

    def slice(self, begin: datetime) -> Watched:
        """Probe all ports once, and send the results."""
        from alchemesh_platform.registry.unavailable import RegistryUnavailable

        try:
            with self._registry() as registry:
                self.targets = list(self._targets(registry, begin))
        except RegistryUnavailable as away:
            self.wanted.note(f"the registry is away: {away.message}")
        results = tuple(self.prober.probe(self.targets))
        recorded = record(self.wanted.platform, list(reports_of(results, begin)))
        for reason in recorded.refused.values():
            self.wanted.note(f"a result is refused: {reason}")
        return Watched(self.wanted.platform.environment, begin, results, recorded.waiting, recorded.reason)

    def _targets(self, registry: Registry, begin: datetime) -> Iterator[Target]:
        """The ports to probe; in the first slice of this process, without those that a former one probed in it."""

        from alchemesh_platform.deployment.emulation import emulator_variables
        from alchemesh_platform.registry.records import ProductRecord

        environment = self.wanted.platform.environment
        deployed = [each.address for each in registry.all(ProductRecord, environment)]
        wanted = [each for each in deployed if not self.wanted.products or each in self.wanted.products]
        self.allowed = {product: self._may(registry, product) for product in wanted}
        environ = {**os.environ, **emulator_variables(self.wanted.platform)}
        done = _probed_in(registry, environment, wanted, begin) if self.fresh else frozenset()
        self.fresh = False
        for product in self.allowed_products:
            for target in targets_of(registry, self.wanted.platform, product, environ):
                if target.port.address not in done:
                    yield target

    def _may(self, registry: Registry, product: str) -> bool:
        """Whether the actor may report about a product. For a named one, a missing right ends the watch."""
        from alchemesh_platform.access.rights import NotAllowed
        from alchemesh_platform.app.rights import check_right_to_report

        if self.wanted.actor is None:
            return True
        if product in self.allowed:
            return self.allowed[product]
        try:
            check_right_to_report(registry, self.wanted.platform.environment, self.wanted.actor, product)
        except NotAllowed as error:
            if self.wanted.products:
                raise
            self.wanted.note(f"{product} is not watched: {error.message}")
            return False
        return True

    def _registry(self) -> Registry:
        from alchemesh_platform.registry.store import Registry

        return Registry.open(self.wanted.platform.registry)


class _Measuring:
    """Measures assets in a thread of its own: a long scan must not delay the next slice."""

    def __init__(self, wanted: Watch) -> None:
        self.wanted = wanted
        self.last: datetime | None = None
        self.thread: threading.Thread | None = None

    def end(self) -> None:
        """Wait for a while until the work has ended: a thread of a database must not outlive the interpreter."""
        if self.thread is not None:
            self.thread.join(ENDING_SECONDS)

    def start_if_due(self, begin: datetime, products: Sequence[str]) -> None:
        """Start a measurement of the products if the last one began long enough ago and has ended."""
        every = self.wanted.measure_every
        if every is None or not products or (self.thread is not None and self.thread.is_alive()):
            return
        if self.last is not None and begin - self.last < every:
            return
        self.last = begin
        self.thread = threading.Thread(target=self._measure, args=(list(products),), daemon=True)
        self.thread.start()

    def _measure(self, products: Sequence[str]) -> None:
        from alchemesh_platform.app.product.measure import measure

        for product in products:
            try:
                self.wanted.measured(
                    measure(self.wanted.platform, product, self.wanted.actor, limits=self.wanted.limits)
                )
            except Failure as failure:
                self.wanted.note(f"{product} is not measured: {failure.message}")


class _Metering:
    """Meters the usage of ports in a thread of its own: a long log must not delay the next slice."""

    def __init__(self, wanted: Watch) -> None:
        self.wanted = wanted
        self.last: datetime | None = None
        self.thread: threading.Thread | None = None
        self.reasons: dict[str, str] = {}

    def end(self) -> None:
        """Wait for a while until the work has ended: a thread of a database must not outlive the interpreter."""
        if self.thread is not None:
            self.thread.join(ENDING_SECONDS)

    def start_if_due(self, begin: datetime, products: Sequence[str]) -> None:
        """Start a metering of the products in the first slice of each interval, if the last one has ended."""
        every = self.wanted.meter_every
        if every is None or not products or (self.thread is not None and self.thread.is_alive()):
            return
        if self.last is not None and _start(begin, every) == _start(self.last, every):
            return
        self.last = begin
        self.thread = threading.Thread(target=self._meter, args=(list(products),), name=METERING, daemon=True)
        self.thread.start()

    def _meter(self, products: Sequence[str]) -> None:
        from alchemesh_platform.app.usage.meter import meter
        from alchemesh_platform.registry.unavailable import RegistryUnavailable

        for product in products:
            try:
                metered = meter(self.wanted.platform, product)
            except RegistryUnavailable:
                return  # the slices say so, and the gateways keep their logs
            except Failure as failure:
                self.wanted.note(f"the usage of {product} could not be read: {failure.message}")
                continue
            for gap in metered.gaps:
                self.wanted.note(f"usage was lost: {gap}")
            for port, reason in metered.failed.items():
                if self.reasons.get(port) != reason:  # each reason once
                    self.wanted.note(f"the usage of {port} could not be read: {reason}")
            self.reasons |= metered.failed


def _probed_in(registry: Registry, environment: str, products: Sequence[str], moment: datetime) -> frozenset[str]:
    """The ports that were probed already in the slice of a moment."""
    from alchemesh_platform.measures.measure import UPTIME
    from alchemesh_platform.registry.observations.series import latest

    return frozenset(
        each.subject
        for each in latest(registry, environment, products)
        if each.measure.partition(":")[0] == UPTIME and _start(each.measured_at, SLICE) == _start(moment, SLICE)
    )


def _start(moment: datetime, length: timedelta) -> datetime:
    return moment - (moment - _EPOCH) % length


def _next(moment: datetime, every: timedelta) -> datetime:
    """The beginning of the next interval."""
    return _start(moment, every) + every
