"""A control group that limits the memory of a server and all its processes together.

Linux only. The group is a child of this process's own group (version 1 of cgroups), or of the nearest group above that
may have children with a limit of memory (version 2): https://docs.kernel.org/admin-guide/cgroup-v2.html. Most machines
give ordinary users such a group only below their systemd session. Containers often give none.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PROCESS = Path("/proc/self")
_PREFIX = "alchemesh-"


class NoGroup(Exception):
    """Raised when this machine gives no group. The message is the reason."""


@dataclass(frozen=True, slots=True)
class _Hierarchy:
    """A mounted hierarchy of groups with memory, and the own group in it.

    Args:
        mount: Folder of the mount.
        group: Folder of the own group.
        unified: Whether it is of version 2.
    """

    mount: Path
    group: Path
    unified: bool


def memory_group(name: str, limit_bytes: int, process: Path = _PROCESS) -> Path:
    """Make a group with a limit of memory, or change its limit. Returns the file that processes join it by.

    Args:
        name: Name of the group.
        limit_bytes: Memory of all its processes together. The kernel ends one that asks for more.
        process: Folder of this process in proc(5).

    Raises:
        NoGroup: when this machine gives none.
    """
    parent = _parent(_hierarchy(process))
    folder = parent.group / f"{_PREFIX}{name}"
    limit, swap = ("memory.max", "memory.swap.max") if parent.unified else ("memory.limit_in_bytes", None)
    try:
        folder.mkdir(exist_ok=True)
        (folder / limit).write_text(str(limit_bytes))
        if swap is not None and (folder / swap).exists():
            (folder / swap).write_text("0")
    except OSError as error:
        with suppress(OSError):
            folder.rmdir()
        raise NoGroup(f"the kernel refuses a group in {parent.group}: {error.strerror}") from error
    return folder / "cgroup.procs"


def remove_group(procs: Path) -> None:
    """Remove a group without processes."""
    with suppress(OSError):
        procs.parent.rmdir()


def joining(procs: Path) -> tuple[str, ...]:
    """The beginning of a command that joins a group before it runs a program.

    If the program's group no longer takes processes, the program runs without it.
    """
    return ("/bin/sh", "-c", 'echo $$ > "$0" || true; exec "$@"', str(procs))


def why_no_group(process: Path = _PROCESS) -> str | None:
    """The reason why this machine gives no group with a limit of memory; None if it gives one."""
    try:
        remove_group(memory_group(f"probe-{os.getpid()}", 1 << 30, process))
    except NoGroup as reason:
        return str(reason)
    return None


def _hierarchy(process: Path) -> _Hierarchy:
    try:
        groups = (process / "cgroup").read_text(encoding="utf-8").splitlines()
        mounts = (process / "mountinfo").read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise NoGroup("this system has no control groups") from error
    found: list[_Hierarchy] = []
    for line in groups:
        number, controllers, path = line.split(":", 2)
        unified = number == "0"
        if unified or "memory" in controllers.split(","):
            found += [
                _Hierarchy(mount, mount / os.path.relpath(path, root), unified)
                for mount, root in _mounts(mounts, unified=unified)
                if path.startswith(root)
            ]
    # Version 1 comes first: beside it, the hierarchy of version 2 has no memory.
    for each in sorted(found, key=lambda one: one.unified):
        if each.group.is_dir():
            return each
    raise NoGroup("no control group with memory is mounted")


def _mounts(lines: list[str], *, unified: bool) -> list[tuple[Path, str]]:
    """Mount point and root of each mounted hierarchy: fields of proc_pid_mountinfo(5)."""
    found = []
    for line in lines:
        before, _, after = line.partition(" - ")
        kind, _, options = after.split(" ", 2)
        fields = before.split(" ")
        if kind == ("cgroup2" if unified else "cgroup") and (unified or "memory" in options.split(",")):
            found.append((Path(fields[4]), fields[3]))
    return found


def _parent(own: _Hierarchy) -> _Hierarchy:
    """The group in which a new one can be made.

    Raises:
        NoGroup: when there is none.
    """
    if not own.unified:
        if not os.access(own.group, os.W_OK):
            raise NoGroup(f"only another user may make groups in {own.group}")
        return own
    for folder in (own.group, *own.group.parents):
        if _has_memory(folder) and os.access(folder, os.W_OK) and os.access(folder / "cgroup.procs", os.W_OK):
            return _Hierarchy(own.mount, folder, unified=True)
        if folder == own.mount:
            break
    raise NoGroup(f"no group above {own.group} lets this user limit memory")


def _has_memory(folder: Path) -> bool:
    """Whether the children of a group can limit memory."""
    try:
        return "memory" in (folder / "cgroup.subtree_control").read_text(encoding="utf-8").split()
    except OSError:
        return False
