"""Problems that delta-table reports before a deployment."""

from __future__ import annotations

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
