"""A recorded product with one probed port, a clock that only moves when a watch waits, and scripted answers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from alchemesh_platform.app.probing.watch import Clock, Watch, Watched, watch
from alchemesh_platform.observed.probing import Prober
from alchemesh_platform.platform_file.load import load_platform
from alchemesh_platform.platform_file.models import Platform
from alchemesh_platform.registry.observations.series import Observation, series
from alchemesh_platform.registry.records import ContractRecord, PortRecord, ProductRecord
from alchemesh_platform.registry.store import Registry
from alchemesh_platform.sdk.probes.probe import NoAnswer, ProbedPort, Probes, Question

ORDERS = "retail/orders"
SHOP = f"{ORDERS}/shop"
FIRST, LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def recorded(home: Path, *products: str, environment: str = "local") -> Platform:
    """The platform of a home whose registry has products, each with one port ``shop`` under a contract."""
    platform = load_platform(None, "local", home)
    with Registry.open(platform.registry) as registry:
        for product in products or (ORDERS,):
            port = f"{product}/shop"
            registry.write(
                [
                    ProductRecord(
                        environment=environment,
                        address=product,
                        team="t",
                        owner="o@a.example",
                        version="1.0.0",
                        lifecycle="stable",
                    ),
                    PortRecord(
                        environment=environment,
                        address=port,
                        product=product,
                        direction="output",
                        storage="local-directory",
                        storage_type="directory",
                        connections={"storage": {"kind": "files", "url": (home / "shop").as_uri()}, "proxy": None},
                    ),
                    ContractRecord(
                        environment=environment,
                        address=port,
                        product=product,
                        version="1.0.0",
                        lifecycle="active",
                        access="internal",
                        document={"version": "1.0.0", "service_levels": {"uptime": "99%"}},
                    ),
                ]
            )
    return platform


class Scripted(Probes):
    """Probes that answer by a script: True is up, False is down. Each question may call a function first."""

    def __init__(self, answers: Sequence[bool] = (), before: Callable[[int], None] = lambda _number: None) -> None:
        self.answers, self.before, self.number = answers, before, 0

    def protocols(self, connection: object) -> tuple[str, ...]:
        return ("files",)

    def question(self, port: ProbedPort, protocol: str) -> Question:
        number, self.number = self.number, self.number + 1

        def ask(_seconds: float) -> None:
            self.before(number)
            if number < len(self.answers) and not self.answers[number]:
                raise NoAnswer("it answers 503")

        return ask


class Steps(Clock):
    """A clock that jumps to the end of each wait, and stops the watch after a number of them."""

    def __init__(self, start: datetime, slices: int, each: Callable[[int], None] = lambda _number: None) -> None:
        self.moment, self.left, self.each, self.number = start, slices, each, 0

    def now(self) -> datetime:
        return self.moment

    def wait(self, until: datetime, stop: threading.Event) -> None:
        self.moment = until + timedelta(milliseconds=3)
        self.left -= 1
        self.number += 1
        self.each(self.number)
        if self.left == 0:
            stop.set()


def minute(now: datetime, ago: int = 0) -> datetime:
    """The beginning of a minute in the past."""
    return now.replace(second=0, microsecond=0) - timedelta(minutes=ago)


def watched(platform: Platform, clock: Clock, probes: Probes, **changed: object) -> list[Watched]:
    """Watch until the clock stops it; returns the slices."""
    found: list[Watched] = []
    prober = Prober(timedelta(seconds=30), {"files/file": probes})
    options: dict[str, Any] = {"measure_every": None, "meter_every": None, **changed}
    wanted = Watch(platform=platform, prober=prober, clock=clock, listen=found.append, **options)
    watch(wanted, threading.Event())
    return found


def uptime(platform: Platform, port: str = SHOP) -> list[Observation]:
    """The recorded uptime of a port."""
    with Registry.open(platform.registry) as registry:
        return series(registry, platform.environment, port, "uptime", FIRST, LAST)
