"""The newest values of measures in a status: stale ones, unknown ones, and the reported state."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from alchemesh_platform.observed.measured import measure_statuses, stale_after, state_status
from alchemesh_platform.registry.observations.series import Observation

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PRODUCT = "aviation/flights"
ASSET = "aviation/flights/flights-table/flight"
DAILY = {"service_levels": {"update_frequency": "1d"}}


def observation(measure: str, *, hours: float = 0, subject: str = ASSET, **more: Any) -> Observation:
    found: dict[str, Any] = {
        "subject": subject,
        "kind": "asset",
        "measure": measure,
        "product": PRODUCT,
        "measured_at": NOW - timedelta(hours=hours),
        "received_at": NOW,
        "window": timedelta(0),
        "outcome": "value",
        "value": 0.5,
        "good": 1,
        "total": 2,
        "state": None,
        "note": "",
        "reported_by": "amelia@airport.example",
    }
    return Observation(**{**found, **more})


def test_a_value_is_stale_after_two_updates_or_a_week() -> None:
    assert stale_after(DAILY) == timedelta(days=2)
    assert stale_after(None) == stale_after({"service_levels": {}}) == timedelta(days=7)

    young, old = observation("validity", hours=48), observation("validity", hours=48.1)
    (fresh,) = measure_statuses([young], ASSET, DAILY, NOW)
    (stale,) = measure_statuses([old], ASSET, DAILY, NOW)
    assert (fresh.outcome, fresh.note, fresh.value) == ("value", "", 0.5)
    assert (stale.outcome, stale.note, stale.value) == ("stale", "measured more than 2 days ago", 0.5)


def test_unknown_and_failed_measures_keep_their_reason_at_any_age() -> None:
    unknown = observation("accuracy", hours=9999, outcome="unknown", value=None, good=None, total=None, note="offline")
    failed = observation("validity", outcome="error", value=None, good=None, total=None, note="timed out")

    assert [
        (each.measure, each.outcome, each.note) for each in measure_statuses([unknown, failed], ASSET, None, NOW)
    ] == [
        ("validity", "error", "timed out"),
        ("accuracy", "unknown", "offline"),
    ]


def test_measures_of_another_subject_stay_out_and_the_order_is_the_table_s() -> None:
    found = [observation("data_age"), observation("completeness"), observation("validity", subject=f"{ASSET}s")]

    assert [each.measure for each in measure_statuses(found, ASSET, None, NOW)] == ["completeness", "data_age"]


def test_a_product_without_a_report_has_an_unknown_state() -> None:
    reported = observation("state", subject=PRODUCT, state="down", note="no source", value=None, good=None, total=None)

    assert (state_status([], PRODUCT).state, state_status([], PRODUCT).note) == ("unknown", "nobody reported a state")
    assert (state_status([reported], PRODUCT).state, state_status([reported], PRODUCT).at) == ("down", NOW)
    withdrawn = observation("state", subject=PRODUCT, outcome="unknown", note="nobody looks", state=None)
    assert (state_status([withdrawn], PRODUCT).state, state_status([withdrawn], PRODUCT).note) == (
        "unknown",
        "nobody looks",
    )
