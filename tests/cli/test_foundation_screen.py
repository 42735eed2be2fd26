"""Output of operations on foundations."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from alchemesh_cli.render.events import showing
from alchemesh_cli.render.foundation import Doing, print_outcome
from alchemesh_platform.app.events import FoundationEnded
from alchemesh_platform.app.where import Where
from alchemesh_platform.catalog.discover import discover
from alchemesh_platform.compose.foundation import Foundation, platform_foundation
from alchemesh_platform.compose.plan import Kept
from alchemesh_platform.engine.run.events import ResourceEvent, ResourceOutputs, ResourcePre
from alchemesh_platform.foundations.operator import FoundationChange, FoundationOutcome
from alchemesh_platform.platform_file.load import load_platform

ROOT = Path(__file__).parents[2]
BUCKET, SERVICE = "gcp:storage/bucket:Bucket", "gcp:projects/service:Service"


@pytest.fixture
def foundation(tmp_path: Path) -> Foundation:
    return platform_foundation(load_platform(ROOT / "platforms" / "gcp.yaml", "prod", tmp_path), discover())


def test_changes_are_listed_in_the_same_order_each_time_and_counted(
    foundation: Foundation, capsys: pytest.CaptureFixture[str]
) -> None:
    changes = (
        FoundationChange("create", BUCKET, "platform-state"),
        FoundationChange("update", SERVICE, "platform-run"),
        FoundationChange("create", SERVICE, "platform-iam"),
    )
    print_outcome(foundation, "preview", FoundationOutcome("succeeded", changes), "next: it", emulated=True)
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
    previewed = FoundationOutcome("succeeded", (FoundationChange("create", BUCKET, "platform-state"),))
    with showing(Where(Path()), command, as_json=False) as shown:
        shown(FoundationEnded("preview", foundation, previewed, recorded=False))
    assert capsys.readouterr().out.endswith(f"\n{end}")


def test_changes_are_followed_by_outputs(foundation: Foundation, capsys: pytest.CaptureFixture[str]) -> None:
    changes = (FoundationChange("create", BUCKET, "platform-state"),)
    outputs = {"state_bucket": "acme", "labels": {"budget": "aviation"}}
    print_outcome(foundation, "up", FoundationOutcome("succeeded", changes, outputs=outputs), "", emulated=False)
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
    print_outcome(foundation, "destroy", FoundationOutcome("succeeded", (), kept=kept), "", emulated=False)
    assert "└─ = platform-state  Bucket  acme-state, protected, kept\n" in capsys.readouterr().out


def test_a_failure_names_the_command_that_resumes(foundation: Foundation, capsys: pytest.CaptureFixture[str]) -> None:
    changes = (FoundationChange("create", BUCKET, "platform-state"),)
    print_outcome(foundation, "up", FoundationOutcome("failed", changes), "", emulated=False)
    assert capsys.readouterr().out.endswith("\nfailed; the next `alchemesh platform up` resumes from here\n")


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


def _event(kind: type[ResourceEvent], op: str) -> ResourceEvent:
    urn = f"urn:pulumi:prod::mesh_platform::{BUCKET}::platform-state"
    return kind(urn, BUCKET, "platform-state", "", op, True, (), None, None, None, None, planning=False)


def _drawn(doing: Doing) -> str:
    screen = io.StringIO()
    Console(file=screen, width=80).print(doing)
    return screen.getvalue()
