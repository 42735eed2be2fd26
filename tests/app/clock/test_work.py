"""The work of the clock on a busy machine: a launcher that cannot start, and other threads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from alchemesh_platform.app.clock.clock import AGAIN, TRIES, Clock, Ended
from alchemesh_platform.registry.store import Registry
from tests.app.clock.jobs import Home

ORDERS = "shop/orders"


class Recorder:
    """A scheduler that starts nothing, and keeps what it gets."""

    def __init__(self) -> None:
        self.jobs: list[dict[str, Any]] = []

    def add_job(self, work: Any, *_: Any, **options: Any) -> None:
        self.jobs.append({"work": work.__name__, **options})


def test_a_machine_that_starts_no_process_is_tried_again(tmp_path: Path) -> None:
    home, said, scheduler = Home(tmp_path), list[str](), Recorder()
    home.deploy(ORDERS)

    def start(_command: Sequence[str]) -> Ended:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    clock = Clock(home.platform, say=said.append, start=start, scheduler=scheduler)  # type: ignore[arg-type]
    clock.look()
    clock.work(ORDERS)
    assert said[-1] == f"{ORDERS} waits: a run cannot start here: Resource temporarily unavailable"
    last = scheduler.jobs[-1]
    assert (last["work"], last["args"]) == ("work", [ORDERS])
    assert clock.now() < last["run_date"] <= clock.now() + AGAIN


def test_a_run_of_another_product_may_fail_while_the_clock_looks_for_due_ones(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.deploy(ORDERS)
    clock = Clock(home.platform, scheduler=Recorder())  # type: ignore[arg-type]
    clock.look()

    class Tried(int):
        """A number of tries, whose reading another thread interrupts."""

        def __ge__(self, other: int) -> bool:
            clock._tries["shop/payments", "schedule", f"2026-01-01T00:00:0{len(clock._tries)}+00:00"] = 1
            return int(self) >= other

    at = "2026-01-01T00:00:00+00:00"
    clock._tries[ORDERS, "schedule", at] = Tried(TRIES)
    clock._tries["shop/payments", "schedule", at] = 1
    with Registry.open(home.platform.registry) as registry:
        due = clock.due(registry, clock._jobs[ORDERS])
    assert due is None or due.at.isoformat() > at
