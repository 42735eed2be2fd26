"""The status observes all components at the same time, with a time limit."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from alchemesh_platform.observed.observing import OBSERVERS, Observed, observe_all
from alchemesh_platform.sdk.observation import Observation
from tests.observed.status.observers import SPECS, files


@pytest.mark.parametrize(
    ("component", "health", "reason"),
    [
        ("failing", "unknown", "PermissionError: not for you"),
        ("nonsense", "unknown", "component 'nonsense' gives no observation"),
        ("without-function", "unknown", "AttributeError: "),
        ("never-installed", "unknown", "component 'never-installed' is not installed here"),
    ],
)
def test_component_without_a_health_report_is_unknown_and_not_failed(component: str, health: str, reason: str) -> None:
    (answer,) = observe_all([Observed(component, {"kind": "files", "url": "file:///"})], SPECS)

    assert answer is not None
    assert answer.health == health
    assert answer.reason.startswith(reason)


def test_connection_of_an_unknown_kind_is_unknown() -> None:
    (answer,) = observe_all([Observed("delta-table", {"kind": "carrier-pigeon"})], SPECS)

    assert answer is not None
    assert answer.health == "unknown"


def test_component_that_cannot_be_observed_has_no_health() -> None:
    assert observe_all([Observed("local-python", {"kind": "job", "entrypoint": "a:b"})], SPECS) == [None]


@pytest.mark.slow
def test_hanging_component_does_not_delay_the_others(tmp_path: Path) -> None:
    things = [Observed("hanging", files(tmp_path)), *[Observed("local-directory", files(tmp_path))] * 3]

    answers = observe_all(things, SPECS, timedelta(seconds=3))

    assert answers[0] == Observation("unknown", "no answer within 3 s")
    assert [answer and answer.health for answer in answers[1:]] == ["healthy"] * 3


def test_components_are_observed_at_the_same_time(tmp_path: Path) -> None:
    answers = observe_all([Observed("together", files(tmp_path))] * OBSERVERS, SPECS, timedelta(seconds=60))

    assert [answer and answer.health for answer in answers] == ["healthy"] * OBSERVERS


def test_more_components_than_observers_are_all_observed(tmp_path: Path) -> None:
    answers = observe_all([Observed("local-directory", files(tmp_path))] * 100, SPECS)

    assert [answer and answer.health for answer in answers] == ["healthy"] * 100
    assert observe_all([], SPECS) == []
