"""The status as text: golden files, numbers and narrow terminals."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from alchemesh_cli.render.status import print_history, print_product, print_summaries
from alchemesh_cli.render.text.quantities import ago, at, counted, share, size, span, took
from alchemesh_platform.observed.models import (
    AssetStatus,
    CodeStatus,
    ConsumedStatus,
    ContractStatus,
    FreshnessStatus,
    IncidentStatus,
    InputStatus,
    MeasureStatus,
    NoticeStatus,
    OutputStatus,
    PartStatus,
    PlaceStatus,
    ProductStatus,
    ProductSummary,
    StateStatus,
    TableStatus,
)
from alchemesh_platform.registry.records import Deployment
from tests.observed.status.commitments import every_verdict

CASES = Path(__file__).with_name("cases")
NOW = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)
FLIGHTS = "aviation/flights"
SERVES = "answers in 5 ms; copy of 31 MB (limit 10 GB a table), current (limit 300 s)"


def deployment(operation: str, outcome: str, minutes_ago: float, **more: object) -> Deployment:
    started = NOW - timedelta(minutes=minutes_ago)
    return Deployment(
        id=f"{operation}-{minutes_ago}",
        environment="local",
        product=FLIGHTS,
        operation=operation,
        started_at=started,
        finished_at=None if outcome == "running" else started + timedelta(seconds=1.4),
        outcome=outcome,
        actor="amelia@laptop",
        **more,
    )


def part(component: str, component_type: str, health: str | None = "healthy", reason: str = "") -> PartStatus:
    return PartStatus(component=component, component_type=component_type, health=health, reason=reason)


HELD = {"rows": 336_776, "size_bytes": 31_200_000, "changed_at": NOW - timedelta(minutes=2)}


def measure(name: str, unit: str, outcome: str = "value", **more: object) -> MeasureStatus:
    return MeasureStatus(
        measure=name,
        unit=unit,
        outcome=outcome,
        measured_at=NOW - timedelta(days=8 if outcome == "stale" else 0, minutes=4),
        received_at=NOW,
        reported_by="amelia@laptop",
        **more,
    )


MEASURES = (
    measure("completeness", "ratio", good=336_775, total=336_776, value=336_775 / 336_776),
    measure("validity", "ratio", "stale", good=1, total=2, value=0.5, note="measured more than 7 days ago"),
    measure("accuracy", "ratio", "unknown", note="the reference is offline"),
    measure("timeliness", "ratio", "error", note="timed out"),
    measure("data_age", "seconds", value=7_500.0),
    measure("nothing_new", "event"),
)


def well() -> ProductStatus:
    return ProductStatus(
        environment="local",
        address=FLIGHTS,
        is_deployed=True,
        state=StateStatus(state="unknown", note="nobody reported a state"),
        health="healthy",
        team="flight-data",
        owner="amelia@airport.example",
        version="1.2.0",
        lifecycle="stable",
        description="Every departure from New York's airports, cleaned and joined with the weather.",
        last_deployment=deployment("up", "succeeded", 3, changes={"create": 9, "update": 1, "same": 3}),
        inputs=(
            InputStatus(
                name="departures",
                address=f"{FLIGHTS}/departures",
                origin="aviation/dispatch",
                health="healthy",
                parts=(part("local-files", "file-ingestion"),),
                tables=(TableStatus(name="files", **HELD),),
            ),
        ),
        needs=(
            PlaceStatus(
                name="workspace",
                health="healthy",
                parts=(part("local-directory", "object-storage", reason="12 files"),),
                tables=(TableStatus(name="files", size_bytes=66_871_234, changed_at=NOW - timedelta(days=3)),),
            ),
        ),
        code=CodeStatus(
            name="code",
            parts=(part("local-python", "python-job", None),),
            entrypoint="flights.clean:main",
            schedule="0 * * * *",
            time_zone="Europe/Amsterdam",
            engine="dagster",
            next_run_at=NOW + timedelta(minutes=5),
            runs=(
                deployment(
                    "run",
                    "succeeded",
                    2,
                    exit_status=0,
                    engine="dagster",
                    trigger="schedule",
                    attempt=2,
                    written={"flights-table/flight": 7},
                ),
                deployment("run", "cancelled", 60, trigger="backfill", attempt=1),
            ),
        ),
        outputs=(
            OutputStatus(
                name="flights-table",
                address=f"{FLIGHTS}/flights-table",
                health="healthy",
                parts=(part("delta-table", "columnar-table"), part("roapi", "data-api", reason=SERVES)),
                endpoints={"sql": "postgresql://127.0.0.1:5433/flights", "rest": "http://127.0.0.1:8091/api"},
                assets=(
                    AssetStatus(name="flight", address="a", measures=MEASURES, **HELD),
                    AssetStatus(name="weather", address="b"),
                ),
                contract=ContractStatus(version="2.0.0", lifecycle="active", access="restricted", notice_period="90d"),
                freshness=FreshnessStatus(promised="5m", lag_seconds=0, kept=True),
                notices=(reported("breaking-change", 10, "tail_number goes"), reported("deprecation", -10)),
            ),
            OutputStatus(
                name="raw",
                address=f"{FLIGHTS}/raw",
                health="healthy",
                parts=(part("local-directory", "object-storage", reason="12 files"),),
                tables=(TableStatus(name="files", size_bytes=31_200_000),),
            ),
        ),
    )


def reported(what: str, days: int, message: str = "") -> NoticeStatus:
    """A notice of a change that is allowed some days from now."""
    passes_at = NOW + timedelta(days=days)
    return NoticeStatus(
        what=what,
        version="2.0.0",
        given_at=passes_at - timedelta(days=90),
        given_by="amelia@airport.example",
        passes_at=passes_at,
        message=message,
    )


def ill() -> ProductStatus:
    status = well()
    table = status.outputs[0].model_copy(
        update={
            "health": "unhealthy",
            "freshness": FreshnessStatus(promised="5m", lag_seconds=301, kept=False),
            "parts": (
                part("delta-table", "columnar-table"),
                part("roapi", "data-api", "unhealthy", "port 8091 is dead"),
            ),
        }
    )
    code = status.code and status.code.model_copy(
        update={
            "runs": (
                deployment("run", "failed", 1, exit_status=3, output="reading\nTraceback:\nKeyError: 'tail_number'\n"),
                deployment("run", "succeeded", 2, exit_status=0),
            )
        }
    )
    departures = status.inputs[0].model_copy(
        update={"health": "unknown", "tables": (), "parts": (part("local-files", "file-ingestion", "unknown", "slow"),)}
    )
    return status.model_copy(
        update={
            "health": "unhealthy",
            "state": StateStatus(
                state="in_incident", note="the feed\nis late", at=NOW - timedelta(hours=1), reported_by="amelia@laptop"
            ),
            "inputs": (departures,),
            "outputs": (table,),
            "code": code,
            "last_deployment": deployment(
                "up", "failed", 3, problem="flights-table: port 8091 is taken by process 4711"
            ),
        }
    )


def rendered(draw: Callable[[Console], None], *, width: int = 100, **console: object) -> str:
    output = io.StringIO()
    draw(Console(file=output, width=width, highlight=False, **console))
    return output.getvalue()


def incident(state: str) -> IncidentStatus:
    taken = {"acknowledged_by": "amelia@airport.example", "snoozed_until": NOW + timedelta(hours=4)}
    return IncidentStatus(
        id=f"inc-{state[:4]}",
        port=f"{FLIGHTS}/flights-table",
        asset=f"{FLIGHTS}/flights-table/weather",
        name="update_frequency",
        state=state,
        since=NOW - timedelta(hours=3),
        promise="1h",
        value="3.2 h",
        **(taken if state == "acknowledged" else {}),
    )


def promised() -> ProductStatus:
    """A product whose port has commitments with every verdict, and which reads a port of another product."""
    consumed = ConsumedStatus(
        state=StateStatus(state="down", note="no feed", at=NOW - timedelta(hours=1), reported_by="amelia@laptop"),
        commitments=every_verdict()[2:4],
        incidents=(incident("open"),),
    )
    read = InputStatus(
        name="feed",
        address=f"{FLIGHTS}/feed",
        origin="aviation/feeds/radar",
        from_product=True,
        health="healthy",
        consumed=consumed,
    )
    port = OutputStatus(
        name="flights-table",
        address=f"{FLIGHTS}/flights-table",
        health="healthy",
        contract=ContractStatus(version="2.0.0", lifecycle="active", access="restricted"),
        commitments=every_verdict(),
        incidents=(incident("open"), incident("acknowledged")),
        freshness=FreshnessStatus(promised="5m", lag_seconds=0, kept=True),
        tests=(measure("test:no-future", "verdict", value=1.0), measure("test:unpromised", "verdict", value=0.0)),
    )
    return ProductStatus(environment="local", address=FLIGHTS, is_deployed=True, inputs=(read,), outputs=(port,))


@pytest.mark.parametrize(
    ("name", "status", "width"),
    [
        ("status-well.txt", well(), 100),
        ("status-ill.txt", ill(), 100),
        ("status-promises.txt", promised(), 100),
        ("status-promises-narrow.txt", promised(), 80),
    ],
)
def test_product_is_drawn_as_its_golden_file(name: str, status: ProductStatus, width: int, update: bool) -> None:
    drawn = rendered(lambda console: print_product(console, status, NOW), width=width)
    if update:
        (CASES / name).write_text(drawn, encoding="utf-8")
    assert drawn == (CASES / name).read_text(encoding="utf-8")
    assert max(len(line) for line in drawn.splitlines()) <= width


def test_meaning_is_in_words_and_marks_and_not_in_colour() -> None:
    plain = rendered(lambda console: print_product(console, ill(), NOW), no_color=True)
    coloured = rendered(
        lambda console: print_product(console, ill(), NOW), force_terminal=True, color_system="standard"
    )

    assert "\x1b[" not in plain
    assert "\x1b[31m" in coloured
    for word in ("✗ unhealthy", "✗ up failed", "unknown  local-files: slow", "unhealthy  roapi: port 8091 is dead"):
        assert word in plain


def test_addresses_are_never_cut_or_broken_by_a_narrow_terminal() -> None:
    narrow = rendered(lambda console: print_product(console, well(), NOW), width=30)

    assert "sql       postgresql://127.0.0.1:5433/flights\n" in narrow


def test_markup_in_texts_of_users_is_shown_as_text() -> None:
    status = well().model_copy(update={"description": "[bold red]not a style[/] :smile:"})

    assert "\n[bold red]not a style[/] :smile:\n" in rendered(lambda console: print_product(console, status, NOW))


def test_summaries_line_up() -> None:
    summaries = [
        ProductSummary(
            address=address,
            version="1.0.0",
            lifecycle=lifecycle,
            team="team",
            inputs=1,
            outputs=outputs,
            assets=outputs,
            last_deployment=last,
        )
        for address, lifecycle, outputs, last in (
            ("aviation/flights", "stable", 12, deployment("up", "succeeded", 600)),
            ("insight/x", "development", 1, deployment("destroy", "running", 600)),
            ("insight/y", "stable", 0, None),
        )
    ]

    assert rendered(lambda console: print_summaries(console, "local", summaries, NOW)).splitlines() == [
        "3 products  local",
        "",
        "aviation/flights  1.0.0 stable       1 in, 12 out  12 assets  ✓ up succeeded 9 h ago",
        "insight/x         1.0.0 development  1 in, 1 out   1 asset    … destroy running or killed, since 10 h ago",
        "insight/y         1.0.0 stable       1 in, 0 out   0 assets   · never deployed",
    ]


def test_history_shows_outcome_numbers_and_problem() -> None:
    acts = [
        deployment("up", "failed", 5, changes={"create": 3}, problem="port taken"),
        deployment("run", "running", 9),
    ]

    lines = rendered(lambda console: print_history(console, acts, with_product=True)).splitlines()

    assert lines[:2] == ["", "history"]
    assert lines[2].startswith(f"  ✗ {at(acts[0].started_at)}  ")
    assert lines[2].endswith("aviation/flights  up       failed     3 created · took 1.4 s · amelia@laptop")
    assert lines[3] == "    port taken"
    assert lines[4].endswith("aviation/flights  run      running or killed  amelia@laptop")
    assert rendered(lambda console: print_history(console, [], with_product=True)).splitlines()[2:] == [
        "  no operations yet"
    ]


@pytest.mark.parametrize(
    ("seconds", "reported"),
    [
        (-5, "just now"),
        (9, "just now"),
        (10, "10 s ago"),
        (59.9, "60 s ago"),
        (60, "1 min ago"),
        (3_599, "59 min ago"),
        (3_600, "1 h ago"),
        (86_400, "1 day ago"),
        (86_400 * 6, "6 days ago"),
        (86_400 * 7, "1 week ago"),
        (86_400 * 29, "4 weeks ago"),
        (86_400 * 30, "1 month ago"),
        (86_400 * 364, "12 months ago"),
        (86_400 * 365, "1 year ago"),
        (86_400 * 800, "2 years ago"),
    ],
)
def test_ages_are_shown_in_their_largest_unit(seconds: float, reported: str) -> None:
    assert ago(NOW - timedelta(seconds=seconds), NOW) == reported


@pytest.mark.parametrize(
    ("count", "reported"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1_000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (31_200_000, "31.2 MB"),
        (5_000_000_000, "5.0 GB"),
        (2 * 10**15, "2,000.0 TB"),
    ],
)
def test_sizes_are_shown_in_decimal_units(count: int, reported: str) -> None:
    assert size(count) == reported


@pytest.mark.parametrize(
    ("seconds", "reported"),
    [
        (0.04, "0.0 s"),
        (1.44, "1.4 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 0 s"),
        (192, "3 min 12 s"),
        (7_500, "2 h 5 min"),
    ],
)
def test_spans_of_time_are_shown_in_everyday_units(seconds: float, reported: str) -> None:
    assert took(seconds) == reported


def test_numbers_of_things_agree_with_their_noun() -> None:
    assert (counted(0, "row"), counted(1, "row"), counted(336_776, "row")) == ("0 rows", "1 row", "336,776 rows")


def test_retention_of_a_table_is_shown_with_what_is_overdue() -> None:
    table = TableStatus(name="flight", rows=3, retention=timedelta(days=7), overdue_files=2)
    assert shown_table(table) == "3 rows · former versions stay 7 days, none removed yet, 2 files overdue"
    done = TableStatus(name="flight", rows=3, retention=timedelta(days=7), vacuumed_at=NOW - timedelta(hours=2))
    assert shown_table(done) == "3 rows · former versions stay 7 days, removed 2 h ago"
    assert json.loads(done.model_dump_json())["retention"] == "7d"


def shown_table(table: TableStatus) -> str:
    port = OutputStatus(name="raw", address=f"{FLIGHTS}/raw", tables=(table,))
    status = well().model_copy(update={"outputs": (port,)})
    drawn = rendered(lambda console: print_product(console, status, NOW))
    return next(line for line in drawn.splitlines() if "former versions" in line).partition("flight    ")[2]


@pytest.mark.parametrize(
    ("good", "total", "shown"),
    [
        (0, 3, "0 %"),
        (1, 3, "33.33 %"),
        (990, 1000, "99 %"),
        (2, 2, "100 %"),
        (10**12 - 1, 10**12, "99.99 %"),
        (1, 10**12, "0 %"),
    ],
)
def test_a_share_is_rounded_down_so_that_only_all_are_100_percent(good: int, total: int, shown: str) -> None:
    assert share(good, total) == shown


def test_long_spans_are_shown_in_days() -> None:
    assert (span(30.0), span(86_400 * 1.5), span(86_400 * 12.9)) == ("30.0 s", "36 h 0 min", "12 days")
