"""Probes of ports: all at once, with a deadline, and an unknown result where the probe itself is at fault."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Literal

import pytest

from alchemesh_platform.observed.probing import Prober, ProbeResult, Target, installed_probes
from alchemesh_platform.sdk.connections.base import AccessConnection
from alchemesh_platform.sdk.probes.probe import NoAnswer, NotProbed, ProbedPort, Probes, Question
from tests.waiting import until

PORT = "aviation/flights/flights-table"


class QueueConnection(AccessConnection):
    kind: Literal["queue"] = "queue"
    rest: str | None = "http://127.0.0.1:1/api"


class QueueProbes(Probes):
    """Probes whose question is the given function."""

    def __init__(self, ask: Question, prepare: Callable[[], None] = lambda: None) -> None:
        self.ask, self.prepare = ask, prepare

    def protocols(self, connection: QueueConnection) -> tuple[str, ...]:
        return ("rest", "sql")

    def question(self, port: ProbedPort, protocol: str) -> Question:
        self.prepare()
        return self.ask


def target(*protocols: str, port: str = PORT) -> Target:
    return Target(ProbedPort(address=port, connection=QueueConnection()), protocols)


def probed(probes: Probes, *protocols: str, deadline: float = 30.0) -> list[ProbeResult]:
    prober = Prober(timedelta(seconds=deadline), {"queue": probes}, iter([5.0, 5.25] * 9).__next__)
    return prober.probe([target(*(protocols or ("rest",)))])


def raising(error: Exception) -> Question:
    def ask(_seconds: float) -> None:
        raise error

    return ask


@pytest.fixture
def held() -> Iterator[threading.Event]:
    """An event that a hanging probe waits for until the test ends."""
    event = threading.Event()
    yield event
    event.set()


def test_a_port_that_answers_is_up_with_its_response_time() -> None:
    assert probed(QueueProbes(lambda _seconds: None)) == [ProbeResult(PORT, "rest", ("rest",), "up", 0.25)]


@pytest.mark.parametrize(
    ("error", "outcome", "reason"),
    [
        (NoAnswer("it answers 503"), "down", "it answers 503"),
        (NotProbed("no credential"), "unknown", "no credential"),
        (ZeroDivisionError("a\0b\nmore"), "unknown", "the probe failed: a\\0b"),
        (MemoryError(), "unknown", "the probe failed: MemoryError"),
    ],
)
def test_only_a_missing_or_wrong_answer_is_down(error: Exception, outcome: str, reason: str) -> None:
    (found,) = probed(QueueProbes(raising(error)))
    assert (found.outcome, found.seconds, found.reason) == (outcome, None, reason)


def test_a_probe_that_cannot_be_prepared_is_unknown() -> None:
    def refuse() -> None:
        raise NotProbed("the gateway is on another machine")

    (found,) = probed(QueueProbes(lambda _seconds: None, refuse))
    assert (found.outcome, found.reason) == ("unknown", "the gateway is on another machine")


def test_a_probe_that_hangs_is_down_at_its_deadline_and_holds_up_no_other(held: threading.Event) -> None:
    class Hanging(QueueProbes):
        def question(self, port: ProbedPort, protocol: str) -> Question:
            return (lambda _seconds: None) if protocol == "rest" else (lambda _seconds: held.wait())

    prober = Prober(timedelta(seconds=2), {"queue": Hanging(lambda _seconds: None)})
    started = threading.active_count()
    first = prober.probe([target("sql", "rest")])
    again = prober.probe([target("sql", "rest")])

    assert [(each.protocol, each.outcome) for each in first] == [("sql", "down"), ("rest", "up")]
    assert first[0].reason == "no answer within 2 s"
    assert again[0].reason == "the probe before still waits: no answer within 2 s"
    # A port that hangs for days keeps one thread, and not one for each slice.
    until(lambda: threading.active_count() == started + 1, "only the hanging probe has a thread")


def test_an_answer_after_the_deadline_is_down() -> None:
    prober = Prober(timedelta(seconds=10), {"queue": QueueProbes(lambda _seconds: None)}, iter([0.0, 10.5]).__next__)
    (found,) = prober.probe([target("rest")])
    assert (found.outcome, found.seconds, found.reason) == ("down", None, "no answer within 10 s")


def test_a_protocol_without_a_probe_is_unknown_with_the_reason() -> None:
    found = probed(QueueProbes(lambda _seconds: None), "rest", "graphql")
    assert [(each.outcome, each.reason) for each in found] == [
        ("up", ""),
        ("unknown", "no installed system probes the protocol 'graphql'"),
    ]
    (nobody,) = Prober(parts={}).probe([target("rest")])
    assert (nobody.outcome, nobody.reason) == ("unknown", "no installed system probes connections of kind 'queue'")
    (broken,) = Prober(parts={}).probe([Target(ProbedPort(address=PORT, connection=None), ("rest",), "no such kind")])
    assert (broken.outcome, broken.reason) == ("unknown", "no such kind")


def test_a_port_without_a_proxy_has_one_measure() -> None:
    (found,) = Prober(parts={"queue": QueueProbes(lambda _seconds: None)}).probe([target()])
    assert (found.protocol, found.protocols, found.outcome) == ("rest", ("rest",), "up")


def test_every_installed_probe_can_be_loaded() -> None:
    found = installed_probes()
    assert {"data-api", "tables/delta", "files/file"} <= set(found)
    assert all(isinstance(found[name], Probes) for name in found)
