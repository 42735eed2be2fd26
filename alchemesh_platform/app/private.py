"""Keep the platform's folder on this machine private."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from alchemesh_platform.app.events import Listener, Noted
from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.files.private import make_private, open_paths
from alchemesh_platform.base.remedy import command, remedy

if TYPE_CHECKING:
    from alchemesh_platform.platform_file.models import Platform

SHOWN = 3


class NotPrivate(Failure):
    """Raised when other users of the machine have rights in the platform's folder."""


def protect_home(platform: Platform, listen: Listener) -> None:
    """Take the rights in the platform's folder from other users of the machine.

    It holds state, registry, landed files, tables and logs.

    Args:
        platform: The environment.
        listen: Receives a note if this user cannot change all rights.

    Raises:
        OSError: when the folder cannot be created.
    """
    refused = make_private(Path(platform.home))
    if refused:
        listen(
            Noted(f"other users of this machine have rights to {_some(sorted(refused))}; their owner can change that")
        )


def check_home(platform: Platform) -> str:
    """A sentence about the privacy of the platform's folder.

    Raises:
        NotPrivate: when other users have rights in it.
    """
    found = sorted(open_paths(Path(platform.home)))
    if found:
        raise NotPrivate(
            f"other users of this machine have rights to {_some(found)}", hint=remedy("{} removes them", command("up"))
        )
    return f"only this user has rights to {platform.home}"


def _some(paths: list[Path]) -> str:
    more = len(paths) - SHOWN
    return ", ".join(map(str, paths[:SHOWN])) + (f" and {more} more" if more > 0 else "")
