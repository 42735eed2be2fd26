"""Processes under a real supervisord."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from alchemesh_platform.base.secrets import SecretMissing
from alchemesh_platform.machine.servers.processes import (
    Program,
    ensure_running,
    log_file,
    log_tail,
    programs_of,
    restart,
    resume,
    run_folders,
    status,
    statuses,
    stop,
)
from alchemesh_platform.machine.servers.supervisor import (
    SOCKET_PATH_MAX,
    SupervisorFailed,
    config_folder,
    is_up,
    keep_folder,
    shut_down,
    socket_path,
)
from tests.machine.supervised import supervisor_pid
from tests.waiting import LONGEST, gone, until


def sleeper(folder: Path, name: str = "sleeper", **environment: str) -> Program:
    """A process with its own command line, which prints a variable of its environment."""
    script = "import os, sys, time; print('hello', os.environ.get('COLOUR'), flush=True); time.sleep(600)"
    return Program(name, (sys.executable, "-c", script, str(folder), name), environment)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A run folder; its processes are stopped with the test."""
    yield tmp_path / "run"
    shut_down(tmp_path / "run")


def test_a_process_is_started_once_and_left_alone(folder: Path) -> None:
    program = sleeper(folder)
    first = ensure_running(folder, program)
    assert first.alive
    assert first.pid is not None
    assert ensure_running(folder, program).pid == first.pid
    until(lambda: "hello None" in log_tail(folder, program.name), "it prints into its log")
    assert psutil.Process(first.pid).ppid() == supervisor_pid(folder)


def test_a_changed_environment_restarts_it(folder: Path) -> None:
    first = ensure_running(folder, sleeper(folder))
    second = ensure_running(folder, sleeper(folder, COLOUR="blue"))
    assert second.pid != first.pid
    until(lambda: "hello blue" in log_tail(folder, "sleeper"), "it has the new environment")


def test_a_killed_process_is_restarted(folder: Path) -> None:
    first = ensure_running(folder, sleeper(folder)).pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    until(lambda: status(folder, "sleeper").alive and status(folder, "sleeper").pid != first, "it is started again")


def test_a_killed_supervisor_is_restarted_and_its_orphans_are_stopped(folder: Path) -> None:
    program = sleeper(folder)
    orphan = ensure_running(folder, program).pid
    assert orphan is not None
    os.kill(supervisor_pid(folder), signal.SIGKILL)
    until(lambda: status(folder, program.name).state == "UNSUPERVISED", "the supervisor is gone")
    assert psutil.pid_exists(orphan)
    repeated = ensure_running(folder, program)
    assert repeated.alive
    until(lambda: gone(orphan), "the orphan is ended")


def test_a_killed_supervisor_leaves_no_orphan_of_any_process(folder: Path) -> None:
    """The new supervisor starts all of them, and orphans would still hold the ports of their servers."""
    one, two = sleeper(folder, "one"), sleeper(folder, "two")
    orphans = [ensure_running(folder, program).pid for program in (one, two)]
    os.kill(supervisor_pid(folder), signal.SIGKILL)
    until(lambda: status(folder, "one").state == "UNSUPERVISED", "the supervisor is gone")
    ensure_running(folder, one)
    until(lambda: status(folder, "two").alive, "the other one is started too")
    assert [gone(pid) for pid in orphans if pid is not None] == [True, True]


def test_a_supervisor_whose_folder_was_removed_is_replaced(folder: Path) -> None:
    program = sleeper(folder)
    ensure_running(folder, program)
    lost = supervisor_pid(folder)
    shutil.rmtree(config_folder(folder))
    assert ensure_running(folder, program).alive
    assert supervisor_pid(folder) != lost
    until(lambda: gone(lost), "the lost one is ended")


def test_restarting_gives_another_process(folder: Path) -> None:
    first = ensure_running(folder, sleeper(folder)).pid
    assert restart(folder, "sleeper").pid != first
    with pytest.raises(SupervisorFailed, match="refuses: BAD_NAME"):
        restart(folder, "nobody")


def test_the_supervisor_ends_with_its_last_process_and_leaves_nothing(folder: Path) -> None:
    one, two = sleeper(folder, "one"), sleeper(folder, "two")
    ensure_running(folder, one)
    ensure_running(folder, two)
    pid = supervisor_pid(folder)
    stop(folder, one.name)
    assert status(folder, "one").state == "ABSENT"
    assert status(folder, "two").alive
    stop(folder, two.name)
    assert status(folder, "two").state == "UNSUPERVISED"
    assert gone(pid)
    assert not config_folder(folder).exists()


def test_stopping_a_missing_process_does_nothing(folder: Path) -> None:
    stop(folder, "nobody")
    assert not folder.exists()


def test_concurrent_starts_share_one_supervisor(folder: Path) -> None:
    programs = [sleeper(folder, f"number-{number}") for number in range(4)]
    threads = [threading.Thread(target=ensure_running, args=(folder, program)) for program in programs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    parents = {psutil.Process(status(folder, program.name).pid).ppid() for program in programs}
    assert parents == {supervisor_pid(folder)}


def test_a_process_outlives_its_starter_and_holds_none_of_its_pipes(folder: Path) -> None:
    """A command that is piped into another (`alchemesh up | tee log`) would never end otherwise."""
    script = (
        "import sys\nfrom pathlib import Path\n"
        "from alchemesh_platform.machine.servers.processes import Program, ensure_running\n"
        "ensure_running(Path(sys.argv[1]), Program('sleeper', ('/bin/sleep', '600.25')))\nprint('started')\n"
    )
    environment = {**os.environ, "VERY_SECRET_PASSWORD": "hunter2"}
    done = subprocess.run(
        [sys.executable, "-c", script, str(folder)],
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
        env=environment,
    )
    assert done.stdout == "started\n", done.stderr
    found = status(folder, "sleeper")
    assert found.alive
    assert found.pid is not None
    assert os.getsid(supervisor_pid(folder)) != os.getsid(0)
    assert "VERY_SECRET_PASSWORD" not in psutil.Process(found.pid).environ()


def test_a_process_that_cannot_start_fails_with_its_reason_in_the_log(folder: Path) -> None:
    broken = Program("broken", (sys.executable, "-c", "raise SystemExit('no such thing')"))
    ensure_running(folder, broken)
    until(lambda: status(folder, "broken").state == "FATAL", "it is given up")
    assert "no such thing" in log_tail(folder, "broken")


def test_a_long_run_folder_gets_its_socket_in_a_private_folder_elsewhere(tmp_path: Path) -> None:
    folder = tmp_path / ("long-" * 20) / "run"
    address = socket_path(folder)
    assert len(os.fsencode(address)) <= SOCKET_PATH_MAX
    assert address.name != socket_path(tmp_path / ("long-" * 20) / "other").name
    try:
        assert ensure_running(folder, sleeper(folder)).alive
        assert address.parent.stat().st_mode & 0o777 == 0o700
    finally:
        stop(folder, "sleeper")
    assert not address.exists()


@pytest.mark.parametrize("name", ["50% off", "a #b", "a ;b", 'a"b'])
def test_a_path_that_supervisord_would_misread_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SupervisorFailed, match="cannot be given to the process supervisor"):
        ensure_running(tmp_path / name, Program("sleeper", ("/bin/sleep", "600")))
    assert not is_up(tmp_path / name)


def test_the_log_since_a_start_omits_earlier_lines(folder: Path) -> None:
    config_folder(folder).mkdir(parents=True)
    log_file(folder, "a").write_text("old\nnew one\nnew two\n")
    assert log_tail(folder, "a", since=4) == "new one\nnew two"
    assert log_tail(folder, "a", since=999, lines=1) == "new two"
    assert log_tail(folder, "gone") == ""


def test_one_question_answers_for_several_processes(folder: Path) -> None:
    assert {each.state for each in statuses(folder, ["sleeper", "other"]).values()} == {"UNSUPERVISED"}
    ensure_running(folder, sleeper(folder))
    found = statuses(folder, ["sleeper", "other"])
    assert found == {"sleeper": status(folder, "sleeper"), "other": status(folder, "other")}
    assert found["sleeper"].alive
    assert found["other"].state == "ABSENT"


def test_a_process_that_ignores_the_signal_is_killed_before_another_takes_its_place(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alchemesh_platform.machine.servers.processes.STOP_SECONDS", 1)
    script = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
    )
    ensure_running(folder, Program("stubborn", (sys.executable, "-c", script)))
    ensure_running(folder, sleeper(folder))
    until(lambda: "up" in log_tail(folder, "stubborn"), "it ignores the signal")
    pid = status(folder, "stubborn").pid
    assert pid is not None
    changed = ensure_running(folder, sleeper(folder, "stubborn"))
    assert not psutil.pid_exists(pid)
    assert changed.pid != pid


def test_resume_starts_what_a_reboot_ended_with_its_secrets(folder: Path) -> None:
    """A file has the names of the secrets, never their values. A folder under /tmp is made again."""
    sockets = folder / "sockets"
    keep_folder(folder, sockets)
    ensure_running(folder, sleeper(folder), {"PASSWORD": "hunter2"})
    daemon = psutil.Process(supervisor_pid(folder))
    ended = [daemon, *daemon.children(recursive=True)]
    for process in ended:
        process.kill()
    until(lambda: all(gone(process.pid) for process in ended), "all processes end")
    socket_path(folder).unlink(missing_ok=True)
    sockets.rmdir()

    assert list(run_folders(folder.parent)) == [folder.absolute()]
    assert list(run_folders(folder.parent, without=[folder])) == []
    assert programs_of(folder) == ("sleeper",)
    with pytest.raises(SecretMissing, match="secret PASSWORD has no value here"):
        resume(folder, {})
    assert status(folder, "sleeper").state == "UNSUPERVISED"
    assert resume(folder, {"PASSWORD": "hunter2", "OTHER": "x"})
    until(lambda: status(folder, "sleeper").pid is not None, "the process starts")
    found = psutil.Process(status(folder, "sleeper").pid).environ()
    assert (found["PASSWORD"], "OTHER" in found) == ("hunter2", False)
    assert sockets.is_dir()
    assert sockets.stat().st_mode & 0o777 == 0o700
    assert not resume(folder, {})
    assert b"hunter2" not in b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
