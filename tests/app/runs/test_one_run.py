"""A product has one run at a time, on all machines that share a registry."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alchemesh_platform.app.product.run import run
from alchemesh_platform.identity.identity import Identity
from alchemesh_platform.registry.records import Deployment, RunDetails
from alchemesh_platform.registry.store import Registry
from tests.app.runs.deployed import ADA, PRODUCT, deploy_code

FAR = "far/1 1 1.0"


def elsewhere(registry: Registry, seen: datetime | None) -> None:
    """A run that another machine has begun, and that it reported last at a time."""
    now = datetime.now(UTC)
    registry.add_run(
        Deployment(
            id="far",
            environment="local",
            product=PRODUCT,
            operation="run",
            started_at=now,
            actor=ADA,
            process=FAR,
            seen_at=seen,
        )
    )


@pytest.mark.parametrize(
    ("age", "begins"),
    [(timedelta(0), False), (timedelta(minutes=10), True), (None, True)],
    ids=["it reports", "it was killed", "it has an earlier version"],
)
def test_a_run_begins_after_the_end_of_a_run_on_another_machine(
    tmp_path: Path, age: timedelta | None, begins: bool
) -> None:
    with Registry.open(f"sqlite:///{tmp_path / 'mesh.db'}") as registry:
        elsewhere(registry, None if age is None else datetime.now(UTC) - age)
        found, begun = registry.start_run("local", PRODUCT, ADA, details=RunDetails())
        assert begun is begins
        assert (found.id == "far") is not begins
        assert registry.start_run("local", "shop/visits", ADA, details=RunDetails())[1]


def test_a_run_of_another_home_of_this_machine_goes_on(tmp_path: Path) -> None:
    """A run ended the record of a run of another home that was not finished, and both wrote at once."""
    with Registry.open(f"sqlite:///{tmp_path / 'mesh.db'}") as registry:
        other, _ = registry.start_run("local", PRODUCT, ADA, details=RunDetails())
        registry.end_killed("local", PRODUCT, ("run",), living=False)
        assert registry.start_run("local", PRODUCT, ADA, details=RunDetails()) == (registry.deployment(other.id), False)
        registry.end_killed("local", PRODUCT, ("run",))
        assert registry.start_run("local", PRODUCT, ADA, details=RunDetails())[1]


def test_a_run_waits_for_another_machine_and_says_so(tmp_path: Path) -> None:
    platform, _ = deploy_code(tmp_path, "")
    lines, waits, done = list[str](), threading.Event(), list[object]()

    def report(line: str) -> None:
        lines.append(line)
        waits.set()

    with Registry.open(platform.registry) as registry:
        elsewhere(registry, datetime.now(UTC))
        thread = threading.Thread(
            target=lambda: done.append(run(platform, PRODUCT, Identity(ADA, "local"), report=report))
        )
        thread.start()
        assert waits.wait(60)
        [waiting] = registry.deployments(PRODUCT, "local")
        assert waiting.id == "far", "a run that waits has not begun"
        registry.finish_deployment("far", "succeeded")
        thread.join(60)
    assert lines == ["another run of shop/orders in local is not finished on far: this one waits for it"]
    [finished] = done
    assert isinstance(finished, Deployment)
    assert finished.outcome == "succeeded"
