"""Control groups: found in version 1 and 2, and refused with a reason."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from alchemesh_platform.machine.servers.cgroup import NoGroup, joining, memory_group, remove_group, why_no_group

V1 = "34 30 0:27 / {mount} rw,relatime - cgroup cgroup rw,memory\n"
V2 = "35 30 0:28 {root} {mount} rw,relatime - cgroup2 cgroup2 rw\n"


def process(tmp_path: Path, groups: str, mounts: str) -> Path:
    """The folder of a process in proc(5)."""
    folder = tmp_path / "proc"
    folder.mkdir()
    (folder / "cgroup").write_text(groups)
    (folder / "mountinfo").write_text(f"21 1 0:20 / /proc rw - proc proc rw\n{mounts}")
    return folder


def delegated(folder: Path, controllers: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "cgroup.subtree_control").write_text(controllers)
    (folder / "cgroup.procs").touch()
    return folder


def test_a_group_of_version_1_is_a_child_of_the_own_one(tmp_path: Path) -> None:
    (tmp_path / "memory" / "session").mkdir(parents=True)
    own = process(tmp_path, "4:memory:/session\n1:cpu:/\n0::/\n", V1.format(mount=tmp_path / "memory"))
    group = tmp_path / "memory" / "session" / "alchemesh-api"
    assert memory_group("api", 1_000_000, own) == group / "cgroup.procs"
    assert (group / "memory.limit_in_bytes").read_text() == "1000000"
    memory_group("api", 2_000_000, own)
    assert (group / "memory.limit_in_bytes").read_text() == "2000000"


def test_a_group_of_version_2_is_a_child_of_the_nearest_one_with_memory(tmp_path: Path) -> None:
    """A group with processes cannot give its children a limit, so the own group is rarely the one."""
    delegated(tmp_path / "cg" / "user", "memory pids")
    delegated(tmp_path / "cg" / "user" / "app", "")
    own = process(tmp_path, "0::/outer/user/app\n", V2.format(mount=tmp_path / "cg", root="/outer"))
    assert memory_group("api", 7, own) == tmp_path / "cg" / "user" / "alchemesh-api" / "cgroup.procs"
    assert (tmp_path / "cg" / "user" / "alchemesh-api" / "memory.max").read_text() == "7"


@pytest.mark.parametrize(
    ("groups", "mounts", "reason"),
    [
        ("0::/user\n", V2, "no group above {cg}/user lets this user limit memory"),
        ("1:cpu:/\n", V2, "no control group with memory is mounted"),
        ("0::/elsewhere\n", V2, "no control group with memory is mounted"),
    ],
)
def test_a_machine_without_a_group_says_why(tmp_path: Path, groups: str, mounts: str, reason: str) -> None:
    cg = tmp_path / "cg"
    delegated(cg / "user", "cpu")
    own = process(tmp_path, groups, mounts.format(mount=cg, root="/"))
    assert why_no_group(own) == reason.format(cg=cg)
    with pytest.raises(NoGroup):
        memory_group("api", 7, own)
    assert why_no_group(tmp_path / "nothing") == "this system has no control groups"


def test_a_group_that_the_kernel_refuses_says_where(tmp_path: Path) -> None:
    (tmp_path / "memory" / "own").mkdir(parents=True)
    (tmp_path / "memory" / "own" / "alchemesh-api").touch()
    own = process(tmp_path, "4:memory:/own\n", V1.format(mount=tmp_path / "memory"))
    with pytest.raises(NoGroup, match=f"the kernel refuses a group in {tmp_path / 'memory' / 'own'}: File exists"):
        memory_group("api", 7, own)


def test_a_program_runs_in_its_group_or_without_it(tmp_path: Path) -> None:
    file = tmp_path / "procs"
    shown = ("/bin/sh", "-c", "echo $$")
    for procs in (file, tmp_path / "missing" / "procs"):
        done = subprocess.run([*joining(procs), *shown], capture_output=True, text=True, check=True)
        assert done.stdout.strip().isdigit()
    joined = subprocess.run([*joining(file), *shown], capture_output=True, text=True, check=True)
    assert file.read_text() == joined.stdout, "the same process joined and ran the program"


def test_the_kernel_ends_what_exceeds_its_group_or_the_reason_is_known() -> None:
    """On this machine, whatever it gives."""
    reason = why_no_group()
    greedy = ("python3", "-c", "held = bytearray(300_000_000); print(len(held))")
    if reason is not None:
        assert "group" in reason
        return
    procs = memory_group(f"test-{os.getpid()}", 50_000_000)
    try:
        done = subprocess.run([*joining(procs), *greedy], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (-9, "")
        assert (
            "alchemesh-test"
            in subprocess.run(
                [*joining(procs), "cat", "/proc/self/cgroup"], capture_output=True, text=True, check=True
            ).stdout
        )
    finally:
        remove_group(procs)
    assert not procs.parent.exists()
