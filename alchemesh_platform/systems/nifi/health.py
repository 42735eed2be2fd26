"""The health of a dataflow."""

from __future__ import annotations

from dataclasses import dataclass

from alchemesh_platform.systems.nifi.flow.canvas import observe_group
from alchemesh_platform.systems.nifi.flow.remove import bulletins
from alchemesh_platform.systems.nifi.server import Server

_BULLETIN_MAX = 300  # characters of a bulletin


@dataclass(frozen=True, slots=True)
class Health:
    """The number of processors by state, the queued flow files, and the newest error of the last five minutes."""

    running: int
    stopped: int
    invalid: int
    queued: int
    complaint: str = ""

    @property
    def ok(self) -> bool:
        """Whether all processors run without errors."""
        return self.running > 0 and self.stopped == self.invalid == 0 and not self.complaint

    def __str__(self) -> str:
        states = f"{self.running} processors running"
        for count, state in ((self.stopped, "stopped"), (self.invalid, "invalid")):
            if count:
                states += f", {count} {state}"
        return f"{states}, {self.queued:,} flow files queued{f'; {self.complaint}' if self.complaint else ''}"


def health(server: Server, group: str) -> Health | None:
    """The health of a process group; None if it does not exist."""
    entity = observe_group(server, group)
    if entity is None:
        return None
    warnings = [
        one["bulletin"] for one in bulletins(server, group) if one["bulletin"].get("level") in ("WARNING", "ERROR")
    ]
    complaint = f"{warnings[0].get('sourceName', '')}: {warnings[0]['message']}"[:_BULLETIN_MAX] if warnings else ""
    return Health(
        running=int(entity.get("runningCount") or 0),
        stopped=int(entity.get("stoppedCount") or 0) + int(entity.get("disabledCount") or 0),
        invalid=int(entity.get("invalidCount") or 0),
        queued=int(entity["status"]["aggregateSnapshot"]["flowFilesQueued"]),
        complaint=complaint,
    )
