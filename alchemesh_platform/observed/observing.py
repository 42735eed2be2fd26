"""Observe components: all in parallel, and with a time limit."""

from __future__ import annotations

import inspect
import os
import queue
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from alchemesh_platform.base.packages.conduct import contained, described
from alchemesh_platform.base.packages.reference import load_reference
from alchemesh_platform.base.secrecy.recognise import without_secrets
from alchemesh_platform.sdk.connections.kinds import connection_of
from alchemesh_platform.sdk.observation import Observation
from alchemesh_platform.sdk.spec import ComponentSpec

OBSERVERS = 8
# Importing NiFi's client takes two of these seconds, and six on a busy machine.
PATIENCE = timedelta(seconds=10)


class Specs(Protocol):
    """Component specs by name: a catalogue or a dictionary."""

    def get(self, name: str, /) -> ComponentSpec | None:
        """The spec of that name, or None."""


@dataclass(frozen=True, slots=True)
class Observed:
    """A component to observe, and its connection.

    Args:
        consumer: Name of the identity of the product that reads it, if that is another product with an identity.
    """

    component: str
    connection: Mapping[str, Any]
    consumer: str | None = None


def observe_all(
    things: Sequence[Observed],
    specs: Specs,
    patience: timedelta = PATIENCE,
    environ: Mapping[str, str] = os.environ,
) -> list[Observation | None]:
    """Observe every component in parallel. A component that does not respond in time is unknown.

    Args:
        things: The components to observe.
        specs: The catalogue.
        patience: The time limit for all of them together.
        environ: Variables with the addresses of emulators, for observers with a parameter ``environ``.

    Returns:
        An observation for each component, in the given order; None if the component cannot be observed.
    """
    answers: list[Observation | None] = [
        Observation("unknown", f"no answer within {patience.total_seconds():g} s") for _ in things
    ]
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    reported: queue.SimpleQueue[tuple[int, Observation | None]] = queue.SimpleQueue()
    for at in range(len(things)):
        waiting.put(at)

    def work() -> None:
        while True:
            try:
                at = waiting.get_nowait()
            except queue.Empty:
                return
            reported.put((at, _observe(things[at], specs, environ)))

    # Daemon threads and no pool: a pool waits for its threads when the program ends, so a hanging one would block the
    # exit.
    for _ in range(min(OBSERVERS, len(things))):
        threading.Thread(target=work, daemon=True).start()
    deadline = time.monotonic() + patience.total_seconds()
    for _ in things:
        try:
            at, answer = reported.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            break
        answers[at] = answer
    return answers


def _observe(thing: Observed, specs: Specs, environ: Mapping[str, str]) -> Observation | None:
    try:
        spec = specs.get(thing.component)
        if spec is None:
            return Observation("unknown", f"component {thing.component!r} is not installed here")
        if spec.observe is None:
            return None
        observe: Any = load_reference(spec.observe)
        known = {"environ": environ, "consumer": thing.consumer}
        options = {name: known[name] for name in known.keys() & inspect.signature(observe).parameters.keys()}
        with contained(thing.component):
            answer = observe(connection_of(thing.connection), **options)
    except Exception as error:  # noqa: BLE001 - a component's fault, whatever it is, is no fault of the product
        return Observation("unknown", without_secrets(described(error)).splitlines()[0])
    if answer is not None and not isinstance(answer, Observation):
        return Observation("unknown", f"component {thing.component!r} gives no observation")
    return answer
