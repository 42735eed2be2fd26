"""The clock as a supervised process: it is started and ended on need, and a kill loses and doubles no run."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from alchemesh_platform.app.clock.state import check_clock, clock_state
from alchemesh_platform.app.clock.supervised import NAME, Kept, folder_of, keep_clock
from alchemesh_platform.app.resume import resume
from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.secrets import SecretRef
from alchemesh_platform.deployment.code.run import one_at_a_time
from alchemesh_platform.machine.servers import processes
from alchemesh_platform.machine.servers.supervisor import shut_down, socket_path
from alchemesh_platform.registry.store import Registry, utc_now
from tests.app.clock.jobs import Home
from tests.machine.supervised import supervisor_pid
from tests.waiting import arguments_of, gone, until

ORDERS, PAYMENTS = "shop/orders", "shop/payments"
TOKEN = {"API_TOKEN": SecretRef(secret="ORDERS_TOKEN")}


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """A home without jobs."""
    found = Home(tmp_path)
    yield found
    for launcher in launchers(found):
        launcher.kill()
    shut_down(folder_of(found.platform))


def keep(home: Home, environ: Mapping[str, str] | None = None) -> Kept:
    """What `up` and `destroy` do at their end."""
    with Registry.open(home.platform.registry) as registry:
        return keep_clock(home.platform, registry, environ or {})


def launchers(home: Home) -> list[psutil.Process]:
    """The processes that carry out runs of this home."""
    return [
        process
        for process in psutil.process_iter()
        if any(each.startswith(str(home.folder)) and each.endswith("job.json") for each in arguments_of(process))
    ]


def pid_of(home: Home) -> int:
    """The process of the clock."""
    found = processes.status(folder_of(home.platform), NAME).pid
    assert found is not None
    return found


def outcomes(home: Home, product: str) -> list[str]:
    return [each.outcome for each in home.runs(product)]


def test_a_kill_of_the_clock_loses_and_doubles_no_run(home: Home) -> None:
    code = home.deploy(ORDERS)
    (code / "hold").touch()
    assert keep(home).change == "started"
    until(lambda: home.starts(ORDERS), "the missed time runs")
    run = home.runs(ORDERS)[0]
    assert (run.outcome, run.engine, run.trigger, run.actor) == ("running", "clock", "schedule", f"product:{ORDERS}")
    assert run.interval is not None
    assert f"{run.interval[1]:%m-%d %H:%M}" == "01-01 00:00"

    first = pid_of(home)
    os.kill(first, signal.SIGKILL)
    until(lambda: gone(first), "the clock is killed")
    assert [each.is_running() for each in launchers(home)] == [True]
    until(lambda: processes.status(folder_of(home.platform), NAME).pid not in (None, first), "it is started again")
    home.deploy(PAYMENTS)
    until(lambda: outcomes(home, PAYMENTS) == ["succeeded"], "the new clock looks, and runs what is deployed now")
    assert outcomes(home, ORDERS) == ["running"]
    (code / "hold").unlink()
    until(lambda: outcomes(home, ORDERS) == ["succeeded"], "the run ends")
    assert (home.starts(ORDERS), home.starts(PAYMENTS)) == (1, 1)

    home.destroy(PAYMENTS)
    assert keep(home).change is None
    home.destroy(ORDERS)
    second = pid_of(home)
    assert keep(home) == Kept(change="ended")
    assert gone(second)
    assert processes.status(folder_of(home.platform), NAME).state == "UNSUPERVISED"
    assert keep(home) == Kept()


def test_a_kill_while_a_run_waits_for_a_run_by_hand_starts_it_once(home: Home) -> None:
    home.deploy(ORDERS)
    with one_at_a_time(Path(home.platform.home), "local", ORDERS):
        keep(home)
        until(lambda: len(launchers(home)) == 1, "the launcher waits for the run by hand")
        first = pid_of(home)
        os.kill(first, signal.SIGKILL)
        until(lambda: len(launchers(home)) == 2, "the new clock starts a launcher for the same time")
        assert home.starts(ORDERS) == 0
    until(lambda: not launchers(home), "both launchers end")
    assert outcomes(home, ORDERS) == ["succeeded"]
    assert home.starts(ORDERS) == 1


def test_a_change_of_an_input_starts_one_run(home: Home) -> None:
    """The upstream product runs once, by its schedule. The other one has no schedule."""
    home.read(PAYMENTS, "orders", f"{ORDERS}/table")
    home.deploy(PAYMENTS, schedule=None, on=["orders"])
    assert keep(home).change == "started"
    home.deploy(ORDERS)
    until(lambda: outcomes(home, PAYMENTS) == ["succeeded"], "the change starts a run")
    (change,), (run,) = home.runs(ORDERS), home.runs(PAYMENTS)
    assert (run.engine, run.trigger, run.engine_run) == ("clock", "asset", change.id)
    assert run.started_at > (change.finished_at or run.started_at)
    home.deploy("shop/last")
    until(lambda: outcomes(home, "shop/last") == ["succeeded"], "the clock has looked again")
    assert home.starts(PAYMENTS) == 1


def test_secrets_stay_in_memory_and_a_missing_one_is_a_failed_run(home: Home) -> None:
    code = home.deploy(ORDERS, env=TOKEN)
    kept = keep(home)
    assert kept.missing == {ORDERS: ("ORDERS_TOKEN",)}
    until(lambda: outcomes(home, ORDERS) == ["failed"], "the run fails")
    assert home.starts(ORDERS) == 0
    assert home.runs(ORDERS)[0].problem == (
        "the code could not be started: secret ORDERS_TOKEN has no value here; "
        "set ORDERS_TOKEN, then `alchemesh resume`"
    )
    with pytest.raises(Failure) as found:
        check_clock(home.platform)
    assert found.value.message == f"the clock has no value of ORDERS_TOKEN: runs of {ORDERS} will fail"
    assert found.value.hint == "set ORDERS_TOKEN, then `alchemesh resume`"

    assert keep(home, {"ORDERS_TOKEN": "hunter2-hunter2"}).missing == {}
    home.deploy(PAYMENTS)
    assert keep(home, {"PATH": os.environ["PATH"]}).missing == {}  # another shell, which does not have the secret
    assert check_clock(home.platform).startswith(f"runs, with 2 jobs; next: {ORDERS} ")
    assert (code / "ran.txt").exists() is False
    written = [path for path in home.folder.rglob("*") if path.is_file() and b"hunter2" in path.read_bytes()]
    assert written == []


def test_resume_starts_a_clock_that_a_reboot_ended(home: Home) -> None:
    home.deploy(ORDERS, env=TOKEN, schedule="0 0 29 2 *", since=timedelta())
    keep(home, {"ORDERS_TOKEN": "hunter2-hunter2"})
    reboot(home)
    with pytest.raises(Failure, match="the clock of local does not run, so it starts none of 1 job"):
        check_clock(home.platform)

    without = resume(home.platform, {})
    assert [(each.name, each.state) for each in without] == [("clock", "started")]
    assert without[0].problem == f"runs of {ORDERS} will fail: the clock has no ORDERS_TOKEN"
    assert without[0].hint == "set ORDERS_TOKEN, then `alchemesh resume`"
    again = resume(home.platform, {"ORDERS_TOKEN": "hunter2-hunter2"})
    assert [(each.name, each.problem) for each in again] == [("clock", None)]
    with Registry.open(home.platform.registry) as registry:
        state = clock_state(home.platform, registry, utc_now())
    assert state is not None
    assert state.running
    assert home.runs(ORDERS) == []


def reboot(home: Home) -> None:
    """End all processes at once, and lose what is in memory and under /tmp."""
    folder = folder_of(home.platform)
    daemon = psutil.Process(supervisor_pid(folder))
    ended = [daemon, *daemon.children(recursive=True)]
    for process in ended:
        process.kill()
    until(lambda: all(gone(process.pid) for process in ended), "all processes end")
    socket_path(folder).unlink(missing_ok=True)
