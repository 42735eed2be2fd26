"""An enclosure of an emulator: it reaches its own data, and no other file of its user.

The emulators accept every request from this machine. Cloud Storage's writes an object named ``../../x`` outside of its
folder, and the SQL of BigQuery's reads and writes any file that it can. So each runs with a file system of its own; the
network stays, since clients and the other emulator reach it there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from alchemesh_platform.systems.local.data_api.programs import program, why_not_sandboxed

_SYSTEM = ("/usr", "/lib", "/lib64", "/lib32", "/nix/store", "/etc/ld.so.cache", "/etc/hosts")
_APART = ("--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--die-with-parent")


def enclosed(
    command: tuple[str, ...], data: Path, readable: Sequence[Path], report: Callable[[str], None]
) -> tuple[str, ...]:
    """The command that runs a program in an enclosure; the program itself where the machine cannot provide one.

    Args:
        command: The program and its arguments.
        data: The only folder that it can write to.
        readable: Files and folders that it needs to read besides the system's.
        report: Receives a line if there is no enclosure.
    """
    why = why_not_sandboxed()
    if why is not None:
        report(f"the emulators are not enclosed: users of this machine can read and write your files with them ({why})")
        return command
    wrapped = [str(program("bwrap")), *_APART, "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]  # noqa: S108
    for path in dict.fromkeys([*_SYSTEM, *map(str, readable), *(str(each.resolve()) for each in readable)]):
        wrapped += ["--ro-bind-try", path, path]
    wrapped += ["--bind", str(data), str(data), "--chdir", str(data), "--remount-ro", "/"]
    return (*wrapped, "--", *command)
