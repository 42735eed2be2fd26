"""The engine's events, grouped by port."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from alchemesh_platform.deployment.report.progress import ASSET, Progress
from alchemesh_platform.engine.run.events import PropertyDiff, ResourceFailed, ResourceOutputs, ResourcePre
from tests.app.small import small_product
from tests.deployment.report.reported import PRODUCT, STACK, reported, urn

FOLDER = "alchemesh:local:Directory"
COMPONENT = "alchemesh:components:local-directory"
ADDRESS = {"address": "shop/orders/files/order"}


def output_port(op: str) -> list[ResourcePre | ResourceOutputs | ResourceFailed]:
    """An output port `files` with a folder and an asset, from its first event to its last."""
    port, component = urn("output", "files"), urn(COMPONENT, "files-storage")
    return [
        reported(ResourcePre, "product", "orders", STACK, op),
        reported(ResourcePre, "output", "files", PRODUCT, op),
        reported(ResourcePre, COMPONENT, "files-storage", port, op),
        reported(ResourcePre, FOLDER, "files-storage-folder", component, op),
        reported(ResourceOutputs, FOLDER, "files-storage-folder", component, op, outputs={"url": "file:///x"}),
        reported(ResourceOutputs, COMPONENT, "files-storage", port, op),
        reported(ResourcePre, ASSET, "files-order-asset", port, op, outputs=ADDRESS),
        reported(ResourceOutputs, ASSET, "files-order-asset", port, op, outputs=ADDRESS),
        reported(ResourceOutputs, "output", "files", PRODUCT, op),
        reported(ResourceOutputs, "product", "orders", STACK, op),
    ]


def test_a_resource_belongs_to_the_port_above_it() -> None:
    progress = Progress()
    for event in output_port("create"):
        progress.on_event(event)
    (section,) = [section for section in progress.sections() if section.name == "files"]
    assert section.kind == "output"
    assert (section.operation, section.state) == ("create", "done")
    assert [change.name for change in section.resources] == ["files-storage-folder"]
    assert progress.counts() == {"create": 2}, "groups are not counted"
    assert progress.counts(records=False) == {"create": 1}, "what `up` and the history tell"
    assert progress.named(ASSET) == {"create": ["shop/orders/files/order"]}


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_events_does_not_matter_for_where_a_resource_belongs(seed: int) -> None:
    """A removal reports children before their parents."""
    events = output_port("delete")
    random.Random(seed).shuffle(events)
    progress = Progress()
    for event in events:
        progress.on_event(event)
    assert {section.name for section in progress.sections() if section.changes} == {"", "files"}
    assert progress.named(ASSET) == {"delete": ["shop/orders/files/order"]}
    assert progress.has_changes


def test_the_component_below_the_product_separates_needs_from_code() -> None:
    progress = Progress()
    for name in ("workspace", "code"):
        progress.on_event(reported(ResourcePre, "product", "orders", STACK, "same"))
        progress.on_event(reported(ResourcePre, COMPONENT, name, PRODUCT, "create"))
        progress.on_event(reported(ResourcePre, FOLDER, f"{name}-folder", urn(COMPONENT, name), "create"))
    assert [(section.kind, section.name) for section in progress.sections()] == [
        ("product", ""),
        ("need", "workspace"),
        ("code", "code"),
    ]


def test_one_failure_fails_the_port() -> None:
    progress = Progress()
    *events, _port, _product = output_port("create")
    component = urn(COMPONENT, "files-storage")
    for event in [*events, reported(ResourceFailed, FOLDER, "files-storage-folder", component, "create")]:
        progress.on_event(event)
    (section,) = [section for section in progress.sections() if section.name == "files"]
    assert section.state == "failed"


@pytest.mark.parametrize(("op", "changed"), [("same", False), ("read", False), ("update", True), ("replace", True)])
def test_only_creations_updates_and_deletions_count_as_changes(op: str, changed: bool) -> None:
    progress = Progress()
    for event in output_port(op):
        progress.on_event(event)
    assert progress.has_changes is changed


def test_the_three_steps_of_a_replacement_are_one_change() -> None:
    progress = Progress()
    component = urn(COMPONENT, "files-storage")
    for op in ("create-replacement", "replace", "delete-replaced"):
        progress.on_event(reported(ResourcePre, FOLDER, "files-storage-folder", component, op))
        progress.on_event(reported(ResourceOutputs, FOLDER, "files-storage-folder", component, op))
    assert progress.counts() == {"replace": 1}


@pytest.mark.parametrize(
    ("diffs", "operation"), [((), "drift"), ((PropertyDiff("rows", "update", old=3, new=4),), "update")]
)
def test_a_refresh_separates_drift_from_a_changed_record(diffs: tuple[PropertyDiff, ...], operation: str) -> None:
    """A refresh said `changed` and `url X → X` of a table that differed from its model."""
    progress = Progress()
    component = urn(COMPONENT, "files-storage")
    progress.on_event(reported(ResourcePre, FOLDER, "files-storage-folder", component, "refresh"))
    ended = reported(ResourceOutputs, FOLDER, "files-storage-folder", component, "update")
    progress.on_event(replace(ended, diffs=diffs))
    assert progress.counts() == {operation: 1}


def test_a_deployment_that_corrects_drift_changes_the_resource() -> None:
    progress = Progress()
    for kind in (ResourcePre, ResourceOutputs):
        progress.on_event(reported(kind, FOLDER, "files-storage-folder", urn(COMPONENT, "files-storage"), "update"))
    assert progress.counts() == {"update": 1}


def test_a_preview_names_the_reasons_of_a_replacement_and_the_values_known_only_later() -> None:
    events = output_port("replace")
    folder = replace(
        events[3],
        planning=True,
        new_inputs={"url": "[unknown]", "tags": [{"owner": "[unknown]"}], "name": "files"},
        diffs=(
            PropertyDiff("location", "update-replace", True, "EU", "US"),
            PropertyDiff("tags", "update", True, "a", "b"),
        ),
    )
    progress = Progress()
    for event in (*events[:3], folder, *events[4:]):
        progress.on_event(event)
    (section,) = [section for section in progress.sections() if section.name == "files"]
    (document,) = [each for each in section.as_json()["resources"] if each["name"] == "files-storage-folder"]
    assert document["replaced_by"] == ["location"]
    assert document["unknown"] == ["url", "tags[0].owner"]
    assert (section.as_json()["file"], section.as_json()["line"]) == (None, None), "no plan names a line"


def test_a_resource_of_a_component_that_holds_data_is_marked(tmp_path: Path) -> None:
    plan = small_product(tmp_path, "orders").plan
    group, table = "alchemesh:components:delta-table", "alchemesh:local:DeltaTable"
    port = urn("output", "orders-table")
    progress = Progress(plan)
    for kind, name, parent in (
        ("output", "orders-table", PRODUCT),
        (group, "orders-table-storage", port),
        (table, "orders-table-storage-order", urn(group, "orders-table-storage")),
    ):
        progress.on_event(reported(ResourceOutputs, kind, name, parent, "create"))
    (section,) = [section for section in progress.sections() if section.name == "orders-table"]
    document = section.as_json()
    assert [each["stateful"] for each in document["resources"]] == [True]
    assert document["line"] == plan.outputs[0].location.line
    assert document["file"].endswith("alchemesh.yaml")
