"""The same program under Pulumi alone: its Automation API, its own stack, the provider as a plugin on PATH."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from pulumi import automation

from alchemesh_platform.engine.install.find import Engine
from alchemesh_platform.registry.records import AssetRecord
from alchemesh_platform.registry.store import Registry
from alchemesh_stacks.data_product import deploy_manifest

from .harness import Shop

pytestmark = pytest.mark.engine


def test_the_stack_program_runs_under_plain_pulumi(
    shop: Shop, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "pulumi"
    root.mkdir()
    registry = f"sqlite:///{root / 'registry.db'}"
    monkeypatch.setenv("ALCHEMESH_HOME", str(shop.home))
    plugins = os.pathsep.join([str(engine.path.parent), str(Path(sys.executable).parent), os.environ["PATH"]])
    monkeypatch.setenv("PATH", plugins)
    stack = automation.create_or_select_stack(
        stack_name="local",
        project_name="shop.orders",
        program=lambda: deploy_manifest(str(shop.manifest)) and None,
        opts=automation.LocalWorkspaceOptions(
            env_vars={
                "PULUMI_BACKEND_URL": f"file://{root}",
                "PULUMI_HOME": str(root / "home"),
                "PULUMI_CONFIG_PASSPHRASE": "plain",
                "PULUMI_SKIP_UPDATE_CHECK": "true",
                "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
                "ALCHEMESH_REGISTRY": registry,
                "PATH": plugins,
            }
        ),
    )
    try:
        up = stack.up()
        assert up.summary.result == "succeeded"
        assert up.outputs["assets"].value == ["shop/orders/orders-table/order"]
        with Registry.open(registry) as records:
            assert [record.address for record in records.all(AssetRecord)] == ["shop/orders/orders-table/order"]
        assert stack.up().summary.resource_changes == {"same": up.summary.resource_changes["create"]}
    finally:
        destroyed = stack.destroy()
    assert destroyed.summary.result == "succeeded"
    with Registry.open(registry) as records:
        assert records.all(AssetRecord) == []
