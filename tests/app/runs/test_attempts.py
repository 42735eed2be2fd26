"""Retries, and backfills of past intervals."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alchemesh_platform.app.product.run import run
from alchemesh_platform.app.runs.backfill import NoBackfill, backfill
from alchemesh_platform.app.runs.once import Retries, attempts
from alchemesh_platform.app.runs.since import BadMoment
from alchemesh_platform.app.runs.started import main
from alchemesh_platform.connections import Connections
from alchemesh_platform.identity.identity import Identity
from alchemesh_platform.platform_file.models import Platform
from alchemesh_platform.registry.records import Deployment, ProductRecord, RunDetails
from alchemesh_platform.registry.store import Registry
from tests.app.runs.deployed import ADA, PRODUCT, deploy_code
from tests.app.runs.test_engines import Scripted, engine
from tests.app.runs.test_started import _signals, options

__all__ = ["_signals", "engine"]
ACTOR = Identity(ADA, "local")
DAYS = [datetime(2025, 11, day, 6, tzinfo=UTC) for day in range(1, 6)]
# Fails on the third of November until a file is there.
FAILS_ON_THE_THIRD = """
import os, pathlib
day = os.environ["ALCHEMESH_INTERVAL_TO"][:10]
with open("days.txt", "a") as file:
    file.write(day + "\\n")
raise SystemExit(0 if day != "2025-11-03" or pathlib.Path("fixed").exists() else 5)
"""


def done(attempt: int, outcome: str) -> Deployment:
    return Deployment.model_validate(
        {
            "id": f"id-{attempt}",
            "environment": "local",
            "product": PRODUCT,
            "operation": "run",
            "started_at": DAYS[0],
            "outcome": outcome,
            "actor": ADA,
            "problem": None if outcome == "succeeded" else "it broke",
        }
    )


def test_failed_code_is_retried_after_the_delay_until_it_succeeds() -> None:
    started, lines, waits = list[tuple[int, str | None, str | None]](), list[str](), list[float]()

    def start(*, details: RunDetails, writes_as: str | None) -> Deployment:
        started.append((details.attempt, details.request, writes_as))
        return done(details.attempt, "succeeded" if details.attempt == 3 else "failed")

    last = attempts(start, RunDetails(request="q"), Retries(5, timedelta(minutes=2)), lines.append, waits.append)
    assert last.id == "id-3"
    assert started == [(1, "q", None), (2, "q", "id-1"), (3, "q", "id-1")], "all attempts write as the first one"
    assert waits == [120.0, 120.0]
    assert lines == [
        "attempt 1 of 6 failed: it broke; the next one starts in 2m",
        "attempt 2 of 6 failed: it broke; the next one starts in 2m",
    ]


@pytest.mark.parametrize(("outcome", "retries", "runs"), [("failed", 2, 3), ("cancelled", 2, 1), ("failed", 0, 1)])
def test_retries_end_with_their_number_and_with_a_cancelled_run(outcome: str, retries: int, runs: int) -> None:
    started = list[int]()

    def start(*, details: RunDetails, writes_as: str | None) -> Deployment:
        started.append(details.attempt)
        return done(details.attempt, outcome)

    attempts(start, RunDetails(), Retries(retries), lambda _line: None, lambda _seconds: None)
    assert len(started) == runs


def test_each_attempt_is_a_run_in_the_history_and_writes_as_the_first(tmp_path: Path) -> None:
    code = "import os\nprint(os.environ['ALCHEMESH_RUN'])\nraise SystemExit(2)\n"
    platform, descriptor = deploy_code(tmp_path, code, retries=1, retry_delay_seconds=0.0)
    assert main(options(descriptor)) == 2
    second, first = history(platform)
    assert (first.attempt, second.attempt) == (1, 2)
    assert first.output == second.output == f"{first.id}\n"
    assert first.request == second.request is not None


def test_an_engine_that_retries_by_itself_is_not_retried_and_its_attempts_write_as_the_first(tmp_path: Path) -> None:
    code = "import os\nprint(os.environ['ALCHEMESH_RUN'])\nraise SystemExit(2)\n"
    platform, descriptor = deploy_code(tmp_path, code, retries=3, retry_delay_seconds=0.0)
    assert main(options(descriptor, attempt=1)) == 2
    assert main(options(descriptor, attempt=2)) == 2
    second, first = history(platform)
    assert first.output == second.output == f"{first.id}\n"
    assert main(options(descriptor, engine_run="another", attempt=1)) == 2
    another = history(platform)[0]
    assert another.output == f"{another.id}\n"


def scheduled(folder: Path, code: str, schedule: str | None = "0 6 * * *", zone: str | None = None) -> Platform:
    platform, _ = deploy_code(folder, code)
    with Registry.open(platform.registry) as registry:
        record = registry.get(ProductRecord, "local", PRODUCT)
        assert record is not None
        assert record.code is not None
        connection = {**record.code["connection"], "schedule": schedule, "time_zone": zone}
        registry.put(record.model_copy(update={"code": {**record.code, "connection": connection}}))
    return platform


def history(platform: Platform) -> list[Deployment]:
    with Registry.open(platform.registry) as registry:
        return registry.deployments(PRODUCT, "local")


def test_a_backfill_runs_each_interval_in_order_and_continues_after_a_failure(tmp_path: Path) -> None:
    platform = scheduled(tmp_path, FAILS_ON_THE_THIRD)
    lines = list[str]()
    first = backfill(platform, PRODUCT, ACTOR, "2025-11-01..2025-11-06", report=lines.append)
    assert [(each.interval, each.outcome, each.trigger) for each in first.runs] == [
        ((DAYS[0] - timedelta(days=1), DAYS[0]), "succeeded", "backfill"),
        ((DAYS[0], DAYS[1]), "succeeded", "backfill"),
        ((DAYS[1], DAYS[2]), "failed", "backfill"),
    ]
    assert (first.skipped, first.left) == (0, 2)
    assert lines[0] == "run 1 of 5: 2025-10-31 06:00 to 2025-11-01 06:00 UTC"
    (tmp_path / "fixed").touch()
    second = backfill(platform, PRODUCT, ACTOR, "2025-11-01..2025-11-06", report=lines.append)
    assert (len(second.runs), second.skipped, second.left) == (3, 2, 0)
    assert "2 intervals of 5 succeeded before" in lines
    assert backfill(platform, PRODUCT, ACTOR, "2025-11-01..2025-11-06").runs == ()
    again = backfill(platform, PRODUCT, ACTOR, "2025-11-02..2025-11-03", again=True)
    assert [each.interval for each in again.runs] == [(DAYS[0], DAYS[1])]
    assert (tmp_path / "days.txt").read_text().split() == [f"2025-11-0{day}" for day in (1, 2, 3, 3, 4, 5, 2)]


def test_a_backfill_reads_its_days_in_the_time_zone_of_the_schedule(tmp_path: Path) -> None:
    platform = scheduled(tmp_path, "", "0 0 * * *", "Europe/Amsterdam")
    filled = backfill(platform, PRODUCT, ACTOR, "2025-11-02..2025-11-03")
    begin = datetime(2025, 11, 1, 23, tzinfo=UTC)
    assert [each.interval for each in filled.runs] == [(begin, begin + timedelta(days=1))]


def test_a_backfill_leaves_out_intervals_that_have_not_ended(tmp_path: Path) -> None:
    """It ran the code for days to come. The schedule then counted those days as done."""
    platform = scheduled(tmp_path, "", "0 0 1 1 *")
    filled = backfill(platform, PRODUCT, ACTOR, "2024-06-01..2999-01-01")
    [first, *_], last = [each.interval for each in filled.runs], filled.runs[-1].interval
    assert first == (datetime(2024, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC))
    assert last is not None
    assert last[1] <= datetime.now(UTC)


@pytest.mark.parametrize(
    ("schedule", "interval", "message"),
    [
        (None, "2025-11-01..2025-11-02", "the code of shop/orders has no schedule, whose intervals a backfill runs"),
        ("0 6 * * *", "2025-11-01..2025-11-01T05:00", "the schedule '0 6 * * *' has no time in"),
        ("* * * * *", "2024-11-01..2025-11-02", "2024-11-01..2025-11-02 has more than 10,000 intervals"),
        ("0 6 * * *", "2999-01-01..2999-02-01", "no interval of the schedule '0 6 * * *' in 2999-01-01..2999-02-01"),
        ("0 6 * * *", "2025-11-01", "found '2025-11-01', expected FROM..TO"),
    ],
)
def test_a_backfill_that_has_no_intervals_is_refused(
    tmp_path: Path, schedule: str | None, interval: str, message: str
) -> None:
    platform = scheduled(tmp_path, "", schedule)
    with pytest.raises((NoBackfill, BadMoment)) as refused:
        backfill(platform, PRODUCT, ACTOR, interval)
    assert refused.value.message.startswith(message)
    assert history(platform) == []


def test_an_engine_receives_the_interval_of_each_run(tmp_path: Path, engine: Scripted) -> None:
    platform = scheduled(tmp_path, "")
    engine.launches = True
    filled = backfill(platform, PRODUCT, ACTOR, "2025-11-02..2025-11-04")
    assert [each.interval for each in engine.started] == [(DAYS[0], DAYS[1]), (DAYS[1], DAYS[2])]
    assert [each.interval for each in filled.runs] == [(DAYS[0], DAYS[1]), (DAYS[1], DAYS[2])]


def test_code_reads_its_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    here = Connections(product=PRODUCT, environment="local")
    for name in ("ALCHEMESH_INTERVAL_FROM", "ALCHEMESH_INTERVAL_TO"):
        monkeypatch.delenv(name, raising=False)
    assert here.interval is None
    monkeypatch.setenv("ALCHEMESH_INTERVAL_FROM", DAYS[0].isoformat())
    monkeypatch.setenv("ALCHEMESH_INTERVAL_TO", DAYS[1].isoformat())
    assert here.interval == (DAYS[0], DAYS[1])


def test_a_run_that_needs_no_engine_keeps_its_record(tmp_path: Path) -> None:
    platform, _ = deploy_code(tmp_path, "")
    found: Any = run(platform, PRODUCT, ACTOR)
    assert found == history(platform)[0]
    assert (found.trigger, found.attempt, found.engine, found.request) == ("manual", 1, None, None)
