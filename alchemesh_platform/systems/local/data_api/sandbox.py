"""Enclosures of the servers of a data API.

On Linux, bubblewrap creates them: https://github.com/containers/bubblewrap. A server in an enclosure has a file system
of its own, so that a fault in it gives no access to the files of its user.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from alchemesh_platform.systems.local.data_api.programs import program

# The system folders that Python and its standard library need.
SYSTEM_FOLDERS = ("/usr", "/bin", "/lib", "/lib64", "/lib32", "/nix/store", "/etc/ld.so.cache")
_ANY_USER = "1000"  # any user but root


def unprivileged_command(command: tuple[str, ...], writable: Path, hidden: Sequence[Path] = ()) -> tuple[str, ...]:
    """The prefix for a program that refuses to run as root. It maps the same user to another number.

    Args:
        command: The program and its arguments.
        writable: The only folder that it can write to.
        hidden: Folders that it cannot read.
    """
    as_any_user = ("--unshare-user", "--uid", _ANY_USER, "--gid", _ANY_USER, "--die-with-parent")
    mounts = ("--ro-bind", "/", "/", "--dev", "/dev", "--bind", str(writable), str(writable))
    covered = tuple(part for folder in hidden for part in ("--tmpfs", str(folder)))
    return (str(program("bwrap")), *as_any_user, *mounts, *covered, "--", *command)
