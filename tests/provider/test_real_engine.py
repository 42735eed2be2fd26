"""The provider under the real Pulumi engine: attached in this process, in a separate one, and found on PATH."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi import automation
from pulumi.automation import OpType

from alchemesh_platform.engine.install.find import Engine
from alchemesh_platform.machine.servers import processes
from alchemesh_platform.machine.servers.supervisor import shut_down
from alchemesh_platform.provider.serve.attach import serve_provider
from alchemesh_platform.registry.records import ContractRecord, PortRecord
from alchemesh_platform.registry.store import Registry
from alchemesh_platform.systems.local import resources as local
from alchemesh_platform.systems.mesh import resources as mesh

pytestmark = pytest.mark.engine

COLUMNS: list[dict[str, Any]] = [
    {"name": "id", "type": "string", "required": True},
    {"name": "delay", "type": "number"},
]


class Product:
    """A small product as a Pulumi program; a test may change its parts between runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.columns = list(COLUMNS)
        self.protocols: list[Any] = ["rest"]
        self.password: str | None = None
        self.run_directory = folder / "run"
        (folder / "source").mkdir()
        (folder / "source" / "a.csv").write_text("a,b\n1,x\n2,NA\n")

    def __call__(self) -> None:
        landing = local.Ingestion(
            "departures",
            source="source/*.csv",
            root=str(self.folder),
            format="csv",
            target=str(self.folder / "data" / "departures"),
            owner="aviation/flights/departures",
        )
        table = local.DeltaTable(
            "flight",
            path=str(self.folder / "data" / "flight"),
            owner="aviation/flights/flights-table",
            table="flight",
            columns=self.columns,
        )
        api = local.DataApi(
            "api",
            process="flights-table",
            owner="aviation/flights/flights-table",
            run_directory=str(self.run_directory),
            protocols=self.protocols,
            tables=[{"name": "flight", "url": table.url, "format": "delta"}],
        )
        sql, rest, graphql = (
            api.endpoints.apply(lambda found, protocol=protocol: found.get(protocol))  # type: ignore[misc]
            for protocol in ("sql", "rest", "graphql")
        )
        mesh.Port(
            "record",
            environment="local",
            address="aviation/flights/flights-table",
            product="aviation/flights",
            direction="output",
            models=["flight"],
            connections={
                "storage": {"kind": "tables", "format": "delta", "tables": {"flight": table.url}},
                "proxy": {"kind": "data-api", "sql": sql, "rest": rest, "graphql": graphql, "tables": []},
            },
        )
        password = pulumi.Output.secret(self.password) if self.password else "none"
        mesh.Contract(
            "contract",
            environment="local",
            address="aviation/flights/flights-table",
            product="aviation/flights",
            version="1.0.0",
            lifecycle="draft",
            access="public",
            document={
                "version": "1.0.0",
                "lifecycle": "draft",
                "access": "public",
                "terms": {"usage": password, "billing": {"model": "flat", "price": 0.5, "currency": "EUR"}},
            },
        )
        pulumi.export("rows", landing.rows)
        pulumi.export("rest", rest)
        pulumi.export("sql", sql)


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Product]:
    made = Product(tmp_path)
    yield made
    shut_down(made.run_directory)


@contextmanager
def stack(folder: Path, engine: Engine, program: Callable[[], None], **variables: str) -> Iterator[automation.Stack]:
    """A stack whose state is a file."""
    (folder / "state").mkdir(exist_ok=True)
    environment = {
        "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
        "PULUMI_CONFIG_PASSPHRASE": "for tests",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_HOME": str(folder / "pulumi"),
        **variables,
    }
    path = os.environ["PATH"]
    os.environ["PATH"] = f"{engine.path.parent}{os.pathsep}{path}"  # the Automation API looks for it there
    try:
        options = automation.LocalWorkspaceOptions(env_vars=environment, work_dir=str(folder))
        yield automation.create_or_select_stack("local", "aviation.flights", program, opts=options)
    finally:
        os.environ["PATH"] = path


def registry_of(folder: Path) -> str:
    return f"sqlite:///{folder / 'registry.db'}"


def changes_of(result: Any) -> dict[str, int]:
    """Number of resources by operation, without the stack itself."""
    summary = result.change_summary if hasattr(result, "change_summary") else result.summary.resource_changes
    return {str(getattr(kind, "value", kind)): number for kind, number in summary.items() if number}


def test_a_product_is_created_updated_and_deleted(tmp_path: Path, engine: Engine, product: Product) -> None:
    said: list[str] = []
    with (
        serve_provider(registry_of(tmp_path)) as served,
        stack(tmp_path, engine, product, PULUMI_DEBUG_PROVIDERS=served.debug_providers) as made,
        Registry.open(registry_of(tmp_path)) as registry,
    ):
        assert changes_of(made.preview()) == {"create": 6}
        assert registry.all(PortRecord) == []

        up = made.up()
        assert changes_of(up) == {"create": 6}
        assert up.outputs["rows"].value == 2
        port = registry.get(PortRecord, "local", "aviation/flights/flights-table")
        assert port is not None
        assert port.connections["proxy"]["rest"] == up.outputs["rest"].value
        assert port.connections["proxy"]["sql"] is None
        contract = registry.get(ContractRecord, "local", "aviation/flights/flights-table")
        assert contract is not None
        assert contract.document["terms"]["usage"] == "none"
        assert contract.document["terms"]["billing"]["price"] == 0.5

        # A preview once showed an unsupported protocol as unknown, and so changed every record that named it.
        assert changes_of(made.preview()) == {"same": 6}
        assert changes_of(made.refresh()) == {"same": 6}

        product.columns = [*COLUMNS, {"name": "gate", "type": "string"}]
        (tmp_path / "source" / "b.csv").write_text("a,b\n3,y\n")
        os.kill(int((product.run_directory / "supervisor" / "supervisord.pid").read_text()), 9)
        preview = made.preview(on_output=said.append)
        assert changes_of(preview) == {"same": 3, "update": 3}
        assert any("source files: 1 new" in line for line in said)
        assert any("its supervisor is not running; it is started again" in line for line in said)

        product.password = "hunter2-hunter2"
        up = made.up()
        assert changes_of(up) == {"same": 2, "update": 4}
        assert up.outputs["rows"].value == 3
        assert processes.status(product.run_directory, "flights-table").alive
        kept = [path for folder in ("state", "pulumi") for path in (tmp_path / folder).rglob("*") if path.is_file()]
        assert kept
        for path in [*kept, tmp_path / "registry.db"]:
            assert b"hunter2" not in path.read_bytes(), path

        said.clear()
        assert changes_of(made.destroy(on_output=said.append)) == {"delete": 6}
        assert any("kept 3 rows of 2 files in" in line for line in said)
        assert registry.all(PortRecord) == []
        assert registry.history("local", address="aviation/flights/flights-table")
        assert processes.status(product.run_directory, "flights-table").state == "UNSUPERVISED"


def test_a_refused_input_stops_the_preview_with_its_reason(tmp_path: Path, engine: Engine) -> None:
    def program() -> None:
        wrong = [{"name": "a", "type": "text"}]
        local.DeltaTable("flight", path=str(tmp_path / "t"), owner="a/b/c", table="flight", columns=wrong)

    with (
        serve_provider(registry_of(tmp_path)) as served,
        stack(tmp_path, engine, program, PULUMI_DEBUG_PROVIDERS=served.debug_providers) as made,
        pytest.raises(automation.CommandError) as failed,
    ):
        made.preview()
    assert "columns[0].type" in str(failed.value)
    assert "Traceback" not in str(failed.value)


def test_a_failure_leaves_the_rest_recorded_and_no_pending_operation(
    tmp_path: Path, engine: Engine, product: Product
) -> None:
    (tmp_path / "source" / "a.csv").write_text("a,b\n1\n")
    with (
        serve_provider(registry_of(tmp_path)) as served,
        stack(tmp_path, engine, product, PULUMI_DEBUG_PROVIDERS=served.debug_providers) as made,
    ):
        with pytest.raises(automation.CommandError) as failed:
            made.up()
        assert "a.csv:2: 1 columns where the header has 2: 1" in str(failed.value)
        deployment = made.export_stack().deployment
        assert not deployment.get("pending_operations")
        assert "alchemesh:local:DeltaTable" in json.dumps(deployment["resources"])
        (tmp_path / "source" / "a.csv").write_text("a,b\n1,2\n")
        assert made.up().summary.resource_changes["create"] >= 1
        made.destroy()


def test_a_provider_in_a_separate_process_behaves_the_same(tmp_path: Path, engine: Engine, product: Product) -> None:
    with (
        serve_provider(registry_of(tmp_path), own_process=True, delete_data=True) as served,
        stack(tmp_path, engine, product, PULUMI_DEBUG_PROVIDERS=served.debug_providers) as made,
    ):
        assert changes_of(made.up()) == {"create": 6}
        assert changes_of(made.destroy()) == {"delete": 6}
    assert not (tmp_path / "data" / "departures").exists()


def test_any_pulumi_program_finds_the_plugin_on_path(
    tmp_path: Path, engine: Engine, product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin = tmp_path / "bin" / "pulumi-resource-alchemesh"
    plugin.parent.mkdir()
    plugin.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m alchemesh_platform.provider.main "$@"\n')
    plugin.chmod(0o755)
    monkeypatch.setenv("PATH", f"{plugin.parent}{os.pathsep}{os.environ['PATH']}")
    with stack(tmp_path, engine, product) as made:
        made.set_all_config(
            {
                "alchemesh:registry": automation.ConfigValue(registry_of(tmp_path), secret=True),
                "alchemesh:deleteData": automation.ConfigValue("true"),
            }
        )
        assert changes_of(made.up()) == {"create": 6}
        with Registry.open(registry_of(tmp_path)) as registry:
            assert len(registry.all(PortRecord)) == 1
        assert changes_of(made.destroy()) == {"delete": 6}
    assert not (tmp_path / "data" / "departures").exists()


def test_the_operations_of_a_preview_are_pulumis_own(tmp_path: Path, engine: Engine, product: Product) -> None:
    """A changed path replaces and creates first; a changed run folder replaces and deletes first."""
    with (
        serve_provider(registry_of(tmp_path)) as served,
        stack(tmp_path, engine, product, PULUMI_DEBUG_PROVIDERS=served.debug_providers) as made,
    ):
        made.up()
        first = product.run_directory
        product.run_directory = tmp_path / "elsewhere"
        assert made.preview().change_summary[OpType.REPLACE] == 1
        made.up()
        assert processes.status(first, "flights-table").state == "UNSUPERVISED"
        assert processes.status(product.run_directory, "flights-table").alive
        made.destroy()
