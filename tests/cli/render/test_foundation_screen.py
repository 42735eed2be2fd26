"""Output of operations on foundations."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any, cast

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from alchemesh_cli import foundations
from alchemesh_cli.documents import json_text, published
from alchemesh_cli.foundations import up_shown
from alchemesh_cli.render.foundation import Doing, foundation_closing, foundation_tree, print_outcome
from alchemesh_cli.render.run.events import showing
from alchemesh_platform.app.events import FoundationEnded
from alchemesh_platform.app.foundations import FoundationStack
from alchemesh_platform.app.where import Where
from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.base.problems import Location, Problem
from alchemesh_platform.catalog.discover import discover
from alchemesh_platform.compose.foundation import Foundation, platform_foundation
from alchemesh_platform.compose.plan import Kept
from alchemesh_platform.deployment.report.outcome import Ended
from alchemesh_platform.deployment.report.progress import Progress
from alchemesh_platform.engine.run.events import ResourceEvent, ResourceFailed, ResourceOutputs, ResourcePre
from alchemesh_platform.foundations.outcome import FoundationOperation, FoundationOutcome, StepsOnly
from alchemesh_platform.platform_file.load import load_platform

ROOT = Path(__file__).parents[3]
BUCKET, SERVICE = "gcp:storage/bucket:Bucket", "gcp:projects/service:Service"


@pytest.fixture(scope="module")
def foundation(tmp_path_factory: pytest.TempPathFactory) -> Foundation:
    home = tmp_path_factory.mktemp("home")
    return platform_foundation(load_platform(ROOT / "platforms" / "gcp.yaml", "prod", home), discover())


def ended(
    foundation: Foundation,
    operation: FoundationOperation,
    *changes: tuple[str, str, str],
    ended: Ended = "succeeded",
    **more: Any,
) -> FoundationOutcome:
    """The outcome of a run in which each change (operation, type, name) was completed."""
    progress = Progress()
    for op, kind, name in changes:
        for event in (ResourcePre, ResourceOutputs):
            progress.on_event(_event(event, op, kind, name))
    return FoundationOutcome(foundation.title, "prod", operation, ended, 1.0, progress, **more)


def test_changes_are_listed_in_the_same_order_each_time_and_counted(
    foundation: Foundation, capsys: pytest.CaptureFixture[str]
) -> None:
    changes = (
        ("create", BUCKET, "platform-state"),
        ("update", SERVICE, "platform-run"),
        ("create", SERVICE, "platform-iam"),
        ("same", SERVICE, "platform-sql"),
    )
    print_outcome(foundation, ended(foundation, "preview", *changes, emulated=True), "next: it")
    assert capsys.readouterr().out == (
        "platform prod  emulated  preview  gcp-platform\n"
        "├─ + platform-iam    Service\n"
        "├─ ~ platform-run    Service\n"
        "└─ + platform-state  Bucket\n"
        "\n"
        "+ 2 to create · ~ 1 to change · next: it\n"
    )


@pytest.mark.parametrize(
    ("command", "end"),
    [("preview", "+ 1 to create · next: alchemesh platform up\n"), ("up", "+ 1 to create\n")],
)
def test_a_preview_before_a_question_suggests_no_command(
    foundation: Foundation, capsys: pytest.CaptureFixture[str], command: str, end: str
) -> None:
    """`up` once suggested `alchemesh up`, and then asked whether to deploy."""
    previewed = ended(foundation, "preview", ("create", BUCKET, "platform-state"))
    with showing(Where(Path()), command, as_json=False) as shown:
        shown(FoundationEnded(foundation, previewed))
    assert capsys.readouterr().out.endswith(f"\n{end}")


def test_changes_are_followed_by_outputs(foundation: Foundation, capsys: pytest.CaptureFixture[str]) -> None:
    outputs = {"state_bucket": "acme", "labels": {"budget": "aviation"}}
    print_outcome(foundation, ended(foundation, "up", ("create", BUCKET, "platform-state"), outputs=outputs), "")
    assert capsys.readouterr().out == (
        "platform prod  gcp-platform\n"
        "├─ + platform-state  Bucket\n"
        "├─ state_bucket  acme\n"
        '└─ labels        {"budget": "aviation"}\n'
        "\n"
        "1 created\n"
    )


def test_protected_resources_are_listed_with_their_ids(
    foundation: Foundation, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = (Kept(BUCKET, "platform-state", "acme-state"),)
    print_outcome(foundation, ended(foundation, "destroy", kept=kept), "")
    assert "└─ = platform-state  Bucket  acme-state, protected, kept\n" in capsys.readouterr().out


def test_a_failure_is_marked_counted_and_names_the_command_that_resumes(
    foundation: Foundation, capsys: pytest.CaptureFixture[str]
) -> None:
    """The resource that failed was `+`, like the created one, and neither was counted."""
    problem = Problem(Location("gcp.yaml", 7, 3), "", "gcp-platform, platform-state: the name is taken")
    outcome = ended(
        foundation,
        "up",
        ("create", SERVICE, "platform-iam"),
        ended="failed",
        problems=(problem,),
        places={"platform-state": (problem,)},
    )
    for event in (ResourcePre, ResourceFailed):
        outcome.progress.on_event(_event(event, "create"))
    outcome.progress.on_event(_event(ResourcePre, "create", SERVICE, "platform-run"))
    print_outcome(foundation, outcome, "")
    assert capsys.readouterr().out == (
        "platform prod  gcp-platform\n"
        "├─ + platform-iam    Service\n"
        "├─ · platform-run    Service  not completed\n"
        "└─ ✗ platform-state  Bucket   failed\n"
        "     gcp.yaml:7:3  gcp-platform, platform-state: the name is taken\n"
        "\n"
        "1 created · 1 failed · the next `alchemesh platform up` resumes from here\n"
    )


@given(data=st.data())
def test_marks_words_json_and_exit_code_of_a_foundation_agree(foundation: Foundation, data: st.DataObject) -> None:
    """A failed resource looked like a created one, and the totals of a failed run were empty."""
    operation = cast("FoundationOperation", data.draw(st.sampled_from(["preview", "up", "refresh", "destroy"])))
    op = "delete" if operation == "destroy" else data.draw(st.sampled_from(["same", "create", "update", "replace"]))
    fault = data.draw(st.sampled_from([None, "check", "creation", "program", "cut", "cancel"]))
    names = data.draw(st.lists(st.sampled_from(["a", "b", "c", "d"]), unique=True, min_size=1))
    broken = data.draw(st.sampled_from(names))
    progress, problems, done = Progress(), dict[str, tuple[Problem, ...]](), set[str]()
    problem = Problem(Location("gcp.yaml", 7, 3), "", "a reason")
    for name in names:
        if fault is not None and name == broken:
            if fault in ("creation", "cut", "cancel"):
                progress.on_event(_event(ResourcePre, op, BUCKET, name))
            if fault == "creation":
                progress.on_event(_event(ResourceFailed, op, BUCKET, name))
            if fault not in ("cancel", "cut"):
                problems[broken if fault != "program" else ""] = (problem,)
            break
        for event in (ResourcePre, ResourceOutputs):
            progress.on_event(_event(event, op, BUCKET, name))
        done.add(name)
    how = cast("Ended", "succeeded" if fault is None else "cancelled" if fault == "cancel" else "failed")
    outcome = FoundationOutcome(
        foundation.title, "prod", operation, how, 1.0, progress, (problem,) if problems else (), places=problems
    )
    console = Console(width=200, color_system=None)
    with console.capture() as captured:
        console.print(foundation_tree(foundation, outcome))
    tree, document = captured.get(), outcome.as_json()
    words = " · ".join(foundation_closing(foundation, outcome, "next: it"))

    assert document["outcome"] == outcome.outcome == how
    assert (outcome.exit_code() is ExitCode.DONE) == (how == "succeeded")
    assert ("✗" in tree) == (how == "failed") == ("failed" in words) == (document["failures"] > 0)
    assert ("a reason" in tree) == bool(problems)
    assert ("next: it" in words) == (how == "succeeded" and op != "same")
    assert ("nothing to change" in words) == (how == "succeeded" and op == "same")
    states = {change["name"]: change["state"] for change in document["changes"]}
    assert {name for name, state in states.items() if state == "done"} == (set() if op == "same" else done)
    for name, state in states.items():
        line = next(line for line in tree.splitlines() if re.search(rf" {name} +Bucket", line))
        assert ("✗" in line) == (state == "failed") == line.endswith("  failed")
        assert ("·" in line) == (state == "not completed") == line.endswith("  not completed")
    if states and op != "same" and done:
        assert f"{len(done)} " in words
    jsonschema.validate(json.loads(json_text("foundation", document)), published("foundation"))


@pytest.mark.parametrize(("how", "code"), [("succeeded", ExitCode.DONE), ("failed", ExitCode.FAILED)])
def test_up_that_ends_with_its_preview_prints_one_document(
    foundation: Foundation,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    how: Ended,
    code: ExitCode,
) -> None:
    """`platform up --json` printed none when nothing was to be deployed, or the preview failed."""
    seen = ended(foundation, "preview", ended=how)
    monkeypatch.setattr(foundations, "up", lambda *_, **__: seen)
    monkeypatch.setattr(foundations, "confirm_possible", lambda: None)
    stack = FoundationStack(foundation, load_platform(None, "local", tmp_path))
    assert up_shown(stack, Where(tmp_path), as_json=True, confirmed=False) == code
    document = json.loads(capsys.readouterr().out)
    assert (document["operation"], document["outcome"], document["failures"]) == ("preview", how, int(how == "failed"))


def test_what_the_engine_reads_first_is_no_change() -> None:
    """Before its steps, the engine refreshes each resource of a foundation, and reports the drift that it finds."""
    events = [
        _event(ResourcePre, "refresh"),
        _event(ResourceOutputs, "update"),
        _event(ResourcePre, "same"),
        _event(ResourceOutputs, "same"),
    ]
    steps = StepsOnly("up")
    assert [steps(event) for event in events] == [False, False, True, True]
    reads = StepsOnly("refresh")
    assert all(reads(event) for event in events)


def test_a_running_resource_is_shown_until_it_is_done() -> None:
    doing = Doing("platform prod", "up")
    doing.take(_event(ResourcePre, "create"))
    assert "… platform-state  Bucket  0 s" in _drawn(doing)
    doing.take(_event(ResourceOutputs, "create"))
    assert "platform-state" not in _drawn(doing)
    assert "1 done" in _drawn(doing)


def test_unchanged_resources_are_not_counted() -> None:
    doing = Doing("platform prod", "up")
    for kind in (ResourcePre, ResourceOutputs):
        doing.take(_event(kind, "same"))
    assert "0 done" in _drawn(doing)


def _event(event: type[ResourceEvent], op: str, kind: str = BUCKET, name: str = "platform-state") -> ResourceEvent:
    urn = f"urn:pulumi:prod::mesh_platform::{kind}::{name}"
    return event(urn, kind, name, "", op, True, (), None, None, None, None, planning=False)


def _drawn(doing: Doing) -> str:
    screen = io.StringIO()
    Console(file=screen, width=80).print(doing)
    return screen.getvalue()
