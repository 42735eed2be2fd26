"""Measurements open, close and reopen incidents, in whatever order they arrive and however often a process dies."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from alchemesh_platform.incidents import evaluate as evaluating
from alchemesh_platform.incidents.evaluate import KEPT, add_measurements, end_unpromised, evaluate
from alchemesh_platform.incidents.store import open_incidents
from alchemesh_platform.registry.observations.series import add_reports
from alchemesh_platform.registry.records import ContractRecord
from alchemesh_platform.registry.store import Registry
from alchemesh_platform.registry.tables import incident_due, incident_events, incident_points
from tests.incidents.conftest import RULES, Story, at, reported
from tests.levels.promised import NOW, PORT, PRODUCT, measured, promise


def number_of(story: Story, table: object) -> int:
    query = select(func.count()).select_from(table).where(table.c.environment == story.environment)  # type: ignore[attr-defined,arg-type]
    with story.registry.reading() as connection:
        return int(connection.execute(query).scalar_one())


def test_two_failed_tests_open_an_incident_three_passed_ones_close_it_and_a_recurrence_reopens_it(story: Story) -> None:
    story.report("b")
    assert story.incidents() == []
    story.report("b", start=1)
    (incident,) = story.incidents()
    assert (incident.state, incident.began_at, incident.opened_at) == ("open", at(0), at(1))
    assert (incident.product, incident.facts.port, incident.facts.name) == (PRODUCT, PORT, "test:rows")
    assert (incident.facts.promise, incident.facts.value) == ("mustBeGreaterThan 0", "failed")

    story.report("kk", start=2)
    assert story.states() == ["open"]
    story.report("k", start=4)
    assert story.states() == ["closed"]
    story.report("bb", start=19)
    assert story.kinds() == [["opened", "closed", "reopened"]]
    story.report("kkk", start=21)
    story.report("bb", start=39)
    assert story.kinds() == [["opened", "closed", "reopened", "closed"], ["opened"]]
    assert number_of(story, incident_events) == 5


def test_commitments_have_their_own_incidents_and_one_open_each(story: Story) -> None:
    story.report("bbbb")
    story.report("bb", start=10, test="nulls")
    names = [each.facts.name for each in open_incidents(story.registry, story.environment, [PRODUCT])]
    assert names == ["test:rows", "test:nulls"]


def test_assets_of_one_contract_have_their_own_incidents(registry: Registry, environment: str) -> None:
    promise(registry, environment=environment, assets=("flight", "airport"), service_levels={"update_frequency": "1h"})
    story = Story(registry, environment)
    for minutes in (0, 1):
        story.add([measured("change_age", at(minutes), f"{PORT}/airport", value=7200)])
        story.add([measured("change_age", at(minutes), f"{PORT}/flight", value=60)])
    (incident,) = story.incidents()
    assert incident.facts.asset == f"{PORT}/airport"


def test_unknown_values_and_errors_neither_open_nor_close_an_incident(story: Story) -> None:
    story.report("bueb")
    assert story.states() == ["open"]
    story.report("kukek", start=10)
    assert story.states() == ["closed"]


def test_a_failed_test_that_only_warns_opens_no_incident(story: Story) -> None:
    story.report("bbb", test="hint")
    assert story.incidents() == []


def test_the_same_report_again_changes_nothing(story: Story) -> None:
    story.report("b")
    story.report("b")
    assert story.incidents() == []
    story.report("b", start=1)
    story.report("bb")
    assert (story.states(), number_of(story, incident_events)) == (["open"], 1)


def test_late_reports_recompute(story: Story) -> None:
    story.report("b.b".replace(".", ""), every=2)  # at 0 and 2
    assert story.states() == ["open"]
    story.report("k", start=1)  # between them: they are not two in a row
    assert story.states() == ["withdrawn"]
    assert number_of(story, incident_events) == 2  # opened, and closed for those that know of it
    story.report("b", start=0.5)  # and now they are
    assert story.states() == ["open"]
    assert story.incidents()[0].opened_at == at(0.5)


def test_a_late_report_moves_the_opening_without_a_notification(story: Story) -> None:
    story.report("bb", start=5)
    story.report("b", start=3)
    (incident,) = story.incidents()
    assert (incident.began_at, incident.opened_at) == (at(3), at(5))
    story.report("b", start=4)
    assert story.incidents()[0].opened_at == at(4)
    assert number_of(story, incident_events) == 1


@pytest.mark.parametrize("seed", range(2))
def test_any_order_of_arrival_gives_the_same_incidents(story: Story, seed: int) -> None:
    verdicts = "bkbbkkkbbukkkbbk"
    reports = [reported(letter, place) for place, letter in enumerate(verdicts)]
    random.Random(seed).shuffle(reports)
    for start in range(0, len(reports), 3):
        story.add(reports[start : start + 3])
    found = [[change.kind for change in each.changes] for each in story.incidents() if each.state != "withdrawn"]
    assert found == [["opened", "closed", "reopened", "closed", "reopened"]]
    times = [change.at for each in story.incidents() if each.state != "withdrawn" for change in each.changes]
    assert times == [at(3), at(6), at(8), at(12), at(14)]


def test_many_reports_at_once_are_evaluated_at_each_of_their_times(story: Story) -> None:
    story.add([reported(letter, place) for place, letter in enumerate("bbkkkkkkbb")])
    assert story.kinds() == [["opened", "closed", "reopened"]]


def test_an_evaluation_that_was_killed_is_made_up_for(story: Story) -> None:
    add_reports(story.registry, story.environment, [reported("b", 0)], "platform", at(1))
    add_reports(story.registry, story.environment, [reported("b", 1)], "platform", at(2))  # killed before evaluation
    assert story.incidents() == []
    story.report("u", start=3, test="nulls")
    assert story.states() == ["open"]
    assert number_of(story, incident_due) == 0


def test_a_kill_within_an_evaluation_rolls_it_back(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    story.report("b")

    class Killed(BaseException):
        pass

    def die(*_arguments: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(evaluating, "_record", die)
        with pytest.raises(Killed):
            story.report("b", start=1)
    assert (story.incidents(), number_of(story, incident_due), number_of(story, incident_points)) == ([], 1, 1)
    evaluate(story.registry, story.environment, [PRODUCT], at(2))
    assert story.states() == ["open"]


def test_processes_that_evaluate_at_once_open_one_incident(story: Story, registry_url: str) -> None:
    reports = [reported("b", minutes) for minutes in range(6)]

    def add(number: int) -> None:
        with Registry.open(registry_url) as registry:
            for report in reports[number::3]:
                add_measurements(registry, story.environment, [report], "platform", at(10))

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(add, range(3)))
    (incident,) = story.incidents()
    assert (incident.began_at, incident.opened_at, incident.state) == (at(0), at(1), "open")
    assert number_of(story, incident_events) == 1
    assert number_of(story, incident_due) == 0


def test_a_promise_that_is_withdrawn_ends_its_incident(story: Story) -> None:
    story.report("bb")
    promise(story.registry, environment=story.environment, quality=RULES[1:])
    story.report("k", start=2, test="nulls")
    (incident,) = story.incidents()
    assert (incident.state, incident.facts.reason) == ("closed", "the contract no longer promises it")


def test_the_incidents_of_a_removed_product_end(story: Story) -> None:
    story.report("bb")
    story.registry.remove(ContractRecord, story.environment, PORT)
    end_unpromised(story.registry, story.environment, PRODUCT, at(5))
    assert story.states() == ["closed"]


def test_a_report_about_a_time_long_ago_changes_no_incident(story: Story) -> None:
    now = NOW + KEPT + timedelta(hours=1)
    story.add([reported("b", 0)], now)
    story.add([reported("b", 1)], now)
    assert story.incidents() == []
    assert number_of(story, incident_due) == 0


def test_points_are_kept_as_long_as_late_reports_count(story: Story) -> None:
    story.report("kkk")
    story.add([reported("k", 60 * 24 * 8)])
    assert number_of(story, incident_points) == 1


def test_an_uptime_promise_that_is_broken_opens_an_incident(registry: Registry, environment: str) -> None:
    promise(registry, environment=environment, service_levels={"uptime": "99%", "window": "1h"})
    story = Story(registry, environment)
    for minutes, up in enumerate([1, 1, 0, 0]):
        story.add([measured("uptime", at(minutes), PORT, good=up, total=1, window_seconds=60)])
    (incident,) = story.incidents()
    assert (incident.facts.name, incident.state, incident.began_at) == ("uptime", "open", at(2))
    assert incident.facts.reason == "2 of 60 slices of 60 s were down"


def test_a_late_measurement_over_a_window_changes_later_verdicts(registry: Registry, environment: str) -> None:
    """Two verdicts were kept until a slice before them turns out to be down."""
    promise(registry, environment=environment, service_levels={"uptime": "99.999%", "window": "1h"})
    story = Story(registry, environment)
    for minutes in (10, 11):
        story.add([measured("uptime", at(minutes), PORT, good=1, total=1, window_seconds=60)])
    assert story.incidents() == []
    story.add([measured("uptime", at(9), PORT, good=0, total=1, window_seconds=60)])
    assert story.states() == ["open"]
    assert story.incidents()[0].began_at == at(9)


def test_measures_that_nobody_promised_anything_about_cost_no_evaluation(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    def computed(*_arguments: object) -> None:
        raise AssertionError("a verdict was computed")

    monkeypatch.setattr(evaluating, "read_commitments", computed)
    story.add([measured("completeness", at(number), good=1, total=2) for number in range(50)])
    assert number_of(story, incident_due) == 0


def test_probes_that_cannot_break_a_promise_are_evaluated_at_intervals(
    registry: Registry, environment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    promise(registry, environment=environment, service_levels={"uptime": "99%", "response_time": "1s", "window": "1h"})
    story = Story(registry, environment)
    computed: list[tuple[float, set[str]]] = []
    real = evaluating.read_commitments

    def counted(registry: Registry, environment: str, product: str, now: datetime, only: set[str]) -> object:
        computed.append(((now - NOW) / timedelta(minutes=1), {each.rpartition("#")[2] for each in only}))
        return real(registry, environment, product, now, only)

    monkeypatch.setattr(evaluating, "read_commitments", counted)

    def probe(minutes: int, *, up: bool, seconds: float) -> None:
        shared = {"at": at(minutes), "subject": PORT, "window_seconds": 60}
        answers = [
            measured("uptime", **shared, good=int(up), total=1),
            measured("response_time", **shared, value=seconds),
        ]
        story.add(answers, at(minutes))

    for minutes in range(12):
        probe(minutes, up=True, seconds=0.1)
    assert computed == [(minutes, {"uptime", "response_time"}) for minutes in (0, 10)]
    computed.clear()
    probe(12, up=True, seconds=1.5)
    assert computed == [(12, {"response_time"})]
    probe(13, up=False, seconds=0.1)
    probe(14, up=False, seconds=0.1)
    assert [each.facts.name for each in open_incidents(registry, environment, [PRODUCT])] == ["response_time", "uptime"]
    computed.clear()
    probe(15, up=True, seconds=0.1)
    assert (15, {"uptime", "response_time"}) in computed
