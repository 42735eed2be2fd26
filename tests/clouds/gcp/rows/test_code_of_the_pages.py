"""The product that `init` writes: the same manifest and the same code on Google Cloud, with the steps of the docs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from alchemesh_cli.main import invoke
from alchemesh_platform import __version__
from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.clouds.gcp.data_api.image import NAME
from alchemesh_platform.clouds.gcp.emulation.api.storage import StorageRest
from tests.builtin import ROOT
from tests.clouds.gcp.repo import Repo, repo_in
from tests.commands import LONGEST

pytestmark = [pytest.mark.engine, pytest.mark.slow]

PLATFORM = """\
kind: Platform
name: acme
environments:
  prod:
    state: gs://acme-nowhere
    registry: postgresql://nowhere.acme.example/alchemesh
    settings:
      gcp:
        project: acme-mesh
        project_number: 123456789012
        region: europe-west1
        image_repository: europe-west1-docker.pkg.dev/acme-mesh/products
        data_api_image: europe-west1-docker.pkg.dev/acme-mesh/mirror/roapi:0.12.8
    components:
      file-ingestion: storage-transfer
      columnar-table: bigquery-table
      data-api: cloud-run-data-api
      python-job: cloud-run-job
"""
SOURCE = "acme-shop"


def shown(page: str, after: str, language: str) -> str:
    """The first code block of a language after a text of a page."""
    text = (ROOT / "docs" / page).read_text("utf-8")
    found = re.search(rf"```{language}\n(.*?)```", text[text.index(after) :], re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repo]:
    assert invoke(["init", str(tmp_path / "orders-as-written")]) == ExitCode.DONE
    written = tmp_path / "orders-as-written"
    manifest = (written / "alchemesh.yaml").read_text("utf-8").replace("name: orders-as-written", "name: orders")
    with repo_in(tmp_path / "orders", manifest, PLATFORM) as made:
        (made.folder / "sales.csv").write_bytes((written / "data" / "sales.csv").read_bytes())
        (made.folder / "alchemesh.prod.yaml").write_text(shown("getting-started.md", "alchemesh.prod.yaml", "yaml"))
        (made.folder / "clean.py").write_bytes((written / "clean.py").read_bytes())
        yield made


def test_the_code_that_init_writes_runs_unchanged_on_google_cloud(repo: Repo) -> None:
    failed = repo.run("up", "--yes", "--json")
    assert failed.returncode == ExitCode.FAILED, failed.stderr
    (problem,) = json.loads(failed.stdout)["problems"]
    assert f"Not found: bucket {SOURCE}" in problem["message"]
    assert f"""-d '{{"name": "{SOURCE}"}}'""" in problem["hint"]

    emulators = repo.emulators
    storage = StorageRest("storage", emulators.address_of("storage"))
    storage.make_bucket("theirs", SOURCE, "EU")
    up = repo.run("up", "--yes", "--json")
    assert up.returncode == ExitCode.DONE, up.stderr
    # The platform file still names the image of a former version.
    former = "europe-west1-docker.pkg.dev/acme-mesh/mirror/roapi:0.12.8"
    current = f"europe-west1-docker.pkg.dev/acme-mesh/products/{NAME}:{__version__}"
    said = f"{former} is an image of roapi, which no longer serves REST and GraphQL: the server runs {current}."
    assert said in up.stdout + up.stderr
    ports = json.loads(repo.run("env", "--json").stdout)["inputs"]
    bucket = ports["sales"]["storage"]["url"].removeprefix("gs://")
    storage.write(bucket, "sales.csv", (repo.folder / "sales.csv").read_bytes(), "text/csv")
    ran = repo.run("run")
    assert ran.returncode == ExitCode.DONE, ran.stdout + ran.stderr
    assert "4 of 6 sales are clean" in ran.stdout, "as on a laptop"
    # In a new process: Google's clients cannot be imported after the platform's provider.
    status = repo.start("status")
    shown_now = status.communicate(timeout=LONGEST)[0]
    assert "sale  4 rows" in shown_now
    assert " · 4 rows written · " in shown_now, "the history of runs has the rows"

    (repo.folder / "clean.py").write_text(shown("platform-gcp.md", "## Rows on Google Cloud", "python"))
    assert "5 sales" in repo.run("run").stdout
    status = repo.start("status")
    assert "sale  5 rows" in status.communicate(timeout=LONGEST)[0]
