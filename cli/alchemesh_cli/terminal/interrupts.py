"""Signals of the terminal, as an event that a use case watches."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import click

from alchemesh_platform.base.packages import conduct


@contextmanager
def interruptible() -> Iterator[threading.Event]:
    """Make Ctrl-C set the event, so that the engine stops cleanly. A second Ctrl-C has Python's default effect.

    Code of other packages that runs before the engine is given up.
    """
    cancel = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        click.echo("stopping: started steps are finished and recorded; press Ctrl-C again to stop at once", err=True)
        cancel.set()
        conduct.stop()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = signal.signal(signal.SIGINT, stop)
    before_term = signal.signal(signal.SIGTERM, stop)
    try:
        yield cancel
    finally:
        signal.signal(signal.SIGINT, before)
        signal.signal(signal.SIGTERM, before_term)
        conduct.resume()


@contextmanager
def stoppable() -> Iterator[threading.Event]:
    """Make Ctrl-C and SIGTERM set the event, which ends a watch cleanly. A second Ctrl-C ends it at once."""
    stop = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        stop.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
