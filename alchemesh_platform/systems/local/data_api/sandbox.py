"""An enclosure: a server with a network and a file system of its own, where two sockets are the only way in.

On Linux by bubblewrap, https://github.com/containers/bubblewrap. roapi has no users: who reaches its ports can have it
serve files of the machine, and SQL lets whoever speaks it read and write them (``CREATE EXTERNAL TABLE``,
``COPY … TO``). In here there is nothing to reach but the port's tables, and nothing that can be written.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from alchemesh_platform.systems.local.data_api import sandboxed
from alchemesh_platform.systems.local.data_api.programs import ALONE, program

# What Python and its standard library need of the system.
_SYSTEM = ("/usr", "/lib", "/lib64", "/lib32", "/nix/store", "/etc/ld.so.cache")
_ANY_USER = "1000"  # any user but root


def sandboxed_command(configuration: Path, tables: Mapping[str, Path], sockets: Path) -> tuple[str, ...]:
    """The command that runs roapi in a sandbox.

    Args:
        configuration: Its configuration, which names tables by :func:`table_inside`.
        tables: Table: its folder, or a symbolic link to it.
        sockets: Where the sockets appear.
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


def unprivileged_command(command: tuple[str, ...], writable: Path) -> tuple[str, ...]:
    """The prefix for a program that refuses to be root: the same user under another number.

    Args:
        command: The program and its arguments.
        writable: The only folder that it can write to.
    """
    as_any_user = ("--unshare-user", "--uid", _ANY_USER, "--gid", _ANY_USER, "--die-with-parent")
    mounts = ("--ro-bind", "/", "/", "--dev", "/dev", "--bind", str(writable), str(writable))
    return (str(program("bwrap")), *as_any_user, *mounts, "--", *command)


def table_inside(name: str) -> str:
    """Where roapi finds a table in its enclosure."""
    return f"/tables/{name}"
