"""Signals of the terminal, as an event that a use case watches."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import click


@contextmanager
def interruptible() -> Iterator[threading.Event]:
    """Make Ctrl-C set the event, so that the engine stops cleanly. A second Ctrl-C has Python's default effect."""
    cancel = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        click.echo("stopping: started steps are finished and recorded; press Ctrl-C again to stop at once", err=True)
        cancel.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = signal.signal(signal.SIGINT, stop)
    before_term = signal.signal(signal.SIGTERM, stop)
    try:
        yield cancel
    finally:
        signal.signal(signal.SIGINT, before)
        signal.signal(signal.SIGTERM, before_term)
