"""The place of an environment on this machine, from which the launcher reads its platform again."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """The place of an environment on this machine.

    Args:
        home: Folder of the platform's local files, as ``ALCHEMESH_HOME`` names it.
        platform_file: Path of the platform file; None for the built-in platform.
        emulated: Whether emulators on this machine replace the clouds.
    """

    home: str
    platform_file: str | None = None
    emulated: bool = False
