"""Problems that delta-table reports before a deployment."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import ValidationError

from alchemesh_components.local.settings import LocalSettings, Settings
from alchemesh_components.output_ports.delta_table.check import check
from alchemesh_components.output_ports.delta_table.models import Args
from alchemesh_platform.manifest.models import SemanticModel
from alchemesh_platform.sdk.wiring import Wiring

ORDER = SemanticModel.model_validate({"properties": {"order_id": {"type": "integer"}, "day": {"type": "date"}}})


def said(*partition_by: str) -> list[tuple[tuple[str | int, ...], str | None]]:
    settings = Settings(local=LocalSettings(root="/data", run="/run"))
    wiring = Wiring(models={"order": ORDER})
    return [(objection.path, objection.hint) for objection in check(Args(partition_by=partition_by), settings, wiring)]


def test_partitions_by_properties_are_fine() -> None:
    assert said("day", "order_id") == []


def test_a_partition_by_no_property_is_refused_at_its_place_with_the_closest() -> None:
    assert said("day", "order_di") == [(("partition_by", 1), "did you mean 'order_id'?")]
    assert said("dya")[0][0] == ("partition_by",)


@pytest.mark.parametrize("retention", ["90m", "30m", "1500ms"])
def test_retention_that_is_no_whole_hours_is_refused(retention: str) -> None:
    """A vacuum counts in hours, and a reader may still read a version that was overwritten some minutes ago."""
    with pytest.raises(ValidationError, match="expected whole hours, at least 1h"):
        Args.model_validate({"retention": retention})
    assert Args.model_validate({"retention": "2w"}).retention == timedelta(days=14)
