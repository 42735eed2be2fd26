"""A run killed at any moment loses nothing: the next one reports it, resumes, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import psutil
import pulumi
import pytest

from alchemesh_platform.engine.stack import StackFailed
from alchemesh_platform.engine.state.lock import StackLocked, is_engine
from tests.waiting import LONGEST, until

from .harness import Bench, Things, engines_of
from .thing import Thing

pytestmark = pytest.mark.engine

IN_CREATION: Things = {"a": {"value": 1}, "slow": {"gate": "go", "after": ["a"]}, "later": {"after": ["slow"]}}


def kill_engine_when(bench: Bench, call: str) -> None:
    """Kill the engine of this process once the provider is in a call that the state records."""
    until(lambda: call in bench.things.calls, what=call)
    kill_engines()


def kill_engines() -> None:
    """Kill the engines of this process, if there are any left."""
    for engine in engines_of(os.getpid()):
        with suppress(psutil.NoSuchProcess):
            engine.kill()


def run_and_kill_engine(bench: Bench, things: Things, call: str, operation: str = "up") -> list[str]:
    """Run an operation whose engine is killed in a call; returns the reported errors."""
    with ThreadPoolExecutor(1) as pool:
        killing = pool.submit(kill_engine_when, bench, call)
        result = bench.run("up" if operation == "up" else "destroy", things)
        killing.result()
    bench.things.open_gate("go")
    assert result.outcome == "failed"
    return [diagnostic.message for diagnostic in result.errors]


def assert_converges(bench: Bench, things: Things) -> None:
    """The next run creates everything, and the one after it changes and reports nothing."""
    up = bench.run("up", things)
    assert up.outcome == "succeeded", up
    assert bench.things.deployed == bench.recorded == set(things)
    assert bench.pending == {}
    repeated = bench.run("up", things)
    assert repeated.changes.keys() == {"same"}
    assert (repeated.diagnostics, repeated.notes, bench.reported) == ((), (), [])


def test_killed_in_a_creation_the_next_run_adopts_the_resource(bench: Bench) -> None:
    errors = run_and_kill_engine(bench, IN_CREATION, "create slow")
    assert errors == ["the engine was ended by signal 9; the next run resumes from there"]
    assert bench.recorded == {"a"}
    assert bench.pending == {"slow": "creating"}

    preview = bench.run("preview", IN_CREATION)
    assert preview.outcome == "succeeded"
    up = bench.run("up", IN_CREATION)
    assert up.notes == (
        "slow (test:index:Thing) was being created when an earlier run was stopped; this run adopted it",
    )
    assert up.diagnostics == ()
    assert "adopt slow" in bench.things.calls
    assert_converges(bench, IN_CREATION)


def test_killed_in_a_creation_destroy_leaves_nothing_behind(bench: Bench) -> None:
    """The engine alone would forget the unfinished resource: it is not in the state, and would never be deleted."""
    run_and_kill_engine(bench, IN_CREATION, "create slow")
    assert bench.things.deployed == {"a", "slow"}
    destroyed = bench.run("destroy", IN_CREATION)
    assert destroyed.outcome == "succeeded"
    assert bench.things.deployed == set()
    assert bench.recorded == set()
    assert bench.pending == {}


def test_secrets_stay_encrypted_when_an_interrupted_creation_is_forgotten(bench: Bench) -> None:
    def program() -> None:
        Thing("a", gate="go", value=pulumi.Output.secret("plainly-hidden"))

    with ThreadPoolExecutor(1) as pool:
        killing = pool.submit(kill_engine_when, bench, "create a")
        bench.run("up", program)
        killing.result()
    bench.things.open_gate("go")
    up = bench.run("up", program)
    assert (up.outcome, len(up.notes), bench.pending) == ("succeeded", 1, {})
    assert bench.run("up", program).changes.keys() == {"same"}
    home = bench.stack.home
    holding = [path for path in home.rglob("*") if path.is_file() and b"plainly-hidden" in path.read_bytes()]
    assert holding == []


def test_an_interrupted_creation_that_is_no_longer_declared_is_named(bench: Bench) -> None:
    run_and_kill_engine(bench, IN_CREATION, "create slow")
    up = bench.run("up", {"a": {"value": 1}})
    assert up.notes == (
        "slow (test:index:Thing) was being created when an earlier run was stopped, "
        "and this run did not create it again: check whether it exists",
    )
    assert bench.run("up", {"a": {"value": 1}}).notes == (), "it is told once"


def test_a_run_on_targets_does_not_forget_the_others(bench: Bench) -> None:
    run_and_kill_engine(bench, IN_CREATION, "create slow")
    assert bench.run("up", IN_CREATION, targets=[bench.urn("a")]).outcome == "succeeded"
    assert bench.pending == {"slow": "creating"}
    assert_converges(bench, IN_CREATION)


def test_a_refresh_in_between_does_not_forget_either(bench: Bench) -> None:
    run_and_kill_engine(bench, IN_CREATION, "create slow")
    refreshed = bench.run("refresh")
    assert refreshed.outcome == "succeeded"
    assert refreshed.diagnostics == ()
    assert bench.pending == {"slow": "creating"}
    assert_converges(bench, IN_CREATION)


def test_killed_in_an_update_the_next_run_updates_again(bench: Bench) -> None:
    bench.run("up", {"a": {"value": 1}})
    changed: Things = {"a": {"value": 2, "gate": "go"}}
    run_and_kill_engine(bench, changed, "update a")
    assert bench.pending == {"a": "updating"}
    assert_converges(bench, changed)


def test_killed_in_a_deletion_the_next_run_deletes_again(bench: Bench) -> None:
    things: Things = {f"t{number}": {} for number in range(29)} | {"t29": {"delete_gate": "go"}}
    bench.run("up", things)
    run_and_kill_engine(bench, things, "delete t29", "destroy")
    repeated = bench.run("destroy", things)
    assert repeated.outcome == "succeeded", repeated
    assert bench.things.deployed == set()
    assert bench.recorded == set()


def test_killed_in_a_replacement_the_next_run_leaves_one_resource(bench: Bench) -> None:
    bench.run("up", {"a": {"kind": "old"}})
    changed: Things = {"a": {"kind": "new", "gate": "go"}}
    with ThreadPoolExecutor(1) as pool:
        killing = pool.submit(kill_engine_when, bench, "delete a")
        bench.run("up", changed)
        killing.result()
    bench.things.open_gate("go")
    assert_converges(bench, changed)


@pytest.mark.parametrize("made", [0, 7, 25])
def test_killed_at_some_moment_of_many_the_next_run_converges(bench: Bench, made: int) -> None:
    # The last one waits: however late the kill comes on a busy machine, an engine still runs for the test to kill.
    things: Things = {f"t{number}": {"value": number} for number in range(39)} | {"t39": {"gate": "go"}}
    bench.stack.prepare(bench.engine)
    with ThreadPoolExecutor(1) as pool:

        def kill() -> None:
            until(lambda: len(bench.things.calls) >= made and engines_of(os.getpid()), what=f"{made} are made")
            kill_engines()

        killing = pool.submit(kill)
        killed = bench.run("up", things)
        killing.result()
    bench.things.open_gate("go")
    assert killed.outcome == "failed"
    assert_converges(bench, things)


def test_killed_while_creating_the_stack_the_next_run_creates_it(bench: Bench) -> None:
    with ThreadPoolExecutor(1) as pool:

        def kill() -> None:
            until(lambda: engines_of(os.getpid()), what="the engine makes the stack")
            kill_engines()

        killing = pool.submit(kill)
        with pytest.raises(StackFailed, match="it was ended by signal 9"):
            bench.run("up", {"a": {}})
        killing.result()
    assert_converges(bench, {"a": {}})


def test_the_engine_ends_with_its_caller_and_the_next_run_explains(bench: Bench) -> None:
    caller = bench.start("up", IN_CREATION)
    until(lambda: "create slow" in bench.things.calls, what="slow is being created")
    [engine] = engines_of(caller.pid)
    caller.kill()
    caller.communicate(timeout=LONGEST)
    until(lambda: not is_engine(engine.pid), what="the engine ends when its caller has gone")
    assert bench.recorded == {"a"}
    bench.things.open_gate("go")

    assert bench.run("preview", IN_CREATION).outcome == "succeeded"
    [killed] = bench.reported
    assert f"pid {caller.pid}" in killed
    assert "an earlier run was killed" in killed
    up = bench.run("up", IN_CREATION)
    assert up.outcome == "succeeded"
    assert up.notes == (
        "slow (test:index:Thing) was being created when an earlier run was stopped; this run adopted it",
    )
    assert_converges(bench, IN_CREATION)


def test_caller_and_engine_killed_the_next_run_explains_the_lock(bench: Bench) -> None:
    caller = bench.start("up", IN_CREATION)
    until(lambda: "create slow" in bench.things.calls, what="slow is being created")
    [engine] = engines_of(caller.pid)
    engine.suspend()  # so that it does not notice the end of its caller
    caller.kill()
    caller.communicate(timeout=LONGEST)
    engine.kill()
    bench.things.open_gate("go")
    assert bench.run("up", IN_CREATION).outcome == "succeeded"
    assert f"pid {caller.pid}" in bench.reported[0]
    assert f"pid {engine.pid}" in bench.reported[-1]
    assert "its lock was removed" in bench.reported[-1]
    assert_converges(bench, IN_CREATION)


def test_with_its_caller_killed_destroy_leaves_nothing_behind(bench: Bench) -> None:
    caller = bench.start("up", IN_CREATION)
    until(lambda: "create slow" in bench.things.calls, what="slow is being created")
    caller.kill()
    caller.communicate(timeout=LONGEST)
    bench.things.open_gate("go")
    assert bench.run("destroy", IN_CREATION).outcome == "succeeded"
    assert bench.things.deployed == set()


def outcome_of(caller: subprocess.Popen[str]) -> dict[str, object]:
    out, err = caller.communicate(timeout=LONGEST)
    assert caller.returncode == 0, err
    return dict(json.loads(out))


def test_ctrl_c_reaches_the_engine_once_and_running_operations_finish(bench: Bench) -> None:
    caller = bench.start("up", IN_CREATION)
    until(lambda: "create slow" in bench.things.calls, what="slow is being created")
    caller.send_signal(signal.SIGINT)
    until((bench.things.root / "cancelled").exists, what="the engine has heard")
    bench.things.open_gate("go")
    outcome = outcome_of(caller)
    assert (outcome["outcome"], outcome["errors"]) == ("cancelled", [])
    assert bench.recorded == {"a", "slow"}
    assert bench.pending == {}


def test_a_second_ctrl_c_stops_immediately(bench: Bench) -> None:
    caller = bench.start("up", IN_CREATION)
    until(lambda: "create slow" in bench.things.calls, what="slow is being created")
    caller.send_signal(signal.SIGINT)
    until((bench.things.root / "cancelled").exists, what="the engine has heard")
    [engine] = engines_of(caller.pid)
    caller.send_signal(signal.SIGINT)
    psutil.wait_procs([engine], timeout=LONGEST)
    assert not engine.is_running(), "although the gate is closed"
    bench.things.open_gate("go")
    assert outcome_of(caller)["outcome"] == "cancelled"
    assert_converges(bench, IN_CREATION)


def test_an_early_ctrl_c_leaves_no_lock(bench: Bench) -> None:
    things: Things = {"a": {"gate": "go"}}  # closed: however late the signal comes, the run has not ended
    bench.stack.prepare(bench.engine)
    caller = bench.start("up", things)
    until(lambda: psutil.Process(caller.pid).children(), what="the engine is started")
    caller.send_signal(signal.SIGINT)
    heard = bench.things.root / "cancelled"
    until(lambda: caller.poll() is not None or heard.exists(), what="the run is cancelled")
    bench.things.open_gate("go")
    assert outcome_of(caller)["outcome"] == "cancelled"
    assert_converges(bench, things)


def test_a_concurrent_run_on_one_stack_names_the_holder(bench: Bench) -> None:
    first = bench.start("up", IN_CREATION)
    until(lambda: "create slow" in bench.things.calls, what="slow is being created")
    with pytest.raises(StackLocked) as caught:
        bench.run("up", IN_CREATION)
    assert caught.value.holder is not None
    assert caught.value.holder.pid == first.pid
    assert f"pid {first.pid}" in caught.value.message
    bench.things.open_gate("go")
    assert outcome_of(first)["outcome"] == "succeeded"
    assert_converges(bench, IN_CREATION)


def test_the_engines_own_lock_is_reported_as_a_lock(bench: Bench) -> None:
    """With shared state, another machine's engine has a lock that only the engine can see."""
    bench.run("up", {"a": {}})
    assert bench.stack.state_folder is not None
    lock = bench.stack.state_folder.locks / "another.json"
    lock.parent.mkdir(parents=True, exist_ok=True)
    from alchemesh_platform.engine.run.operation import run_operation

    holder = {"pid": 7, "username": "ada", "hostname": "elsewhere", "timestamp": "2026-01-02T03:04:05Z"}
    lock.write_text(json.dumps(holder), "utf-8")
    with pytest.raises(StackLocked, match=r"ada@elsewhere \(pid 7, since 2026-01-02T03:04:05Z\)"):
        run_operation(bench.engine, bench.stack, "up", program=lambda: None, providers={"test": bench.port})
