"""The engine's event log, read while the engine writes it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from alchemesh_platform.engine.run.events import EngineEvent, parse_event

EVENTS = "events"  # name of the file, in the folder of a run


class EventLog:
    """An event log. Each read continues after the previous one.

    Args:
        path: File of the log; it need not exist yet.
        refresh: Whether the run is a refresh.
    """

    def __init__(self, path: Path, *, refresh: bool = False) -> None:
        self.path = path
        self._refresh = refresh
        self._position = 0
        self._rest = b""

    def read(self) -> Iterator[EngineEvent]:
        """Yield the events since the previous read. An incomplete last line is left for the next read."""
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
