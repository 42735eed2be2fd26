"""Reports move from the spool into the registry: none is lost or doubled, and each sender needs a right."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alchemesh_platform.access.operating import operation_policies
from alchemesh_platform.deployment.code import reports as moving
from alchemesh_platform.deployment.code.reports import drain, drain_after, sender_of, spool_of
from alchemesh_platform.identity.identity import Identity, Mapped
from alchemesh_platform.measures.report import Report, reports_of
from alchemesh_platform.measures.spool import Spool
from alchemesh_platform.registry.observations.series import Added, latest, series
from alchemesh_platform.registry.store import Registry
from tests.access.airport import AMELIA, FLIGHTS, STRANGER, record_airport

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HERE = "local"
ASSET = f"{FLIGHTS}/restricted/flight"


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with Registry.open(f"sqlite:///{tmp_path / 'registry.db'}") as opened:
        record_airport(opened, HERE)
        assert operation_policies(opened, HERE)
        yield opened


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return spool_of(tmp_path, HERE, FLIGHTS)


def completeness(*goods: int) -> list[Report]:
    return [
        reports_of(
            FLIGHTS, ASSET, ratios={"completeness": (good, 100)}, measured_at=NOW + timedelta(seconds=good), now=NOW
        )[0]
        for good in goods
    ]


def in_registry(registry: Registry) -> list[tuple[int | None, str]]:
    found = series(registry, HERE, ASSET, "completeness", NOW, NOW + timedelta(minutes=2))
    return [(each.good, each.reported_by) for each in found]


def counts(added: Added) -> tuple[int, int, int]:
    return len(added.accepted), len(added.repeated), len(added.refused)


def test_reports_of_code_are_added_once_in_their_name(registry: Registry, spool: Spool) -> None:
    spool.keep(completeness(1, 2), NOW)

    assert counts(drain(registry, HERE, FLIGHTS, spool, NOW)) == (2, 0, 0)
    assert counts(drain(registry, HERE, FLIGHTS, spool, NOW)) == (0, 0, 0)
    spool.keep(completeness(2, 3), NOW)
    assert counts(drain(registry, HERE, FLIGHTS, spool, NOW)) == (1, 1, 0)
    assert in_registry(registry) == [(good, f"code of {FLIGHTS}") for good in (1, 2, 3)]
    assert spool.waiting() == 0


def test_a_kill_between_the_registry_and_the_spool_doubles_nothing(
    registry: Registry, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool.keep(completeness(1, 2, 3), NOW)

    class Killed(BaseException):
        pass

    def killed(self: Spool, *_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(Spool, "done", killed)
        drain(registry, HERE, FLIGHTS, spool, NOW)
    assert (spool.waiting(), len(in_registry(registry))) == (3, 3)

    assert counts(drain(registry, HERE, FLIGHTS, spool, NOW)) == (0, 3, 0)
    assert (spool.waiting(), len(in_registry(registry))) == (0, 3)


def test_code_reports_about_its_own_product_only(registry: Registry, spool: Spool) -> None:
    spool.keep(reports_of("operations/punctuality", state="down", now=NOW), NOW)

    refused = drain(registry, HERE, FLIGHTS, spool, NOW).refused
    assert [each.reason for each in refused] == [f"code of {FLIGHTS} may not report about operations/punctuality"]
    assert latest(registry, HERE, ["operations/punctuality"]) == []


def test_a_person_s_report_that_waited_needs_the_right_when_it_is_added(registry: Registry, spool: Spool) -> None:
    member = Identity(AMELIA, "https://login.example")
    pipeline = Identity(
        "repo:acme/flights", "https://ci.example", "flights", (Mapped((FLIGHTS,), operations=("report",)),)
    )
    stranger = Identity(STRANGER, "local")
    for number, identity in enumerate((member, pipeline, stranger), start=1):
        spool.keep(completeness(number), NOW, sender_of(identity))

    refused = drain(registry, HERE, FLIGHTS, spool, NOW).refused
    assert in_registry(registry) == [(1, AMELIA), (2, "repo:acme/flights")]
    (one,) = refused
    assert one.reason.startswith(f"{STRANGER} may not run report on {FLIGHTS} in {HERE}: only the product's team")


def test_a_registry_that_is_away_leaves_the_reports_in_the_spool(
    registry: Registry, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from alchemesh_platform.registry.unavailable import RegistryUnavailable

    def away(*_: Any) -> None:
        raise RegistryUnavailable("cannot reach the registry")

    spool.keep(completeness(1), NOW)
    notes: list[str] = []
    with monkeypatch.context() as patched:
        patched.setattr(moving, "add_measurements", away)
        drain_after(registry, HERE, FLIGHTS, spool, notes.append)
    assert notes == [f"1 report of {FLIGHTS} waits: cannot reach the registry"]

    drain_after(registry, HERE, FLIGHTS, spool, notes.append)
    assert len(notes) == 1
    assert spool.waiting() == 0


def test_a_refused_report_is_noted_and_the_others_are_added(registry: Registry, spool: Spool) -> None:
    wrong: Sequence[Report] = reports_of(
        FLIGHTS, "restricted/flihgt", ratios={"validity": (1, 2)}, measured_at=NOW, now=NOW
    )
    spool.keep([*wrong, *completeness(1)], NOW)
    notes: list[str] = []

    drain_after(registry, HERE, FLIGHTS, spool, notes.append)
    assert notes == [
        f"a report is refused: there is no asset {FLIGHTS}/restricted/flihgt in {HERE} (did you mean '{ASSET}'?)"
    ]
    assert [each.good for each in latest(registry, HERE, [FLIGHTS])] == [1]


@pytest.mark.parametrize(
    ("column", "content", "reason"),
    [
        ("document", "{", "it is no JSON of a report"),
        ("document", "[" * 20_000, "it is no JSON of a report"),
        ("document", '{"product": "aviation/flights"}', "subject: Field required"),
        ("sender", '{"mapped": [{}]}', "its sender cannot be read"),
        ("sender", "{", "its sender cannot be read"),
    ],
)
def test_a_report_that_cannot_be_read_is_set_aside_and_the_others_are_added(
    registry: Registry, spool: Spool, column: str, content: str, reason: str
) -> None:
    """One of another version held up all later reports of its product, and a damaged one stopped each run."""
    spool.keep(completeness(1, 2, 3), NOW)
    with closing(sqlite3.connect(spool.file)) as file, file:
        file.execute(f"UPDATE waiting SET {column} = ? WHERE number = 2", (content,))
    added = drain(registry, HERE, FLIGHTS, spool, NOW)

    assert [*(each.reason for each in added.refused), *spool.unreadable()] == [reason]
    assert (spool.waiting(), [good for good, _ in in_registry(registry)]) == (0, [1, 3])
    with closing(sqlite3.connect(spool.file)) as file:
        assert [row[0] for row in file.execute("SELECT reason FROM refused")] == [reason]


def test_a_damaged_spool_does_not_fail_a_run(registry: Registry, spool: Spool) -> None:
    spool.file.parent.mkdir(parents=True)
    spool.file.write_text("no database" * 100)
    notes: list[str] = []
    drain_after(registry, HERE, FLIGHTS, spool, notes.append)

    assert notes == [
        f"reports of {FLIGHTS} wait: the report cannot be kept in {spool.file}: file is not a database; "
        "move the file away: its reports can be rescued with sqlite3 FILE .recover"
    ]
