"""The real engine runs a program: once for each operation, with live reports and a clean stop."""

from __future__ import annotations

import stat
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pulumi
import pytest

from alchemesh_platform.engine.install.find import Engine
from alchemesh_platform.engine.run.events import (
    UNKNOWN,
    Cancel,
    Diagnostic,
    Prelude,
    PropertyDiff,
    ResourceFailed,
    ResourceOutputs,
    ResourcePre,
    Summary,
)
from tests.waiting import until

from .harness import Bench, Things, bench_in, declare
from .thing import TYPE, Thing

pytestmark = pytest.mark.engine


def test_each_operation_starts_the_engine_once(bench: Bench, tmp_path: Path) -> None:
    log = tmp_path / "starts"
    counting = tmp_path / "pulumi"
    counting.write_text(f'#!/bin/sh\necho "$1" >> {log}\nexec {bench.engine.path} "$@"\n', "utf-8")
    counting.chmod(counting.stat().st_mode | stat.S_IXUSR)
    bench.engine = replace(bench.engine, path=counting)
    things = {"a": {"value": 1}, "b": {"value": 2}}

    assert bench.run("preview", things).changes == {"create": 3}, "two things and the stack"
    assert log.read_text("utf-8").split() == ["stack", "preview"], "the stack is made once"
    log.unlink()
    assert bench.run("up", things).changes == {"create": 3}
    assert bench.run("up", things).changes == {"same": 3}
    assert bench.run("refresh").changes == {"same": 3}
    assert bench.run("destroy", things).changes == {"delete": 3}
    assert log.read_text("utf-8").split() == ["up", "up", "refresh", "destroy"]
    assert bench.things.deployed == set()


def test_a_run_reports_each_event(bench: Bench) -> None:
    result = bench.run("up", {"a": {"value": 1}})
    assert result.outcome == "succeeded"
    assert result.exit_code == 0
    assert result.diagnostics == ()
    assert isinstance(bench.events[0], Prelude)
    assert bench.events[-2:] == [Summary("succeeded", {"create": 2}, False, False), Cancel()]
    begun, done = [event for event in bench.events if getattr(event, "name", "") == "a"]
    assert isinstance(begun, ResourcePre)
    assert isinstance(done, ResourceOutputs)
    assert (done.type, done.op, done.urn, done.custom) == (TYPE, "create", bench.urn("a"), True)
    assert done.parent.endswith("::pulumi:pulumi:Stack::test.things-dev")
    assert done.new_inputs == done.new_outputs == {"value": 1}
    assert done.old_inputs is None


def test_a_preview_shows_each_property_that_differs(bench: Bench) -> None:
    bench.run("up", {"a": {"value": 1, "tags": {"x": "1"}, "gone": True}, "b": {"kind": "old"}, "c": {"value": 1}})
    result = bench.run("preview", {"a": {"value": 2, "tags": {"x": "2"}, "new": "n"}, "b": {"kind": "new"}})
    assert result.outcome == "succeeded"
    pre = {event.name: event for event in bench.events if isinstance(event, ResourcePre)}
    assert pre["a"].op == "update"
    assert pre["a"].diffs == (
        PropertyDiff("gone", "delete", True, True, None),
        PropertyDiff("new", "add", True, None, "n"),
        PropertyDiff("tags", "update", True, {"x": "1"}, {"x": "2"}),
        PropertyDiff("value", "update", True, 1, 2),
    )
    replaced = [event for event in bench.events if isinstance(event, ResourcePre) and event.name == "b"]
    assert "replace" in {event.op for event in replaced}
    assert any(diff.replaces for event in replaced for diff in event.diffs)
    assert pre["c"].op == "delete"
    assert all(event.planning for event in bench.events if isinstance(event, ResourcePre))
    assert bench.things.deployed == {"a", "b", "c"}, "a preview changes nothing"


def test_outputs_unknown_before_creation_are_marked(bench: Bench) -> None:
    def program() -> None:
        Thing("b", value=Thing("a").id)

    bench.run("preview", program)
    second = next(event for event in bench.events if isinstance(event, ResourcePre) and event.name == "b")
    assert second.new_inputs == {"value": UNKNOWN}


def test_a_refresh_reports_manual_changes(bench: Bench) -> None:
    bench.run("up", {"a": {"value": 1}, "b": {"value": 1}})
    bench.things.path("a").unlink()
    bench.things.path("b").write_text('{"value": 7}', "utf-8")
    result = bench.run("refresh")
    assert (result.changes["delete"], result.changes["update"]) == (1, 1)
    seen = {event.name: event for event in bench.events if isinstance(event, ResourceOutputs)}
    assert seen["a"].op == "delete"
    assert [(diff.path, diff.old, diff.new) for diff in seen["b"].diffs] == [("value", 1, 7)]


def test_outputs_are_returned_with_secrets_masked(bench: Bench) -> None:
    def program() -> None:
        Thing("a", value=pulumi.Output.secret("plainly-hidden"))
        pulumi.export("open", {"list": [1, "two"]})
        pulumi.export("hidden", pulumi.Output.secret("plainly-hidden"))

    for operation in ("preview", "up", "up", "refresh"):
        result = bench.run(operation, program)
        assert result.outputs == {"open": {"list": [1, "two"]}, "hidden": "[secret]"}, operation
        assert "plainly-hidden" not in repr(bench.events)
    home = bench.stack.home
    holding = [path for path in home.rglob("*") if path.is_file() and b"plainly-hidden" in path.read_bytes()]
    assert holding == [], "neither state nor logs hold it"
    assert list(home.rglob("*.log")) == []


def test_the_state_contains_no_paths_of_this_machine(bench: Bench) -> None:
    """The SDK's stack traces once were three quarters of the state, and named folders of the user."""
    bench.run("up", {"a": {"value": 1}})
    resources = bench.state["resources"]
    assert {resource["type"] for resource in resources} >= {"pulumi:pulumi:Stack", "test:index:Thing"}
    for resource in resources:
        assert "stackTrace" not in resource
        assert "sourcePosition" not in resource


def test_a_failure_keeps_the_rest_and_the_next_run_resumes(bench: Bench) -> None:
    things: Things = {
        "a": {"value": 1},
        "bad": {"fail_once": "the disk is full", "after": ["a"]},
        "c": {"after": ["bad"]},
    }
    result = bench.run("up", things)
    assert result.outcome == "failed"
    assert result.errors == (Diagnostic("error", "the disk is full", bench.urn("bad")),)
    assert result.exception is None
    failed = [event.name for event in bench.events if isinstance(event, ResourceFailed)]
    assert failed == ["bad"]
    assert bench.recorded == {"a"}
    assert bench.run("up", things).outcome == "succeeded"
    assert bench.things.calls == ["create a", "create bad", "create bad", "create c"]


def test_independent_resources_are_created_after_a_failure_and_none_is_removed(bench: Bench) -> None:
    """A failed program has not registered all its resources: the missing ones must not be deleted."""
    before = {"base": {"n": 1}, "above": {"n": 1, "after": ["base"]}, "beside": {"n": 1}, "former": {"n": 1}}
    assert bench.run("up", before).outcome == "succeeded"
    now = {"base": {"fail": "it rains"}, "above": {"n": 2, "after": ["base"]}, "beside": {"n": 2}, "new": {"n": 1}}
    failed = bench.run("up", now)
    assert failed.outcome == "failed"
    assert [diagnostic.message for diagnostic in failed.errors] == ["it rains"]
    assert {"update beside", "create new"} <= set(bench.things.calls)
    assert "update above" not in bench.things.calls
    assert bench.things.deployed == {"base", "above", "beside", "former", "new"}
    assert bench.run("up", {**now, "base": {"n": 2}}).outcome == "succeeded"
    assert bench.things.deployed == {"base", "above", "beside", "new"}


def test_a_resource_is_deleted_after_its_dependents(bench: Bench) -> None:
    things: Things = {"base": {}, "above": {"delete_fail": "it is in use", "after": ["base"]}, "beside": {}}
    assert bench.run("up", things).outcome == "succeeded"
    failed = bench.run("destroy")
    assert failed.outcome == "failed"
    assert [diagnostic.message for diagnostic in failed.errors] == ["it is in use"]
    assert bench.things.deployed == {"base", "above"}


def test_an_exception_of_the_program_is_reported_and_raised(bench: Bench) -> None:
    error = ValueError("the manifest says no")

    def program() -> None:
        Thing("a")
        raise error

    result = bench.run("up", program)
    assert result.outcome == "failed"
    assert result.diagnostics == (Diagnostic("error", "the manifest says no"),)
    assert result.exception is error
    assert "Traceback" not in result.stderr
    assert bench.recorded == {"a"}, "what was declared before is made and recorded"


def test_an_exception_in_an_apply_is_raised_too(bench: Bench) -> None:
    def refuse(_value: object) -> None:
        raise LookupError("nothing of that name")

    result = bench.run("up", lambda: Thing("b", value=Thing("a").id.apply(refuse)))
    assert result.diagnostics == (Diagnostic("error", "nothing of that name"),)
    assert isinstance(result.exception, LookupError)


def test_a_refusal_of_the_engine_is_reported_once(bench: Bench) -> None:
    def program() -> None:
        Thing("a")
        Thing("a")

    result = bench.run("up", program)
    assert [diagnostic.urn for diagnostic in result.errors] == [bench.urn("a")]
    assert "Duplicate resource URN" in result.errors[0].message
    assert result.exception is None


def test_components_and_transforms_work_as_in_any_program(bench: Bench) -> None:
    def bigger(resource: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult:
        return pulumi.ResourceTransformResult({**resource.props, "size": 9}, resource.opts)

    def program() -> None:
        group = pulumi.ComponentResource("test:index:Group", "g", None, pulumi.ResourceOptions(transforms=[bigger]))
        thing = Thing("a", pulumi.ResourceOptions(parent=group), size=1)
        group.register_outputs({"size": thing.id})

    assert bench.run("up", program).outcome == "succeeded"
    done = {event.name: event for event in bench.events if isinstance(event, ResourceOutputs)}
    assert (done["g"].custom, done["a"].custom) == (False, True)
    assert done["a"].parent == done["g"].urn
    assert done["a"].new_inputs is not None
    assert done["a"].new_inputs["size"] == 9


def test_only_targets_are_changed(bench: Bench) -> None:
    bench.run("up", {"a": {"value": 1}, "b": {"value": 1}, "c": {"after": ["a"]}})
    bench.run("up", {"a": {"value": 2}, "b": {"value": 2}, "c": {"after": ["a"]}}, targets=[bench.urn("b")])
    assert bench.things.calls[-1:] == ["update b"]
    bench.run("destroy", targets=[bench.urn("a")])
    assert bench.things.calls[-2:] == ["delete c", "delete a"], "what needs it goes first"
    assert bench.recorded == {"b"}


def test_a_stop_request_lets_running_operations_finish(bench: Bench) -> None:
    cancel = threading.Event()
    things: Things = {"a": {}, "slow": {"gate": "go", "after": ["a"]}, "later": {"after": ["slow"]}}

    def stop() -> None:
        until(lambda: "create slow" in bench.things.calls, what="slow begins")
        cancel.set()
        until((bench.things.root / "cancelled").exists, what="the engine has heard")
        bench.things.open_gate("go")

    with ThreadPoolExecutor(1) as pool:
        stopping = pool.submit(stop)
        result = bench.run("up", things, cancel=cancel)
        stopping.result()
    assert result.outcome == "cancelled"
    assert result.errors == ()
    assert bench.recorded == {"a", "slow"}
    assert bench.pending == {}
    assert bench.run("up", things).outcome == "succeeded"
    assert bench.things.calls == ["create a", "create slow", "create later"]


def test_a_run_that_was_cancelled_before_it_began_does_not_start(bench: Bench) -> None:
    cancel = threading.Event()
    cancel.set()
    assert bench.run("up", {"a": {}}, cancel=cancel).outcome == "cancelled"
    assert bench.things.calls == []


def test_a_fault_of_the_caller_stops_the_engine_cleanly(bench: Bench) -> None:
    def faulty(event: object) -> None:
        if isinstance(event, ResourceOutputs) and event.name == "a":
            raise RuntimeError("the screen is gone")

    with pytest.raises(RuntimeError, match="the screen is gone"):
        bench.run("up", {"a": {}, "b": {"after": ["a"]}}, on_event=faulty)
    assert bench.pending == {}
    assert bench.run("up", {"a": {}, "b": {"after": ["a"]}}).outcome == "succeeded"


def test_variables_of_the_shell_do_not_change_a_run(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_OPTION_TARGET", "urn:pulumi:nothing")
    monkeypatch.setenv("PULUMI_STACK", "another")
    monkeypatch.setenv("PULUMI_BACKEND_URL", "file:///nowhere")
    monkeypatch.setenv("PULUMI_SKIP_CHECKPOINTS", "true")
    monkeypatch.setenv("PULUMI_RUN_PROGRAM", "true")
    assert bench.run("up", {"a": {}}).outcome == "succeeded"
    assert bench.recorded == {"a"}
    assert bench.run("refresh").changes == {"same": 2}


@pytest.fixture
def two(tmp_path: Path, engine: Engine) -> Iterator[tuple[Bench, Bench]]:
    """Two stacks in one home: the same backend, key and engine folder."""
    with bench_in(tmp_path, engine, "one") as first, bench_in(tmp_path, engine, "two") as second:
        yield first, second


def test_concurrent_runs_of_two_stacks_do_not_interfere(two: tuple[Bench, Bench]) -> None:
    """Programs declare their resources one after the other (ADR 35); engines and providers work at the same time."""
    last = 4

    def up(bench: Bench) -> str:
        def program() -> None:
            things: Things = {f"{bench.stack.name}-{number}": {} for number in range(last)}
            declare({**things, f"{bench.stack.name}-{last}": {"gate": "go"}})

        return bench.run("up", program).outcome

    things = two[0].things  # one folder for both
    with ThreadPoolExecutor(2) as pool:
        outcomes = pool.map(up, two)
        begun = {f"create {bench.stack.name}-{last}" for bench in two}
        until(lambda: begun <= set(things.calls), what="both engines wait for their provider")
        things.open_gate("go")
        assert list(outcomes) == ["succeeded", "succeeded"]
    for bench in two:
        assert bench.recorded == {f"{bench.stack.name}-{number}" for number in range(5)}
