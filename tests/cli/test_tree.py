"""Lines of the product tree."""

from __future__ import annotations

import pytest

from alchemesh_cli.render.tree import difference_line
from alchemesh_platform.engine.run.events import PropertyDiff


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


def test_drift_of_a_chosen_value_has_no_new_value() -> None:
    """A restarted data API was once shown as if its port would be removed: `~ httpPort  28792 → –`."""
    drift = PropertyDiff("httpPort", "update", input_diff=False, old=28792, new=None)
    assert difference_line(drift).plain == "  ~ httpPort  28792  (drift: the deployed resource differs)"
