"""Lines of the product tree."""

from __future__ import annotations

import json

import pytest

from alchemesh_cli.render.run.drift import drift_lines
from alchemesh_cli.render.run.tree import difference_line
from alchemesh_platform.base.secrets import MASK
from alchemesh_platform.deployment.report.drift import Drifted
from alchemesh_platform.deployment.report.outcome import Outcome
from alchemesh_platform.deployment.report.progress import MANIFEST, Change, Progress
from alchemesh_platform.engine.run.events import PropertyDiff
from alchemesh_platform.sdk.system.drift import Deviation


@pytest.mark.parametrize(
    ("diff", "line"),
    [
        (PropertyDiff("size", "update", True, 3, 4), "  ~ size  3 → 4"),
        (PropertyDiff("size", "update-replace", True, 3, 4), "  ~ size  3 → 4  (replaces)"),
        (PropertyDiff("size", "update", True, 3, None), "  ~ size  3 → –"),
        (PropertyDiff("size", "add", True, None, 4), "  + size  4"),
        (PropertyDiff("size", "delete", True, 3, None), "  - size  3"),
        (PropertyDiff("size", "update", False, 3, 4), "  ~ size  3 → 4"),
    ],
)
def test_a_changed_property_has_its_old_and_new_value(diff: PropertyDiff, line: str) -> None:
    assert difference_line(diff).plain == line


@pytest.mark.parametrize(
    ("diff", "line"),
    [
        (PropertyDiff("env.DB_PASSWORD", "add", True, None, "hunter2new"), "  + env.DB_PASSWORD  added, not shown"),
        (PropertyDiff("env.DB_PASSWORD", "delete", True, "hunter2", None), "  - env.DB_PASSWORD  removed, not shown"),
        (PropertyDiff("code.env", "add", True, None, {"DB_PASSWORD": "hunter2"}), "  + code.env  added, not shown"),
        (
            PropertyDiff("url", "update-replace", True, "http://a", "http://u:hunter2@a"),
            "  ~ url  changes, not shown  (replaces)",
        ),
    ],
)
def test_a_secret_is_in_neither_the_tree_nor_the_document(diff: PropertyDiff, line: str) -> None:
    assert difference_line(diff).plain == line
    document = json.dumps(Change("urn", "t", "job", "", "update", diffs=(diff,)).as_json())
    assert "hunter2" not in document
    assert MASK in document


def test_a_secret_that_was_changed_by_hand_is_not_shown() -> None:
    drifted = Drifted("sales", "job", "t", "changed", (Deviation("env.DB_PASSWORD", "hunter2", "hunter3"),))
    outcome = Outcome("retail/a", "prod", "refresh", "succeeded", 0.0, Progress(), differences=(drifted,))
    lines = "\n".join(drift_lines(outcome))
    assert "env.DB_PASSWORD" in lines
    assert "differs, not shown" in lines
    document = drifted.as_json()["properties"]
    assert document == [{"path": "env.DB_PASSWORD", "declared": MASK, "found": MASK}]
    assert "hunter" not in lines


def test_drift_of_a_chosen_value_has_no_new_value() -> None:
    """A restarted data API was once shown as if its port would be removed: `~ httpPort  28792 → –`."""
    drift = PropertyDiff("httpPort", "update", input_diff=False, old=28792, new=None)
    assert difference_line(drift).plain == "  ~ httpPort  28792  (drift: the deployed resource differs)"


def test_differences_of_a_manifest_have_its_own_words() -> None:
    """They once had the paths of the record: `document.output_ports[0].contract.terms.notice_period`."""

    def port(name: str, notice: str) -> dict[str, object]:
        return {"name": name, "contract": {"terms": {"notice_period": notice}}}

    old = {"owner": "ada", "models": {"sale": {}}, "output_ports": [port("a", "1d"), port("b", "30d"), port("c", "1d")]}
    new = {"owner": "bob", "models": {"sale": {"x": 1}}, "output_ports": [port("a", "1d"), port("b", "60d")]}
    document = PropertyDiff("document", "update", True, json.dumps(old), json.dumps(new))
    change = Change("urn", MANIFEST, "manifest", "", "update", diffs=(document,))
    assert sorted(difference_line(each).plain for each in change.declared_diffs) == [
        "  + models.sale.x  1",
        f"  - output_ports[c]  {json.dumps(port('c', '1d'))[:59]}…",
        "  ~ output_ports[b].contract.terms.notice_period  30d → 60d",
        "  ~ owner  ada → bob",
    ]
    assert "document.output_ports[1].contract.terms.notice_period" in [each.path for each in change.shown_diffs]
