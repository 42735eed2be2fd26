"""Changes by hand, apart from differences that follow from normal work."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.deployment.report import drift
from alchemesh_platform.deployment.report.drift import Drifted, differences_of, with_authors
from alchemesh_platform.deployment.report.outcome import Outcome
from alchemesh_platform.deployment.report.progress import Progress
from alchemesh_platform.engine.run.events import Diagnostic, PropertyDiff, ResourceOutputs, ResourcePre
from alchemesh_platform.platform_file.load import load_platform
from alchemesh_platform.platform_file.models import Platform
from alchemesh_platform.sdk.system.cloud_object import Changed, CloudObject, Contents
from alchemesh_platform.sdk.system.drift import Deviation, Drift, split_drift, with_drift
from tests.deployment.report.reported import reported, urn

TOPIC = "gcp:pubsub/topic:Topic"
TABLE = "alchemesh:local:DeltaTable"
NOON = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)


def refreshed(
    kind: str,
    op: str,
    *,
    diffs: tuple[PropertyDiff, ...] = (),
    inputs: dict[str, Any] | None = None,
    outputs: tuple[dict[str, Any], dict[str, Any]] = ({}, {}),
    reports: Drift | None = None,
) -> Progress:
    """A refresh that found one resource of a port `files`."""
    progress = Progress()
    port = urn("output", "files")
    progress.on_event(reported(ResourcePre, "output", "files", urn("product", "orders"), "refresh"))
    begun = reported(ResourcePre, kind, "files-storage", port, "refresh")
    ended = reported(ResourceOutputs, kind, "files-storage", port, op, diffs=diffs)
    progress.on_event(replace(begun, old_inputs=inputs, id="the-id"))
    if reports is not None:
        progress.on_event(Diagnostic("info", with_drift(reports), urn(kind, "files-storage")))
    progress.on_event(replace(ended, old_inputs=inputs, old_outputs=outputs[0], new_outputs=outputs[1], id="the-id"))
    return progress


def outcome_of(progress: Progress) -> Outcome:
    return Outcome(
        "shop/orders",
        "prod",
        "refresh",
        "succeeded",
        1.0,
        progress,
        preview_only=True,
        differences=differences_of(progress),
    )


def test_the_details_of_a_drift_follow_its_sentence_and_are_read_again() -> None:
    whole = Drift(
        "table order differs",
        "url",
        (Deviation("columns.amount", None, "number"), Deviation("retention_hours", 24, 48)),
        expected=True,
        changed=Changed("ada@shop.example", NOON),
    )
    assert split_drift(with_drift(whole)) == (whole.reason, whole)
    assert split_drift("a sentence") == ("a sentence", None)
    assert split_drift("a sentence\n\ndrift: {}") == ("a sentence\n\ndrift: {}", None)


def test_a_changed_declared_property_is_drift() -> None:
    diff = PropertyDiff("labels.team", "update", old="sales", new="finance")
    progress = refreshed(TOPIC, "update", diffs=(diff,), inputs={"labels": {"team": "sales"}})
    (found,) = differences_of(progress)
    assert (found.port, found.resource, found.change) == ("files", "files-storage", "changed")
    assert found.deviations == (Deviation("labels.team", "sales", "finance"),)
    assert outcome_of(progress).exit_code(detailed=True) == ExitCode.CHANGES
    assert outcome_of(progress).exit_code() == ExitCode.DONE


def test_properties_that_nobody_declared_and_empty_values_are_no_drift() -> None:
    diffs = (PropertyDiff("etag", "update", old="a", new="b"), PropertyDiff("labels", "add", old=None, new={}))
    progress = refreshed(TOPIC, "update", diffs=diffs, inputs={"labels": {}})
    found = outcome_of(progress)
    assert found.drift == ()
    assert [one.path for each in found.expected_differences for one in each.deviations] == ["etag", "labels"]
    assert found.exit_code(detailed=True) == ExitCode.DONE


def test_an_output_that_changed_alone_is_listed_apart() -> None:
    progress = refreshed(TOPIC, "update", outputs=({"size": 1, "name": "x"}, {"size": 2, "name": "x"}))
    (found,) = differences_of(progress)
    assert found.expected
    assert found.deviations == (Deviation("size", 1, 2),)


def test_one_resource_has_drift_and_other_differences_apart() -> None:
    diffs = (PropertyDiff("etag", "update", old="a", new="b"), PropertyDiff("ttl", "update", old=1, new=2))
    found = outcome_of(refreshed(TOPIC, "update", diffs=diffs, inputs={"ttl": 1}))
    assert [one.path for one in found.drift[0].deviations] == ["ttl"]
    assert [one.path for one in found.expected_differences[0].deviations] == ["etag"]


def test_a_removed_resource_is_drift() -> None:
    (found,) = differences_of(refreshed(TOPIC, "delete"))
    assert (found.change, found.expected) == ("removed", False)


@pytest.mark.parametrize("expected", [True, False])
def test_a_handler_decides_whether_its_finding_is_drift(expected: bool) -> None:
    reports = Drift("source files: 1 new", "rows", expected=expected)
    found = outcome_of(refreshed(TABLE, "update", reports=reports))
    assert len(found.drift) == (not expected)
    assert found.as_json()["drift_expected" if expected else "drift"][0]["reason"] == "source files: 1 new"


def test_a_secret_value_is_masked() -> None:
    diffs = (PropertyDiff("env", "update", old={"a": ["x-secret-1"]}, new="secret-1"),)
    progress = refreshed(TOPIC, "update", diffs=diffs, inputs={"env": ""})
    assert "secret-1" not in str(differences_of(progress, {"secret-1"}))


class LoggedTopic(CloudObject):
    """A type whose cloud knows the author of one change, and refuses to show others."""

    holds_data = False

    def contents(self, platform: Platform, identity: str, **_more: Any) -> Contents | None:
        return None

    def last_change(self, platform: Platform, identity: str, since: datetime) -> Changed:
        assert (identity, since) == ("the-id", NOON)
        return Changed("eve@shop.example", NOON)


def test_the_cloud_names_the_author_of_a_change_by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drift, "cloud_objects", lambda: {TOPIC: LoggedTopic()})
    platform = load_platform(None, "local", tmp_path)
    by_hand = Drifted("files", "files-storage", TOPIC, "removed", id="the-id")
    by_work = replace(by_hand, expected=True)
    other = replace(by_hand, type=TABLE)
    found = list(with_authors([by_hand, by_work, other], platform, NOON))
    assert found == [replace(by_hand, by="eve@shop.example", at=NOON), by_work, other]
    assert list(with_authors([by_hand], platform, None)) == [by_hand], "nothing was deployed"
