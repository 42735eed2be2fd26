"""The file that the engine writes its events to, read while it is being written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from alchemesh_platform.engine.run.events import EngineEvent, parse_event

EVENTS = "events"  # name of the file, in the folder of a run


class EventLog:
    """An event log, read from where the last reading ended.

    Args:
        path: File; it need not exist yet.
        refresh: Whether the run is a refresh.
    """

    def __init__(self, path: Path, *, refresh: bool = False) -> None:
        self.path = path
        self._refresh = refresh
        self._position = 0
        self._rest = b""

    def read(self) -> Iterator[EngineEvent]:
        """The events that were written since; a line that is not complete yet is left for the next reading."""
        try:
            with self.path.open("rb") as file:
                file.seek(self._position)
                new = file.read()
        except FileNotFoundError:
            return
        self._position += len(new)
        *lines, self._rest = (self._rest + new).split(b"\n")
        for line in lines:
            event = parse_event(line, refresh=self._refresh)
            if event is not None:
                yield event
