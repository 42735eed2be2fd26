"""A sandbox: a server with its own network and file system. Clients reach it only over its socket.

On Linux, bubblewrap creates it: https://github.com/containers/bubblewrap. roapi has no users. Without a sandbox, every
client of its port could read files of the machine over HTTP. In the sandbox, roapi can read only the port's tables and
write nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from alchemesh_platform.systems.local.data_api import sandboxed
from alchemesh_platform.systems.local.data_api.programs import ALONE, program

# The system folders that Python and its standard library need.
_SYSTEM = ("/usr", "/lib", "/lib64", "/lib32", "/nix/store", "/etc/ld.so.cache")
_ANY_USER = "1000"  # any user but root


def sandboxed_command(configuration: Path, tables: Mapping[str, Path], sockets: Path) -> tuple[str, ...]:
    """The command that runs roapi in a sandbox.

    Args:
        configuration: The configuration of roapi, which names tables by :func:`table_inside`.
        tables: Folder of each table, or a symbolic link to it.
        sockets: Folder in which the sockets appear.
    """
    python = Path(getattr(sys, "_base_executable", sys.executable))
    command = [str(program("bwrap")), *ALONE, "--proc", "/proc", "--dev", "/dev"]
    for folder in (*_SYSTEM, str(Path(sys.base_prefix).resolve()), str(python.resolve())):
        command += ["--ro-bind-try", folder, folder]
    served = {"roapi": program("roapi"), "roapi.yml": configuration}
    served.update({table_inside(name)[1:]: folder for name, folder in tables.items()})
    for name, path in served.items():
        command += ["--ro-bind", str(path), f"{sandboxed.SERVED}/{name}"]
    command += ["--ro-bind", sandboxed.__file__, "/sandboxed.py", "--bind", str(sockets), sandboxed.SOCKETS]
    return (*command, "--remount-ro", "/", "--", str(python.resolve()), "-I", "-S", "/sandboxed.py")


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


def table_inside(name: str) -> str:
    """The path of a table inside the sandbox."""
    return f"/tables/{name}"
