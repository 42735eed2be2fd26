"""`alchemesh usage`: by consumer, protocol and version; consumers see their own usage only."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alchemesh_cli.commands.usage import Since
from alchemesh_cli.main import invoke
from alchemesh_platform.app.usage.show import own_consumers, sees_all, usage
from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.identity.identity import Identity
from alchemesh_platform.platform_file.load import load_platform
from alchemesh_platform.platform_file.models import Platform
from alchemesh_platform.registry.records import DomainRecord, TeamRecord, UserRecord
from alchemesh_platform.registry.store import Registry
from alchemesh_platform.registry.usage.lines import UsageLine, add_lines, line_id
from alchemesh_platform.registry.usage.positions import Gap, move
from tests.registry.recorded import one_of_each
from tests.usage.test_metering import PORT, PRODUCT, access_request

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SPAN = ("--since", "2026-03-01", "--until", "2026-03-02")
OPS = "data_product:ops/punctuality"


def line(name: str, **changed: object) -> UsageLine:
    values: dict[str, object] = {
        "id": line_id("test", name),
        "product": PRODUCT,
        "port": PORT,
        "protocol": "rest",
        "consumer": OPS,
        "contract_version": "2.0.0",
        "hour": NOON,
        "requests": 4,
        "billable_requests": 3,
        "errors": 1,
        "bytes_out": 2_500,
        "rows": 12,
        "seconds": 0.2,
        "received_at": NOON,
        "source": "test",
    }
    return UsageLine(**{**values, **changed})  # type: ignore[arg-type]


@pytest.fixture
def platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Platform:
    monkeypatch.setenv("ALCHEMESH_HOME", str(tmp_path))
    monkeypatch.setenv("ALCHEMESH_USER", "amelia@airport.example")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    found = load_platform(None, "local", tmp_path)
    with Registry.open(found.registry) as registry:
        registry.write([*one_of_each("local"), access_request("local", "req-1")])
        add_lines(
            registry,
            "local",
            [
                line("a"),
                line("b", hour=NOON + timedelta(hours=1), rows=None),
                line("c", protocol="sql", errors=None, rows=None, requests=2),
                line("d", consumer="", requests=1, errors=1, rows=0, bytes_out=0, seconds=0),
                line("e", consumer="", own=True, requests=60, errors=0),
                line("f", hour=NOON - timedelta(days=1)),
                line("g", consumer="user:bob@bank.example\x1b[31m", contract_version=""),
            ],
        )
    return found


def test_usage_is_shown_by_consumer_protocol_and_version(
    platform: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["usage", PORT, *SPAN]) == 0

    head, titles, *rows, missing, unmetered = capsys.readouterr().out.splitlines()
    assert head == f"{PORT}  local  2026-03-01 00:00 to 2026-03-02 00:00 UTC"
    assert titles.split() == [
        "PORT",
        "CONSUMER",
        "PROTOCOL",
        "CONTRACT",
        "REQUESTS",
        "ERRORS",
        "BYTES",
        "ROWS",
        "MEAN",
        "TIME",
    ]
    assert [" ".join(row.split()) for row in rows] == [
        f"flights-table {OPS} rest 2.0.0 8 2 5.0 kB 12 + ? 50 ms",
        f"flights-table {OPS} sql 2.0.0 2 ? 2.5 kB ? 100 ms",
        "flights-table user:bob@bank.example\\u001b[31m rest - 4 1 2.5 kB 12 50 ms",
        "flights-table (no valid credential) rest 2.0.0 1 1 0 bytes 0 0 ms",
        "flights-table (own use and probes) rest 2.0.0 60 0 2.5 kB 12 3 ms",
    ]
    shown = "?: nothing counts the rows of SQL, BigQuery and broken streams, nor the errors of SQL"
    assert missing.strip() == shown
    assert unmetered == "  flights-table: usage unknown, it is not deployed yet"


def test_messages_of_a_topic_have_unknown_bytes_errors_and_time(
    platform: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = {"protocol": "kafka", "requests": 7, "rows": 7, "errors": None, "bytes_out": 0, "seconds": 0.0}
    with Registry.open(platform.registry) as registry:
        add_lines(registry, "local", [line("h", **changed)])
    assert invoke(["usage", PORT, *SPAN]) == 0
    shown = capsys.readouterr().out
    assert f"flights-table {OPS} kafka 2.0.0 7 ? ? 7 -" in [" ".join(each.split()) for each in shown.splitlines()]
    assert "  ?: nothing counts the bytes, the errors and the time of messages\n" in shown

    assert invoke(["usage", PRODUCT, *SPAN, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    (found,) = [each for each in document["usage"] if each["protocol"] == "kafka"]
    assert (found["bytes_out"], found["errors"], found["rows"]) == (None, None, 7)


def test_usage_is_printed_as_one_document(platform: Platform, capsys: pytest.CaptureFixture[str]) -> None:
    with Registry.open(platform.registry) as registry:
        gap = Gap(PRODUCT, PORT, f"{PORT}#web-log", NOON, NOON + timedelta(hours=1), "the log was removed")
        assert move(registry, "local", f"{PORT}#web-log", PORT, None, {}, [], [gap])
    assert invoke(["usage", PRODUCT, *SPAN, "--json"]) == 0

    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "alchemesh/usage/1"
    (found,) = [each for each in document["usage"] if (each["consumer"], each["protocol"]) == (OPS, "rest")]
    assert (found["requests"], found["billable_requests"], found["rows"], found["rows_unknown"]) == (8, 6, 12, 4)
    assert document["gaps"] == [
        {
            "port": PORT,
            "since": "2026-03-01T12:00:00+00:00",
            "until": "2026-03-01T13:00:00+00:00",
            "reason": "the log was removed",
        }
    ]
    assert [each["source"] for each in document["readings"]] == [f"{PORT}#web-log"]
    assert document["unmetered"] == {PORT: "it is not deployed yet"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["usage", "aviation/flights/flihgts-table"],
            "there is no output port aviation/flights/flihgts-table in local",
        ),
        (["usage", "aviation/trains"], "there is no product with output ports aviation/trains in local"),
        (["usage", PORT, "--since", "yesterday"], "expected a date such as 2026-03-01, or an age"),
        (
            ["usage", PORT, "--since", "2026-03-01T10:00"],
            "'2026-03-01T10:00' has no time zone: write 2026-03-01T10:00Z",
        ),
        (["incidents", "show", "\udcff"], "an argument is no text in UTF-8"),
        (["usage", PORT, "--since", "2999-01-01"], "--since is not in the past"),
        (["usage", PORT, "--since", "0001-01-01T00:00:00+14:00"], "before the year 1 or after the year 9999 in UTC"),
        (["usage", PORT, "--since", "1d", "--until", "9999-12-31T23:00:00-14:00"], "after the year 9999 in UTC"),
        (["usage", PORT, "--since", "1d", "--until", "2d"], "--until is not later than --since"),
    ],
)
def test_a_wrong_address_or_time_is_explained(
    platform: Platform, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert invoke(arguments) == ExitCode.USAGE
    assert message in capsys.readouterr().err


def test_a_date_begins_in_utc_and_an_age_ends_now() -> None:
    since, before = Since(), datetime.now(UTC)
    assert since.convert("2026-03-01", None, None) == datetime(2026, 3, 1, tzinfo=UTC)
    assert since.convert("2026-03-01T10:00+02:00", None, None) == datetime(2026, 3, 1, 8, tzinfo=UTC)
    assert before <= since.convert("24h", None, None) + timedelta(hours=24) <= datetime.now(UTC)


def test_a_consumer_sees_its_own_usage_and_the_team_sees_all(platform: Platform) -> None:
    with Registry.open(platform.registry) as registry:
        registry.write(
            [
                DomainRecord(
                    environment="local", address="aviation", type="source_aligned", owner="amelia@airport.example"
                ),
                DomainRecord(environment="local", address="ops", type="consumer_aligned", owner="olga@ops.example"),
                TeamRecord(
                    environment="local",
                    address="aviation/flight-data",
                    domain="aviation",
                    name="flight-data",
                    team_kind="data_product_team",
                    members=("member@airport.example",),
                ),
                *(
                    UserRecord(environment="local", address=each, name=each)
                    for each in ("member@airport.example", "olga@ops.example", "bob@bank.example", "stranger@x.example")
                ),
                access_request("local", "req-2", "user", "bob@bank.example"),
            ]
        )

    def seen(person: str) -> set[str]:
        found = usage(platform, Identity(person, "local"), PORT, NOON, NOON + timedelta(hours=1))
        return {each.consumer for each in found.totals}

    assert OPS in seen("member@airport.example")
    assert "" in seen("amelia@airport.example")
    assert seen("olga@ops.example") == {OPS}
    assert seen("stranger@x.example") == set()
    with Registry.open(platform.registry) as registry:
        bob = Identity("bob@bank.example", "local")
        assert not sees_all(registry, "local", bob, PRODUCT)
        assert own_consumers(registry, "local", bob, PRODUCT) == {"user:bob@bank.example"}
