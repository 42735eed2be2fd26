"""One run at a time on a stack; the lock of a killed run is reported and removed."""

from __future__ import annotations

import errno
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.engine.stack import Stack
from alchemesh_platform.engine.state import lock as lock_module
from alchemesh_platform.engine.state.lock import HomeNotWritable, StackLock, StackLocked, is_engine, release
from tests.waiting import LONGEST, until

HOLD = """
import sys
from pathlib import Path
from alchemesh_platform.engine.state.lock import StackLock
from alchemesh_platform.engine.stack import Stack
home = Path(sys.argv[1])
with StackLock(Stack("shop.orders", "dev", f"file://{home}/state", home)):
    print("held", flush=True)
    sys.stdin.read()
"""
GONE = 2**22 + 1  # above the highest process number of Linux


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    return Stack("shop.orders", "dev", f"file://{tmp_path / 'state'}", tmp_path)


@contextmanager
def held(stack: Stack) -> Iterator[subprocess.Popen[str]]:
    """Another process that locks the stack until its stdin is closed."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(stack.home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.communicate(timeout=LONGEST)


def engine_lock(stack: Stack, pid: int, host: str | None = None) -> Path:
    assert stack.state_folder is not None
    file = stack.state_folder.locks / "4a1f.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    since = "2026-01-02T03:04:05.678Z"
    content = {"pid": pid, "username": "ada", "hostname": host or socket.gethostname(), "timestamp": since}
    file.write_text(json.dumps(content), "utf-8")
    file.with_name("4a1f.json.attrs").write_text("{}", "utf-8")
    return file


@contextmanager
def fake_engine(tmp_path: Path) -> Iterator[int]:
    """A process with the engine's name, until the test ends it."""
    program = tmp_path / "pulumi"
    program.write_bytes(Path("/bin/sleep").read_bytes())
    program.chmod(0o755)
    process = subprocess.Popen([program, "600"])
    reaper = threading.Thread(target=process.wait)
    reaper.start()
    try:
        until(lambda: is_engine(process.pid), what="it runs")
        yield process.pid
    finally:
        process.kill()
        reaper.join()


def test_the_second_run_names_the_holder_of_the_lock(stack: Stack) -> None:
    with held(stack) as first, pytest.raises(StackLocked) as caught, StackLock(stack):
        pass
    assert caught.value.exit_code == ExitCode.LOCKED
    assert caught.value.holder is not None
    assert (caught.value.holder.pid, caught.value.holder.host) == (first.pid, socket.gethostname())
    assert "shop.orders dev is locked by" in caught.value.message
    assert f"pid {first.pid}" in caught.value.message
    assert caught.value.hint


def test_the_second_run_can_wait(stack: Stack) -> None:
    reported: list[str] = []
    with held(stack) as first:

        def report(line: str) -> None:
            reported.append(line)
            assert first.stdin is not None
            first.stdin.close()

        with StackLock(stack, report=report, wait_seconds=LONGEST):
            pass
        first.stdin = None
    assert len(reported) == 1
    assert "waiting" in reported[0]


def test_waiting_for_the_lock_times_out(stack: Stack) -> None:
    with held(stack), pytest.raises(StackLocked), StackLock(stack, wait_seconds=0.2):
        pass


def test_a_killed_holder_is_reported_and_does_not_block(stack: Stack) -> None:
    with held(stack) as first:
        first.kill()
    reported: list[str] = []
    with StackLock(stack, report=reported.append):
        pass
    assert len(reported) == 1
    assert f"pid {first.pid}" in reported[0]
    assert "was killed" in reported[0]
    reported.clear()
    with StackLock(stack, report=reported.append):
        pass
    assert reported == []


def test_stacks_have_independent_locks(stack: Stack, tmp_path: Path) -> None:
    other = Stack("shop.returns", "dev", stack.backend, tmp_path)
    with StackLock(stack), StackLock(other):
        for held in (stack, other):
            with pytest.raises(StackLocked), StackLock(held):
                pass


def test_a_fault_releases_the_lock(stack: Stack) -> None:
    with pytest.raises(RuntimeError), StackLock(stack):
        raise RuntimeError
    reported: list[str] = []
    with StackLock(stack, report=reported.append):
        pass
    assert reported == []


def test_the_lock_of_a_dead_engine_is_removed_and_reported(stack: Stack) -> None:
    file = engine_lock(stack, GONE)
    reported: list[str] = []
    with StackLock(stack, report=reported.append):
        assert list(file.parent.iterdir()) == []
    assert reported == [
        f"the engine of an earlier run was killed: ada@{socket.gethostname()} "
        f"(pid {GONE}, since 2026-01-02T03:04:05.678Z); its lock was removed"
    ]


def test_a_reused_process_id_does_not_count_as_an_engine(stack: Stack) -> None:
    file = engine_lock(stack, os.getpid())
    with StackLock(stack):
        assert not file.exists()


def test_a_run_waits_for_an_engine_that_is_about_to_end(stack: Stack, tmp_path: Path) -> None:
    reported: list[str] = []
    with fake_engine(tmp_path) as pid:
        file = engine_lock(stack, pid)

        def report(line: str) -> None:
            reported.append(line)
            if "waiting for its end" in line:
                os.kill(pid, signal.SIGTERM)

        with StackLock(stack, report=report):
            assert not is_engine(pid)
            assert not file.exists()
    assert "waiting for its end" in reported[0]


def test_an_engine_that_does_not_end_keeps_its_lock(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock_module, "ENGINE_ENDS_SECONDS", 0.2)
    with fake_engine(tmp_path) as pid:
        file = engine_lock(stack, pid)
        with pytest.raises(StackLocked, match=f"pid {pid}"), StackLock(stack):
            pass
        assert file.exists()
        with pytest.raises(StackLocked, match=f"pid {pid}"):
            release(stack)
    with StackLock(stack):
        assert not file.exists(), "when it is gone, so is its lock"


def test_the_lock_of_another_machine_stays_until_it_is_released(stack: Stack) -> None:
    file = engine_lock(stack, 1, host="elsewhere")
    with pytest.raises(StackLocked, match="ada@elsewhere") as caught, StackLock(stack):
        pass
    assert "alchemesh unlock" in (caught.value.hint or "")
    assert release(stack) == [
        "the lock of ada@elsewhere (pid 1, since 2026-01-02T03:04:05.678Z) was removed",
    ]
    assert not file.exists()
    with StackLock(stack):
        pass


def test_release_does_not_break_a_run_that_is_alive(stack: Stack) -> None:
    with held(stack), pytest.raises(StackLocked):
        release(stack)


def test_release_says_when_there_is_nothing_to_release(stack: Stack) -> None:
    assert release(stack) == ["shop.orders dev was not locked"]


def test_a_lock_file_that_cannot_be_read_is_left_to_the_engine(stack: Stack) -> None:
    file = engine_lock(stack, GONE)
    file.write_text("{", "utf-8")
    with StackLock(stack):
        assert file.exists()
    assert release(stack) == ["the lock of an unknown run was removed"]


def test_an_unwritable_home_is_reported_with_a_fix(tmp_path: Path) -> None:
    """It was once reported as an unexpected error."""
    (tmp_path / "home").write_text("no folder")
    stack = Stack("shop.orders", "dev", f"file://{tmp_path / 'state'}", tmp_path / "home")
    with (
        pytest.raises(HomeNotWritable, match=r"cannot write the lock .*: Not a directory") as reported,
        StackLock(stack),
    ):
        pass
    assert "ALCHEMESH_HOME" in (reported.value.hint or "")


def test_a_full_disk_is_reported_and_the_lock_is_free_again(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that was full when the lock's holder was written was once an unexpected error."""

    def full(path: Path, text: str) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    with monkeypatch.context() as patched:
        patched.setattr(lock_module, "write_private", full)
        with pytest.raises(HomeNotWritable, match=r"cannot write the lock .*: No space left on device") as reported:
            StackLock(stack).__enter__()
    assert reported.value.hint == "free some space on the disk, then run again"
    with StackLock(stack):
        pass
