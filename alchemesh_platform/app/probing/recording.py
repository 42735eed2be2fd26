"""Record what the platform measured: kept in a file on this machine first, then moved into the registry.

A kill at any moment loses and doubles nothing: an observation leaves the file after the registry has it, and its id
makes the registry accept it once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alchemesh_platform.measures.report import Report
    from alchemesh_platform.measures.spool import Spool
    from alchemesh_platform.platform_file.models import Platform


@dataclass(frozen=True, slots=True)
class Recorded:
    """The result of recording.

    Args:
        refused: Id of a refused observation: the reason.
        waiting: The number of observations that wait on this machine.
        reason: Why they wait; or why they are lost, if none waits.
    """

    refused: Mapping[str, str] = field(default_factory=dict)
    waiting: int = 0
    reason: str = ""


def record(platform: Platform, reports: Sequence[Report]) -> Recorded:
    """Record observations of the platform, and all that wait from earlier times.

    If the registry is away, they wait for the next call. If they cannot be kept in the file either, as with a full
    disk, they are lost, and the reason says so.

    Args:
        reports: Observations that the platform made itself.
    """
    from alchemesh_platform.app.mesh.incidents import send_news
    from alchemesh_platform.incidents.evaluate import add_measurements
    from alchemesh_platform.measures.spool import ReportNotKept
    from alchemesh_platform.registry.observations.series import PLATFORM
    from alchemesh_platform.registry.store import Registry, utc_now
    from alchemesh_platform.registry.unavailable import RegistryUnavailable

    environment, spool = platform.environment, spool_of(platform)
    refused: dict[str, str] = {}
    full: ReportNotKept | None = None
    try:
        if reports:
            spool.keep(reports, utc_now())
    except ReportNotKept as error:
        full = error
    try:
        with Registry.open(platform.registry) as registry:
            if full is not None:
                added = add_measurements(registry, environment, reports, PLATFORM, registry.now())
                return Recorded({each.report.key: each.reason for each in added.refused})
            for batch in spool.batches():
                given = [each.report for each in batch]
                added = add_measurements(registry, environment, given, PLATFORM, registry.now())
                spool.done([*added.accepted, *added.repeated], added.refused, registry.now())
                refused |= {each.report.key: each.reason for each in added.refused}
    except RegistryUnavailable as away:
        if full is not None:
            return Recorded(refused, 0, f"{len(reports)} observations are lost: {full.message}, and {away.message}")
        return Recorded(refused, spool.waiting(), away.message)
    except ReportNotKept as error:  # they are in the registry, and the next call finds them there
        return Recorded(refused, reason=error.message)
    send_news(platform)
    return Recorded(refused, reason="; ".join(spool.unreadable()))


def spool_of(platform: Platform) -> Spool:
    """The observations of the platform that wait on this machine."""
    from alchemesh_platform.measures.spool import Spool

    return Spool(folder_of(platform) / "observations.db")


def folder_of(platform: Platform) -> Path:
    """The folder of observing in an environment."""
    return Path(platform.home, platform.environment, "observe")
