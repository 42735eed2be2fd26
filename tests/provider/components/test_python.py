"""Components in a plain Pulumi program in Python, on the real engine: without a mesh, a registry and `alchemesh`."""

from __future__ import annotations

import sys
from pathlib import Path

import pulumi
import pytest
from deltalake import DeltaTable

from alchemesh_components.infrastructure.local_directory.component import LocalDirectory
from alchemesh_components.infrastructure.local_directory.models import Args as DirectoryArgs
from alchemesh_components.local.settings import LocalSettings, Settings
from alchemesh_components.output_ports.delta_table.component import DeltaTables
from alchemesh_components.output_ports.delta_table.models import Args
from alchemesh_platform.engine.install.find import Engine
from alchemesh_platform.manifest.models import LogicalType, Property, SemanticModel
from alchemesh_platform.sdk.wiring import Wiring
from tests.provider.test_real_engine import stack

pytestmark = pytest.mark.engine


def test_a_python_program_deploys_components_without_a_mesh(tmp_path: Path, engine: Engine) -> None:
    plugin = tmp_path / "plugin" / "pulumi-resource-alchemesh"
    plugin.parent.mkdir()
    plugin.write_text(f"#!{sys.executable}\nfrom alchemesh_platform.provider.main import main\nmain()\n")
    plugin.chmod(0o755)

    def program() -> None:
        settings = Settings(local=LocalSettings(root=str(tmp_path / "data"), run=str(tmp_path / "run")))
        order = SemanticModel(properties={"order_id": Property(type=LogicalType.STRING, key=True)})
        wiring = Wiring(domain="retail", product="orders", port="orders-table", models={"order": order})
        tables = DeltaTables("orders-table", Args(keep_on_destroy=False), settings, wiring)
        files = LocalDirectory("scratch", DirectoryArgs(keep_on_destroy=False), settings)
        pulumi.export("table", tables.outputs["tables"]["order"])
        pulumi.export("files", files.outputs["url"])

    path = f"{plugin.parent}:{engine.path.parent}:/usr/bin:/bin"
    with stack(tmp_path, engine, program, PATH=path) as deployed:
        outputs = deployed.up().outputs
        table = Path(outputs["table"].value.removeprefix("file://"))
        assert [column.name for column in DeltaTable(str(table)).schema().fields] == ["order_id"]
        assert Path(outputs["files"].value.removeprefix("file://")).is_dir()
        assert set(deployed.preview().change_summary) == {"same"}
        deployed.destroy()
    assert not table.exists()
