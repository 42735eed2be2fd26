"""A third-party package adds a system, and a product is deployed with it. No file of the platform names it."""

from __future__ import annotations

import json
import os
import shlex
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.builtin import ROOT

pytestmark = pytest.mark.engine

PACKAGE = ROOT / "tests" / "example_system"
PLATFORM = """\
kind: Platform
name: acme
environments:
  local:
    extends: builtin/local
    settings:
      keyvalue: {folder: FOLDER}
    components:
      key-value-store: keyvalue-store
      key-value-access: keyvalue-access
"""
MANIFEST = """\
kind: DataProduct
name: prices
domain: retail
team: shop
owner: ada@shop.example
version: 1.0.0
lifecycle: development
models:
  price:
    description: The price of one article.
    properties:
      article: {type: string, key: true, required: true, description: Number of the article}
      amount: {type: number, description: Euros}
code:
  component: python-job
  args: {entrypoint: "job:main", env: {PYTHONPATH: SITE}}
output_ports:
  - name: latest
    models: [price]
    storage: {component: key-value-store, args: {keep_on_destroy: false}}
    proxy: {component: key-value-access, protocols: [sqlite]}
    contract: {version: 1.0.0, lifecycle: active, access: internal, terms: {notice_period: 30d}}
"""
STORAGE = "20:26"  # of the manifest: the component of the port's storage
FOLDER = "7:26"  # of the platform file: the setting
JOB = """\
from acme_keyvalue.connections import KeyValueConnection
from alchemesh_platform.connections import connections


def main() -> None:
    store = connections().output("latest").storage_as(KeyValueConnection).store()
    store.put("4711", "9.90")
    print(f"{store.count()} price written")
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which pip installs the package."""
    target = tmp_path_factory.mktemp("site")
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, "--target", str(target), str(PACKAGE)], check=True
    )
    return target


@dataclass(frozen=True, slots=True)
class Repo:
    """A product's repo, on a machine where the package is installed."""

    folder: Path
    stores: Path
    environ: dict[str, str]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "alchemesh_cli", *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=self.environ, capture_output=True, text=True, check=False, timeout=300
        )

    def done(self, *arguments: str) -> str:
        result = self.run(*arguments)
        assert result.returncode == 0, f"{arguments} left with {result.returncode}\n{result.stdout}\n{result.stderr}"
        return result.stdout

    def json(self, *arguments: str) -> Any:
        return json.loads(self.done(*arguments, "--json"))

    @property
    def store(self) -> Path:
        return self.stores / "retail.prices.latest.db"


@pytest.fixture
def repo(tmp_path: Path, site: Path) -> Iterator[Repo]:
    """The repo; its deployment is destroyed at the end."""
    folder, stores = tmp_path / "prices", tmp_path / "stores"
    folder.mkdir()
    (folder / "platform.yaml").write_text(PLATFORM.replace("FOLDER", str(stores)))
    (folder / "alchemesh.yaml").write_text(MANIFEST.replace("SITE", str(site)))
    (folder / "job.py").write_text(JOB)
    environ = {
        **os.environ,
        "PYTHONPATH": str(site),
        "ALCHEMESH_HOME": str(tmp_path / "home"),
        "NO_COLOR": "1",
    }
    repo = Repo(folder, stores, environ)
    yield repo
    repo.run("destroy", "--yes")


def test_a_product_is_deployed_with_the_system_of_another_package(repo: Repo) -> None:
    components = {component["name"]: component for component in repo.json("components", "list")}
    assert components["keyvalue-store"]["owner"] == "acme"
    assert components["keyvalue-access"]["protocols"] == ["sqlite"]
    assert "keyvalue" in repo.done("doctor")
    assert repo.run("validate").stdout == "alchemesh.yaml: no problems\n"

    up = repo.run("up", "--yes")
    assert up.returncode == 0, up.stderr
    assert f"sqlite   sqlite://{repo.store}" in up.stdout + up.stderr
    assert repo.store.is_file()
    assert repo.json("up", "--yes")["changes"].keys() == {"same"}

    given = repo.json("env")["outputs"]["latest"]
    assert given == {
        "storage": {"kind": "keyvalue", "path": str(repo.store)},
        "proxy": {"kind": "keyvalue-access", "sqlite": f"sqlite://{repo.store}"},
    }
    exported = repo.done("env")
    assert f"export ALCHEMESH_OUTPUT_LATEST_PATH={shlex.quote(str(repo.store))}\n" in exported
    assert f"export ALCHEMESH_OUTPUT_LATEST_SQLITE={shlex.quote(f'sqlite://{repo.store}')}\n" in exported

    assert repo.done("run") == "1 price written\n"
    with sqlite3.connect(repo.store) as connection:
        assert connection.execute("SELECT key, value FROM pairs").fetchall() == [("4711", "9.90")]
    (port,) = repo.json("status")["outputs"]
    assert [(part["component"], part["health"], part["reason"]) for part in port["parts"]] == [
        ("keyvalue-store", "healthy", "1 keys"),
        ("keyvalue-access", None, ""),
    ]
    assert port["endpoints"] == {"sqlite": f"sqlite://{repo.store}"}
    (probed,) = repo.json("observe")["measurements"][0]["probes"]
    assert (probed["protocol"], probed["outcome"], probed["reason"]) == ("sqlite", "up", "")

    repo.done("destroy", "--yes")
    assert not repo.store.exists()
    assert repo.json("status", "--all")["products"] == []


def test_its_components_pass_through_the_conformance_kit_with_the_real_engine(repo: Repo) -> None:
    tested = repo.run("components", "test", str(PACKAGE), "--engine")
    assert (tested.returncode, tested.stdout) == (
        0,
        "acme-keyvalue: 2 components · 3 cases · 1 case deployed · no findings\n",
    )


def test_an_error_of_the_system_is_reported_at_its_line_with_its_hint(repo: Repo) -> None:
    repo.stores.mkdir()
    repo.store.write_text("no database")
    up = repo.run("up", "--yes")
    assert up.returncode == 1
    assert f"alchemesh.yaml:{STORAGE}  output_ports[0].storage: latest, keyvalue-store: keyvalue: {repo.store}: " in (
        up.stderr
    )
    assert (
        f"{repo.store}: file is not a database\n\nhint: move {repo.store} away, or choose another folder by "
        f"settings.keyvalue.folder (platform.yaml:{FOLDER}); then run again"
    ) in up.stderr
    repo.store.unlink()


def test_an_unsupported_protocol_is_refused_with_the_supported_ones(repo: Repo) -> None:
    manifest = repo.folder / "alchemesh.yaml"
    manifest.write_text(MANIFEST.replace("[sqlite]", "[sql]"))
    refused = repo.run("validate")
    assert refused.returncode == 3
    assert "found 'sql', expected a protocol that keyvalue-access speaks" in refused.stderr
    manifest.write_text(MANIFEST.replace("[sqlite]", "[sqlte]"))
    unknown = repo.run("validate").stderr
    assert "found 'sqlte', expected one of sqlite, sql, rest, graphql" in unknown
    assert "did you mean 'sqlite'?" in unknown


def test_listing_components_imports_nothing_of_the_package(repo: Repo) -> None:
    code = (
        "import sys; from alchemesh_cli.main import alchemesh\n"
        "alchemesh(['components', 'list'], standalone_mode=False)\n"
        "print([name for name in sys.modules if name.startswith('acme_keyvalue') or name in ('pulumi', 'duckdb')])"
    )
    done = subprocess.run([sys.executable, "-c", code], env=repo.environ, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
