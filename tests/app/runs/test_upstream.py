"""Runs that an upstream change makes due."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import pytest

from alchemesh_platform.app.runs.upstream import due_by_upstream
from alchemesh_platform.registry.records import Deployment, PortRecord
from alchemesh_platform.registry.store import Registry

UP, DOWN = "shop/orders", "finance/revenue"
START = datetime(2026, 11, 30, 6, tzinfo=UTC)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with Registry.open(f"sqlite:///{tmp_path / 'mesh.db'}") as opened:
        for port, origin, from_product in (("orders", f"{UP}/table", True), ("files", "finance/erp", False)):
            opened.put(
                PortRecord(
                    environment="local",
                    address=f"{DOWN}/{port}",
                    product=DOWN,
                    direction="input",
                    origin=origin,
                    from_product=from_product,
                )
            )
        yield opened


def ran(
    registry: Registry,
    product: str,
    begin: int,
    end: int | None,
    outcome: Literal["running", "succeeded", "failed"] = "succeeded",
    **written: int,
) -> str:
    """A run between two minutes; without an end, it still runs."""
    run = Deployment(
        id=f"{product.partition('/')[2]}-{begin}",
        environment="local",
        product=product,
        operation="run",
        started_at=START + timedelta(minutes=begin),
        finished_at=None if end is None else START + timedelta(minutes=end),
        outcome=outcome,
        actor="a",
        written={f"{port}/sale": rows for port, rows in written.items()},
    )
    return registry.add_run(run).id


def due(registry: Registry) -> str | None:
    return due_by_upstream(registry, "local", DOWN, on=("orders",))


def test_a_change_makes_one_run_due(registry: Registry) -> None:
    assert due(registry) is None
    change = ran(registry, UP, 0, 5, table=3)
    assert due(registry) == change
    ran(registry, DOWN, 6, None, "running")
    assert due(registry) is None, "the run that began has read the change"


def test_a_failed_run_is_not_repeated_for_the_same_change(registry: Registry) -> None:
    ran(registry, UP, 0, 5, table=3)
    ran(registry, DOWN, 6, 7, "failed")
    assert due(registry) is None


def test_a_change_during_a_run_makes_the_next_one_due(registry: Registry) -> None:
    ran(registry, UP, 0, 5, table=3)
    ran(registry, DOWN, 6, 10)
    second = ran(registry, UP, 7, 8, table=1)
    assert due(registry) == second


def test_several_changes_make_one_run_due(registry: Registry) -> None:
    ran(registry, UP, 0, 1, table=3)
    last = ran(registry, UP, 2, 3, table=3)
    assert due(registry) == last


def test_a_run_that_wrote_nothing_to_the_port_is_no_change(registry: Registry) -> None:
    ran(registry, UP, 0, 1, other=3, table=0)
    ran(registry, UP, 2, 3, "failed")
    ran(registry, UP, 4, None, "running")
    assert due(registry) is None
    assert due(registry) is None


def test_a_failed_run_that_wrote_rows_and_one_that_reports_no_rows_are_changes(registry: Registry) -> None:
    first = ran(registry, UP, 0, 1, "failed", table=3)
    assert due(registry) == first
    second = ran(registry, UP, 2, 3)
    assert due(registry) == second


def test_only_the_named_ports_of_other_products_count(registry: Registry) -> None:
    ran(registry, UP, 0, 5, table=3)
    assert due_by_upstream(registry, "local", DOWN, on=("files",)) is None
    assert due_by_upstream(registry, "local", DOWN) is None, "no manifest is recorded"
    assert due_by_upstream(registry, "dev", DOWN, on=("orders",)) is None
