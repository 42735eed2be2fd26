"""Probe ports over their protocols, all in parallel, each with a deadline."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.secrecy.recognise import without_secrets
from alchemesh_platform.registration.narrowing import names_of
from alchemesh_platform.registration.systems import Parts, installed_systems, part_of
from alchemesh_platform.sdk.probes.probe import NoAnswer, NotProbed, ProbedPort, Probes

DEADLINE = timedelta(seconds=10)
_PREPARING = timedelta(seconds=30)  # the probe's own part: its credential, and the imports of a client
_AT_ONCE = 64
_REASON_MAX = 300

Outcome = Literal["up", "down", "unknown"]


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """The result of one probe.

    Args:
        port: Address of the port.
        protocol: The protocol.
        protocols: All protocols that the port promises.
        outcome: ``unknown`` if the port could not be judged.
        seconds: Response time; None without a right answer.
        reason: Why it is down or unknown.
    """

    port: str
    protocol: str
    protocols: tuple[str, ...]
    outcome: Outcome
    seconds: float | None = None
    reason: str = ""

    def as_json(self) -> dict[str, Any]:
        """The result as one JSON object."""
        return {
            "port": self.port,
            "protocol": self.protocol,
            "outcome": self.outcome,
            "seconds": self.seconds,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class Target:
    """A port to probe.

    Args:
        port: The port with its connection.
        protocols: The protocols that its contract promises; without any, the first one that its probes know.
        problem: Why its connection cannot be read; empty if it can.
    """

    port: ProbedPort
    protocols: tuple[str, ...] = ()
    problem: str = ""


@dataclass(slots=True)
class Prober:
    """Probes ports. A probe that hangs is a failure at its deadline, and holds up no other.

    Args:
        deadline: Time for the answer to one question.
        parts: The probes of systems, by the name of a connection; by default those of the installed ones.
        clock: Gives seconds that never go back.
    """

    deadline: timedelta = DEADLINE
    parts: Mapping[str, Probes] | None = None
    clock: Callable[[], float] = time.monotonic
    _hanging: dict[tuple[str, str], _Attempt] = field(default_factory=dict)

    def probe(self, targets: Sequence[Target]) -> list[ProbeResult]:
        """Probe every port over every protocol.

        Returns:
            The results, in the order of ports and protocols.
        """
        probes = self.parts if self.parts is not None else installed_probes()
        asked = [each for target in targets for each in _probes_of(target, probes)]
        runs = [_Run(each, self) for each in asked]
        waiting: queue.SimpleQueue[_Run] = queue.SimpleQueue()
        for run in runs:
            waiting.put(run)
        workers = [threading.Thread(target=_work, args=(waiting,), daemon=True) for _ in runs[:_AT_ONCE]]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return [run.result for run in runs]

    def ask(self, asked: _Asked) -> ProbeResult:
        """Ask one port over one protocol, in a thread of its own."""
        if asked.probes is None:
            return asked.result("unknown", reason=asked.reason)
        key = (asked.port.address, asked.protocol)
        former = self._hanging.get(key)
        if former is not None and not former.ended.is_set():
            outcome: Outcome = "down" if former.prepared.is_set() else "unknown"
            return asked.result(outcome, reason=f"the probe before still waits: {_late(self.deadline)}")
        attempt = self._hanging[key] = _Attempt(asked, self.deadline.total_seconds(), self.clock)
        # A daemon thread: a client that hangs must not keep the program from ending.
        threading.Thread(target=attempt.run, daemon=True).start()
        result = attempt.wait()
        if attempt.ended.is_set():
            del self._hanging[key]
        return result


@dataclass(frozen=True, slots=True)
class _Asked:
    """One port and one protocol; without probes, the reason."""

    port: ProbedPort
    protocol: str
    protocols: tuple[str, ...]
    probes: Probes | None
    reason: str = ""

    def result(self, outcome: Outcome, *, seconds: float | None = None, reason: str = "") -> ProbeResult:
        return ProbeResult(self.port.address, self.protocol, self.protocols, outcome, seconds, reason)


class _Attempt:
    """A question in a thread of its own: first its preparation, which is the probe's own part, then the question."""

    def __init__(self, asked: _Asked, seconds: float, clock: Callable[[], float]) -> None:
        self.asked, self.seconds, self.clock = asked, seconds, clock
        self.prepared, self.ended = threading.Event(), threading.Event()
        self.found: ProbeResult | None = None

    def run(self) -> None:
        """Ask. Each error of a client is a result, too."""
        try:
            self.found = self._result()
        finally:
            self.prepared.set()
            self.ended.set()

    def wait(self) -> ProbeResult:
        """The result, at the latest at the deadline."""
        if not self.prepared.wait(_PREPARING.total_seconds()):
            return self.asked.result("unknown", reason=f"the probe could not be prepared within {_words(_PREPARING)}")
        if not self.ended.wait(self.seconds):
            return self.asked.result("down", reason=_late(timedelta(seconds=self.seconds)))
        return self.found or self.asked.result("unknown", reason="the probe ended without a result")

    def _result(self) -> ProbeResult:
        asked = self.asked
        assert asked.probes is not None  # noqa: S101 - asked before
        try:
            question = asked.probes.question(asked.port, asked.protocol)
        except NotProbed as error:
            return asked.result("unknown", reason=_reason(error))
        except Exception as error:  # noqa: BLE001 - a fault of the probe says nothing about the port
            return asked.result("unknown", reason=f"the probe failed: {_reason(error)}")
        self.prepared.set()
        start = self.clock()
        try:
            question(self.seconds)
        except NoAnswer as error:
            return asked.result("down", reason=_reason(error))
        except NotProbed as error:
            return asked.result("unknown", reason=_reason(error))
        except Exception as error:  # noqa: BLE001 - a fault of the probe says nothing about the port
            return asked.result("unknown", reason=f"the probe failed: {_reason(error)}")
        took = self.clock() - start
        if took > self.seconds:
            return asked.result("down", reason=_late(timedelta(seconds=self.seconds)))
        return asked.result("up", seconds=max(took, 0.0))


@dataclass(slots=True)
class _Run:
    asked: _Asked
    prober: Prober
    found: ProbeResult | None = None

    @property
    def result(self) -> ProbeResult:
        return self.found or self.asked.result("unknown", reason="the probe ended without a result")


def _work(waiting: queue.SimpleQueue[_Run]) -> None:
    while True:
        try:
            run = waiting.get_nowait()
        except queue.Empty:
            return
        run.found = run.prober.ask(run.asked)


def installed_probes() -> Mapping[str, Probes]:
    """The probes of installed systems, by the name of a connection."""
    return Parts(installed_systems().offers("probe", lambda system: system.probes), part_of(Probes))


def _probes_of(target: Target, parts: Mapping[str, Probes]) -> Iterator[_Asked]:
    """One question for each protocol. A protocol that nobody can probe is unknown, with the reason."""
    port, connection = target.port, target.port.connection
    problem, probes = target.problem, None
    known: tuple[str, ...] = ()
    if not problem:
        try:
            name = next((each for each in names_of(connection) if each in parts), None)
            probes = parts[name] if name is not None else None
            known = tuple(probes.protocols(connection)) if probes is not None else ()
            if probes is None:
                problem = f"no installed system probes connections of kind {connection.kind!r}"
        except Exception as error:  # noqa: BLE001 - a stranger's package; the other ports are probed
            problem = _reason(error) if isinstance(error, Failure) else f"{type(error).__name__}: {_reason(error)}"
    protocols = target.protocols or known[:1] or ("access",)
    for protocol in protocols:
        if problem or probes is None:
            yield _Asked(port, protocol, protocols, None, _short(problem))
        elif protocol not in known:
            yield _Asked(port, protocol, protocols, None, f"no installed system probes the protocol {protocol!r}")
        else:
            yield _Asked(port, protocol, protocols, probes)


def _late(deadline: timedelta) -> str:
    return f"no answer within {_words(deadline)}"


def _words(span: timedelta) -> str:
    return f"{span.total_seconds():g} s"


def _reason(error: BaseException) -> str:
    text = without_secrets(str(getattr(error, "message", None) or error).strip())
    return _short(text.splitlines()[0] if text else type(error).__name__)


def _short(text: str) -> str:
    return text.replace("\0", "\\0")[:_REASON_MAX]
