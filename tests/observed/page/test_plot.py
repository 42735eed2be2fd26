"""The geometry of plots: gaps stay gaps, promises have a line, and axes have round ticks."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from alchemesh_platform.observed.page.plot import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Plot,
    Target,
    Tick,
    draw,
    draw_states,
    draw_verdicts,
    words_of,
)
from alchemesh_platform.registry.observations.history import History, Slot

SINCE = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
FLOOR = HEIGHT - BOTTOM
GAP, UNKNOWN, ERROR = "gap", "unknown", "error"


def history(*values: float | str | None, width: timedelta = HOUR) -> History:
    """A history of numbers; a text is a slot without a value."""
    slots = []
    for place, value in enumerate(values):
        start = SINCE + width * place
        if isinstance(value, str):
            counts = {GAP: (0, 0, 0), UNKNOWN: (1, 1, 0), ERROR: (2, 1, 1)}[value]
            slots.append(Slot(start, *counts))
        else:
            slots.append(Slot(start, 1, 0, 0, value, value, value))
    return History(SINCE, width, tuple(slots))


def points(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"[ML] ?([\d.]+) ([\d.]+)", path)]


def test_a_gap_ends_the_line_and_is_never_zero() -> None:
    plot = draw(history(10.0, 10.0, GAP, GAP, 10.0, 5.0), "seconds")

    first, second = (points(line) for line in plot.lines)
    assert (len(first), len(second)) == (2, 2)
    assert all(y < FLOOR for _, y in (*first, *second))
    assert plot.areas == plot.dots == ()


def test_a_slot_between_two_gaps_is_a_dot() -> None:
    plot = draw(history(GAP, 1.0, GAP), "ratio")

    (dot,) = plot.dots
    assert (plot.lines, dot.broken, dot.y) == ((), False, TOP)


def test_unknown_slots_and_errors_are_areas_with_different_kinds_and_signs() -> None:
    areas = draw(history(1.0, UNKNOWN, UNKNOWN, ERROR, 1.0), "ratio").areas

    assert [(area.kind, area.sign) for area in areas] == [("unknown", "?"), ("error", "!")]
    assert areas[0].width == 2 * areas[1].width


def test_slots_that_break_the_promise_get_a_mark() -> None:
    uptime = draw(history(1.0, 0.98, 1.0), "ratio", Target(0.995, at_least=True, label="99.5%"))
    latency = draw(history(0.1, 0.5, 0.3), "seconds", Target(0.3, at_least=False, label="300ms"))

    assert [dot.broken for dot in uptime.dots] == [dot.broken for dot in latency.dots] == [True]
    assert uptime.promise is not None
    assert latency.promise is not None
    assert uptime.promise.y < points(uptime.lines[0])[1][1], "98 % is below the line of the promise"
    assert latency.promise.y > points(latency.lines[0])[1][1], "500 ms is above it"


def labels(ticks: tuple[Tick, ...]) -> str:
    return ", ".join(tick.label for tick in ticks)


def test_ticks_are_round() -> None:
    assert labels(draw(history(0.991, 1.0), "ratio").y_ticks) == "99 %, 99.25 %, 99.5 %, 99.75 %, 100 %"
    assert labels(draw(history(1.0, 1.0), "ratio").y_ticks) == "99.5 %, 99.75 %, 100 %"
    assert labels(draw(history(0.0, 0.31), "seconds").y_ticks) == "0, 100 ms, 200 ms, 300 ms, 400 ms"
    assert labels(draw(history(7200.0, 9000.0), "seconds").y_ticks) == "0, 1 h, 2 h, 3 h"
    assert labels(draw(history(*[1.0] * 24), "ratio").x_ticks) == "00:00, 06:00, 12:00, 18:00, 00:00"
    month = draw(history(*[1.0] * 30, width=24 * HOUR), "ratio")
    assert labels(month.x_ticks) == "03-05, 03-12, 03-19, 03-26"
    years = draw(history(*[1.0] * 60, width=30 * 24 * HOUR), "ratio")
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d", tick.label) for tick in years.x_ticks)


def test_a_test_that_passed_and_failed_in_one_slot_is_mixed() -> None:
    both = Slot(SINCE, 2, 0, 0, 0.5, 0.0, 1.0)
    found = history(1.0, 0.0, GAP, ERROR)

    assert [area.kind for area in draw_verdicts(found).areas] == ["passed", "failed", "error"]
    assert [area.kind for area in draw_verdicts(History(SINCE, HOUR, (both,))).areas] == ["mixed"]


def test_a_state_holds_until_the_next_report_and_a_short_one_is_visible() -> None:
    def slot(place: int, state: str, worst: str) -> Slot:
        return Slot(SINCE + place * HOUR, 2, state=state, worst_state=worst)

    slots = (Slot(SINCE), slot(1, "operational", "down"), Slot(SINCE + 2 * HOUR), slot(3, "in_incident", "in_incident"))

    assert [area.kind for area in draw_states(History(SINCE, HOUR, slots)).areas] == [
        "down",
        "operational",
        "in_incident",
    ]


def test_a_plot_has_a_text() -> None:
    assert words_of(history(GAP, GAP), "ratio") == "No measurement."
    assert words_of(history(0.5, 1.0, GAP, ERROR), "ratio") == (
        "4 measurements, lowest 50 %, highest 100 %, 1 unknown, 1 failed, no measurement in 1 of 4 slots."
    )
    assert words_of(history(0.012), "seconds") == "1 measurement, lowest 12 ms, highest 12 ms."
    assert words_of(history(0.0, GAP), "state") == "1 report."


@given(
    st.lists(st.one_of(st.sampled_from([GAP, UNKNOWN, ERROR]), st.floats(0, 1)), min_size=1, max_size=40),
    st.sampled_from(["ratio", "seconds"]),
    st.floats(1e-6, 1e9),
)
def test_every_mark_is_inside_the_plot(values: list[float | str], scale: str, size: float) -> None:
    sized = [value * size if scale == "seconds" and isinstance(value, float) else value for value in values]
    plot: Plot = draw(history(*sized), scale)
    places = [point for path in (*plot.lines, *plot.bands) for point in points(path)]
    places += [(dot.x, dot.y) for dot in plot.dots]

    assert all(LEFT <= x <= WIDTH - RIGHT and TOP <= y <= FLOOR for x, y in places)
    assert sum(len(points(line)) for line in plot.lines) + len(plot.dots) == sum(
        not isinstance(value, str) for value in values
    )
    assert 2 <= len(plot.y_ticks) <= 8
    assert all(TOP - 0.1 <= tick.place <= FLOOR + 0.1 for tick in plot.y_ticks)
