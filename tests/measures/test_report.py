"""Reports: what is consistent, what is refused, and ids that follow from the content."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from alchemesh_platform.measures.measure import MEASURES, RESPONSE_TIME, UPTIME, measure_of, of_protocol
from alchemesh_platform.measures.report import (
    OLDEST,
    SKEW,
    Report,
    ReportRefused,
    check_time,
    read_report,
    reports_of,
)
from alchemesh_platform.measures.state import PRECEDENCE, State, worst

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
EARLIEST = "0001-01-01T00:00:00"
PRODUCT = "aviation/flights"
ASSET = "aviation/flights/flights-table/flight"


def ratio(**changed: Any) -> dict[str, Any]:
    document = {
        "product": PRODUCT,
        "subject": ASSET,
        "measure": "completeness",
        "measured_at": NOW.isoformat(),
        "good": 990,
        "total": 1000,
        **changed,
    }
    return {name: value for name, value in document.items() if value is not None}


def refusal(document: dict[str, Any]) -> str:
    with pytest.raises(ReportRefused) as refused:
        read_report(document)
    return str(refused.value)


def test_a_ratio_has_both_counts_and_its_value() -> None:
    report = read_report(ratio())

    assert (report.good, report.total, report.number, report.kind) == (990, 1000, 0.99, "asset")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"good": 1001}, "completeness: 1,001 good of 1,000 is impossible"),
        ({"good": -1}, "good: Input should be greater than or equal to 0"),
        ({"good": 0, "total": 0}, "completeness: 0 of 0 is no ratio; report it as unknown with the reason"),
        ({"total": None}, "completeness is a ratio, so it needs `good` and `total`"),
        ({"value": 0.99}, "completeness: `good` and `total` give the value, so leave `value` out"),
        ({"measure": "completness"}, "there is no measure 'completness'; did you mean 'completeness'?"),
        (
            {"subject": PRODUCT},
            "aviation/flights is the address of a product, and completeness is a measure of a model",
        ),
        ({"subject": "retail/orders/table/order"}, "retail/orders/table/order does not belong to aviation/flights"),
        ({"measured_at": "2026-03-01T12:00:00"}, "measured_at: Input should have timezone info"),
        ({"outcome": "unknown"}, "completeness is unknown, so `note` must give the reason"),
        ({"outcome": "error", "note": "no reach"}, "completeness is error, so it has no value"),
        ({"measure": "data_age"}, "data_age needs `value`, a number of seconds that is not negative"),
        ({"measure": "data_age", "value": float("nan")}, "value: Input should be a finite number"),
        ({"good": 10**18 + 1, "total": 10**19}, "good: Input should be less than or equal to 1000000000000000000"),
        ({"measure": "data_age", "value": 1e300}, "value: Input should be less than or equal to 1000000000000000000"),
        ({"measure": "data_age", "value": 5}, "data_age has no `good` and no `total`"),
        ({"measure": "nothing_new", "good": None}, "nothing_new has no `total`"),
        ({"outcome": "unknown", "note": "locked", "good": None}, "completeness is unknown, so it has no value"),
        ({"state": "down"}, "completeness has no `state`"),
        ({"id": "nightly\r\nrun"}, "an id has printable characters only"),
        ({"note": "a\0b"}, "a text has a NUL character, which databases cannot keep"),
        ({"note": "\ud800"}, "note: Input should be a valid string, unable to parse raw data as a unicode string"),
        (
            {"measured_at": "0001-01-01T00:00:00+14:00"},
            "measured_at: found a time before the year 1 or after the year 9999 in UTC",
        ),
        ({"surprise": 1}, "surprise: Extra inputs are not permitted"),
        ({"note": "x" * 2001}, "note: String should have at most 2000 characters"),
        ({"window_seconds": -1}, "window_seconds: Input should be greater than or equal to 0"),
    ],
)
def test_an_impossible_report_is_refused_with_its_reason(changed: dict[str, Any], message: str) -> None:
    assert refusal(ratio(**changed)) == message


def test_a_state_needs_one_of_the_three_states() -> None:
    document = {"product": PRODUCT, "subject": PRODUCT, "measure": "state", "measured_at": NOW.isoformat()}

    assert refusal(document) == "state needs `state`: operational, in_incident, down"
    assert "Input should be 'operational', 'in_incident' or 'down'" in refusal({**document, "state": "fine"})
    assert read_report({**document, "state": "down", "note": "no source"}).state == "down"


def test_the_same_report_has_the_same_id_in_every_time_zone() -> None:
    one = read_report(ratio())
    other = read_report(ratio(measured_at=NOW.astimezone(timezone(timedelta(hours=5))).isoformat()))

    assert (one.key, one.digest) == (other.key, other.digest)
    assert read_report(ratio(good=991)).key == one.key
    assert read_report(ratio(good=991)).digest != one.digest
    assert read_report(ratio(measured_at=(NOW + timedelta(seconds=1)).isoformat())).key != one.key
    assert read_report(ratio(id="nightly-2026-03-01")).key == "nightly-2026-03-01"


@given(good=st.integers(0, 10**12), bad=st.integers(0, 10**12), seconds=st.integers(-(10**6), 10**6))
def test_every_consistent_ratio_survives_its_json(good: int, bad: int, seconds: int) -> None:
    total = good + bad
    assume(total > 0)
    report = read_report(ratio(good=good, total=total, measured_at=(NOW + timedelta(seconds=seconds)).isoformat()))

    for window in (0, 0.0, 60):
        sent = read_report(ratio(good=good, total=total, window_seconds=window, measured_at=report.measured_at))
        received = Report.model_validate_json(sent.model_dump_json(exclude_defaults=True))
        assert received == Report.model_validate_json(sent.model_dump_json()) == sent
        assert (received.key, received.digest) == (sent.key, sent.digest)
        assert (received.key == report.key) == (window == 0)
    assert 0 <= (report.number or 0) <= 1


def test_a_report_of_the_future_or_of_more_than_a_year_ago_is_refused() -> None:
    report = read_report(ratio())
    check_time(report, NOW - SKEW)
    check_time(report, NOW + OLDEST)

    with pytest.raises(ReportRefused, match=r"which is 301 s in the future") as ahead:
        check_time(report, NOW - SKEW - timedelta(seconds=1))
    assert ahead.value.hint == "check the clock and the time zone of the machine that measured it"
    with pytest.raises(ReportRefused, match="reports older than 365 days are not accepted"):
        check_time(report, NOW + OLDEST + timedelta(seconds=1))


def test_one_call_reports_several_measures() -> None:
    reports = reports_of(
        PRODUCT,
        "flights-table/flight",
        ratios={"completeness": (990, 1000), "validity": (0, 0)},
        newest_event=NOW - timedelta(minutes=7),
        nothing_new=True,
        unknown={"accuracy": "the reference is offline"},
        now=NOW,
    )

    assert [(each.measure, each.subject, each.outcome, each.number, each.note) for each in reports] == [
        ("completeness", ASSET, "value", 0.99, ""),
        ("validity", ASSET, "unknown", None, "the table has no rows"),
        ("data_age", ASSET, "value", 420.0, ""),
        ("nothing_new", ASSET, "value", None, ""),
        ("accuracy", ASSET, "unknown", None, "the reference is offline"),
    ]


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ({}, "the report has no value"),
        ({"note": "no state"}, "a note belongs to a state, so `state` is missing"),
        ({"state": "down", "measured_at": datetime(2026, 3, 1)}, "measured_at has no time zone"),
        ({"newest_event": datetime(2026, 3, 1)}, "newest_event has no time zone"),
        ({"newest_event": NOW + timedelta(minutes=6)}, "newest_event is 360 s later than the measurement"),
        ({"ratios": {"validity": 0.9}}, "validity: expected two counts, good and total, such as (990, 1000)"),
        (
            {"ratios": {"validity": (1, 2), "accuracy": (1, 2)}, "id": "12345678"},
            "an id names one report, and this call has several",
        ),
    ],
)
def test_a_call_without_a_usable_value_is_refused(given_: dict[str, Any], message: str) -> None:
    with pytest.raises(ReportRefused) as refused:
        reports_of(PRODUCT, "flights-table/flight", **given_, now=NOW)
    assert refused.value.message == message


def test_states_have_one_precedence() -> None:
    assert PRECEDENCE == ("down", "in_incident", "maintenance", "unknown", "operational")
    assert worst([]) == "unknown"
    for place, state in enumerate(PRECEDENCE):
        below: tuple[State, ...] = PRECEDENCE[place:]
        assert worst(reversed(below)) == state


def test_every_measure_says_its_formula_its_source_and_what_makes_it_unknown() -> None:
    for measure in MEASURES.values():
        assert all((measure.formula, measure.source, measure.unknown_when)), measure.name


@pytest.mark.parametrize("name", ["uptime", "uptime:rest", "response_time:sql"])
def test_a_probe_has_a_measure_for_each_protocol(name: str) -> None:
    value = {"good": 1, "total": 1} if name.startswith("uptime") else {"value": 0.2, "good": None, "total": None}
    report = read_report(ratio(subject="aviation/flights/flights-table", measure=name, window_seconds=60, **value))

    assert (report.kind, report.measure) == ("contract", name)
    assert refusal(ratio(measure=name, **value)) == (
        f"{ASSET} is the address of a model, and {name.partition(':')[0]} is a measure of a port"
    )


def test_a_port_with_one_protocol_has_plain_names() -> None:
    assert of_protocol(UPTIME, "rest", ["rest"]) == "uptime"
    assert of_protocol(RESPONSE_TIME, "rest", ["rest", "sql"]) == "response_time:rest"
    assert [measure_of(each) for each in ("uptime:", "uptime:REST", "state:rest")] == [None, None, None]
