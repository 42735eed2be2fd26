"""Products whose grants differ from the decisions, found by the timer from the registry alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import pytest

from alchemesh_platform.access.grants.pending import products_to_apply
from alchemesh_platform.registry.records import (
    AccessRequestRecord,
    GrantRecord,
    ManifestRecord,
    RequestState,
    RequestStep,
    TeamRecord,
)
from alchemesh_platform.registry.store import Registry

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
PRODUCT, PORT, TEAM, REQUEST = "aviation/flights", "aviation/flights/flights-table", "desk/night", "req-0a1b2c3d"


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    """A product whose last run succeeded and that grants access to a team of one person."""
    with Registry.open(f"sqlite:///{tmp_path / 'registry.db'}") as opened:
        opened.put(ManifestRecord(environment="prod", address=PRODUCT, root="/repo", document="{}"))
        put_team(opened, "bo@airport.example")
        put_request(opened, "granted")
        opened.put(grant("bo@airport.example", TEAM))
        ran(opened, "succeeded")
        yield opened


def put_team(registry: Registry, *members: str) -> None:
    team = TeamRecord(
        environment="prod",
        address=TEAM,
        domain="desk",
        name="night",
        team_kind="data_product_team",
        members=members,
    )
    registry.put(team)


def put_request(registry: Registry, state: RequestState, ends_at: datetime | None = None) -> None:
    request = AccessRequestRecord(
        environment="prod",
        address=REQUEST,
        product=PRODUCT,
        port=PORT,
        requester_kind="technical_team",
        requester=TEAM,
        purpose="reading",
        ends_at=ends_at,
        state=state,
        steps=(RequestStep(state=state, at=NOW, by="amelia@airport.example"),),
    )
    registry.put(request)


def grant(*behind: str) -> GrantRecord:
    return GrantRecord(
        environment="prod",
        address=REQUEST,
        product=PRODUCT,
        port=PORT,
        requester_kind="technical_team",
        requester=TEAM,
        behind=behind,
    )


def ran(registry: Registry, outcome: Literal["succeeded", "failed"] | None) -> None:
    begun = registry.start_deployment("prod", PRODUCT, "up", "amelia@airport.example")
    if outcome is not None:
        registry.finish_deployment(begun.id, outcome)


def test_a_product_that_matches_its_decisions_is_not_applied(registry: Registry) -> None:
    assert products_to_apply(registry, "prod", NOW) == []


def test_a_change_of_team_members_applies_the_product(registry: Registry) -> None:
    put_team(registry, "bo@airport.example", "di@airport.example")
    assert products_to_apply(registry, "prod", NOW) == [PRODUCT]
    put_team(registry, "bo@airport.example")
    assert products_to_apply(registry, "prod", NOW) == []


def test_a_moved_or_reached_end_applies_the_product(registry: Registry) -> None:
    put_request(registry, "granted", NOW + timedelta(days=1))
    assert products_to_apply(registry, "prod", NOW) == [PRODUCT]
    assert products_to_apply(registry, "prod", NOW + timedelta(days=2)) == [PRODUCT]


@pytest.mark.parametrize("outcome", ["failed", None], ids=["failed", "killed"])
def test_expired_access_is_checked_again_after_a_failed_run(
    registry: Registry, outcome: Literal["failed"] | None
) -> None:
    """A run deletes the record of a grant before its resources: an interrupted run leaves only the resources."""
    put_request(registry, "revoked")
    registry.remove(GrantRecord, "prod", REQUEST)
    assert products_to_apply(registry, "prod", NOW) == []
    ran(registry, outcome)
    assert products_to_apply(registry, "prod", NOW) == [PRODUCT]
    ran(registry, "succeeded")
    assert products_to_apply(registry, "prod", NOW) == []
