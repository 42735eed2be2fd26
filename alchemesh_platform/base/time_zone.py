"""Time zones by their IANA names."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo

from alchemesh_platform.base.failure import Failure

UTC_NAMES = frozenset({"UTC", "Etc/UTC"})


class UnknownTimeZone(Failure):
    """Raised when this machine has no data of a time zone."""


def zone_of(name: str | None) -> tzinfo:
    """The time zone of a name; UTC without a name.

    Raises:
        UnknownTimeZone: when this machine has no data of the zone.
    """
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    if name is None or name in UTC_NAMES:
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UnknownTimeZone(
            f"this machine has no data of the time zone {name!r}", hint="install it: pip install tzdata"
        ) from error


def is_zone(name: str) -> bool:
    """Whether a name is a time zone. On a machine without data of time zones, every name is."""
    from zoneinfo import available_timezones

    known = available_timezones()
    return not known or name in known or name in UTC_NAMES


def moment_in_utc(moment: datetime) -> str:
    """A moment to the minute: ``2026-12-03 00:00 UTC``."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
