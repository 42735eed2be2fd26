"""`plan --resources` lists offline the resources that a preview on the emulated cloud creates."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.builtin import ROOT
from tests.end_to_end.test_plan_of_resources import listed, previewed

from .repo import repo_in

pytestmark = [pytest.mark.engine, pytest.mark.slow]

PLATFORM = """\
kind: Platform
name: acme
environments:
  prod:
    state: gs://acme-nowhere
    registry: postgresql://nowhere.acme.example/alchemesh
    settings:
      gcp: {project: acme-mesh, project_number: 123456789012, region: europe-west1}
    components:
      file-ingestion: storage-transfer
      object-storage: gcs-bucket
      columnar-table: bigquery-table
      data-api: cloud-run-data-api
      python-job: cloud-run-job
      platform-foundation: gcp-platform
"""


def test_on_google_cloud_the_plan_lists_the_resources_of_a_preview(tmp_path: Path) -> None:
    example = ROOT / "examples" / "flights"
    with repo_in(tmp_path / "flights", (example / "alchemesh.yaml").read_text(), PLATFORM) as repo:
        shutil.copy(example / "alchemesh.prod.yaml", repo.folder)
        plan, preview = repo.done("plan", "--resources"), repo.done("preview")
    assert listed(plan) == previewed(preview)
    assert len(plan["resources"]) > 50
