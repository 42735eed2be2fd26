"""The engine's warning and the log of a killed run name its unfinished operations."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alchemesh_platform.engine.stack import Stack
from alchemesh_platform.engine.state.interrupted import (
    Interrupted,
    creations,
    interrupted_in_runs,
    left_runs,
    notes_on,
    warned_of,
)

URN = "urn:pulumi:dev::shop.orders::{}::{}"
OURS, OTHER = URN.format("alchemesh:local:Directory", "landing"), URN.format("gcp:storage/bucket:Bucket", "bucket")

WARNING = f"""Attempting to deploy or update resources with 2 pending operations from previous deployment.
  * {OURS}, interrupted while creating
  * {OTHER}, interrupted while updating
These resources are in an unknown state because the Pulumi CLI was interrupted while waiting for changes."""


def test_the_engines_warning_is_read() -> None:
    assert warned_of(WARNING) == (Interrupted(OURS, "creating"), Interrupted(OTHER, "updating"))
    assert warned_of("the disk is almost full") is None


def step(kind: str, urn: str, op: str, *, custom: bool = True, planning: bool = False) -> str:
    metadata = {"urn": urn, "op": op, "type": "", "new": {"custom": custom}}
    return json.dumps({kind: {"metadata": metadata, "planning": planning}})


@pytest.mark.parametrize(
    ("events", "found"),
    [
        ([step("resourcePreEvent", OURS, "create")], [OURS]),
        ([step("resourcePreEvent", OURS, "create-replacement")], [OURS]),
        ([step("resourcePreEvent", OURS, "create"), step("resOpFailedEvent", OURS, "create")], [OURS]),
        ([step("resourcePreEvent", OURS, "create"), step("resOutputsEvent", OURS, "create")], []),
        ([step("resourcePreEvent", OURS, "create", planning=True)], []),
        ([step("resourcePreEvent", OURS, "create", custom=False)], []),
        ([step("resourcePreEvent", OURS, "update"), step("resourcePreEvent", OTHER, "delete")], []),
        ([], []),
    ],
)
def test_the_log_of_a_killed_caller_names_its_unfinished_creations(
    tmp_path: Path, events: list[str], found: list[str]
) -> None:
    stack = Stack("shop.orders", "dev", f"file://{tmp_path}/state", tmp_path)
    run = stack.work_folder / "run-1"
    run.mkdir(parents=True)
    (run / "events").write_text("".join(f"{event}\n" for event in events) + '{"cut off', "utf-8")
    (stack.work_folder / "run-2").mkdir()  # killed before the engine wrote a line
    assert creations(interrupted_in_runs(left_runs(stack))) == found


def test_notes_give_the_outcome_of_each_interrupted_operation() -> None:
    steps = [Interrupted(OURS, "creating"), Interrupted(OTHER, "creating"), Interrupted(OURS, "updating")]
    taken, twice = notes_on(steps, {OURS, OTHER}, {"alchemesh"})
    assert taken.startswith("landing (alchemesh:local:Directory) was being created")
    assert taken.endswith("this run adopted it")
    assert twice.endswith("it may exist twice")
    [left] = notes_on(steps[:1], set(), {"alchemesh"})
    assert left.endswith("check whether it exists")
