"""A running operation reports at intervals that its process is alive, for readers on other machines."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

from alchemesh_platform.base.failure import Failure

BEAT_SECONDS = 20.0
# A reader of another machine takes a process for killed after several reports that did not come.
LOST_AFTER = timedelta(minutes=2)


class Heartbeat:
    """Calls a function at intervals, in a thread that does not keep the process alive.

    Args:
        beat: Reports; returns False once there is nothing to report. A registry that does not answer is asked again.
        seconds: The interval; by default :data:`BEAT_SECONDS`.
    """

    def __init__(self, beat: Callable[[], bool], seconds: float | None = None) -> None:
        self._beat = beat
        self._seconds = BEAT_SECONDS if seconds is None else seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Report no more, once a report that has begun is over."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._seconds):
            try:
                if not self._beat():
                    return
            except Failure:  # the registry does not answer
                continue
