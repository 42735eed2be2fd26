"""A job of Cloud Run needs its image and secrets: the first `up` says who provides them, and the next resumes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alchemesh_platform.base.failure import ExitCode

from .repo import Repo, repo_in

pytestmark = [pytest.mark.engine, pytest.mark.slow]

JOB = "gcp:cloudrunv2/job:Job"
BUCKET = "gcp:storage/bucket:Bucket"
MEMBER = "gcp:secretmanager/secretIamMember:SecretIamMember"
IMAGE = "europe-west1-docker.pkg.dev/acme-mesh/products/aviation/gates:1.2.0"
PLATFORM = """\
kind: Platform
name: acme
environments:
  prod:
    state: gs://acme-nowhere
    registry: postgresql://nowhere.acme.example/alchemesh
    settings:
      gcp: {project: acme-mesh, region: europe-west1, image_repository: europe-west1-docker.pkg.dev/acme-mesh/products}
    components:
      object-storage: gcs-bucket
      secret: secret-manager-secret
      python-job: cloud-run-job
"""
MANIFEST = """\
kind: DataProduct
name: gates
domain: aviation
team: flight-data
owner: amelia@airport.example
version: 1.2.0
lifecycle: development
source_systems: [dispatch]
infrastructure:
  - {name: workspace, component: object-storage}
  - {name: api-token, component: secret, args: {keep_on_destroy: false}}
code:
  component: python-job
  args: {entrypoint: "gates.clean:main", env: {TOKEN: {secret: API_TOKEN}, AGAIN: {secret: API_TOKEN}}}
"""


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Repo]:
    for variable in ("TOKEN", "AGAIN"):
        monkeypatch.delenv(variable, raising=False)
    with repo_in(tmp_path / "gates", MANIFEST, PLATFORM) as made:
        yield made


def problems_of(repo: Repo) -> list[dict[str, Any]]:
    """An `up` that must fail."""
    failed = repo.run("up", "--yes", "--json")
    assert failed.returncode == ExitCode.FAILED, failed.stderr
    found: list[dict[str, Any]] = json.loads(failed.stdout)["problems"]
    return found


def test_a_first_up_says_who_provides_secret_and_image_and_the_next_resumes(
    repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.cloud.withhold_image(IMAGE)
    (empty,) = problems_of(repo)
    assert "Error code 9" in empty["message"]
    assert "/secrets/prod--aviation--gates--api-token/versions/latest was not found" in empty["message"]
    assert "export TOKEN=… and AGAIN=…" in empty["hint"]
    assert empty["line"] == 13  # the line of the code in the manifest
    # The rest is deployed, with the empty secret: its owner can add the value there.
    assert len(repo.cloud.all(BUCKET)) == 1
    assert "api-token-secret" in [kept.urn.rpartition("::")[2] for kept in repo.cloud.all()]

    monkeypatch.setenv("TOKEN", "a-value-that-nobody-sees")
    monkeypatch.setenv("AGAIN", "a-value-that-nobody-sees")
    (unbuilt,) = problems_of(repo)
    assert f"Error code 5, message: Image '{IMAGE}' not found." in unbuilt["message"]
    assert f"`docker push {IMAGE}`" in unbuilt["hint"]

    # The next run updates a broken resource and does not create it twice.
    repo.cloud.push_image(IMAGE)
    (before,) = repo.cloud.all(JOB)
    repo.done("up", "--yes")
    (after,) = repo.cloud.all(JOB)
    assert after.outputs["uid"] == before.outputs["uid"]
    assert repo.run("preview", "--detailed-exitcode").returncode == 0
    # One right for one account on one secret: of two, each would remove the other.
    assert len(repo.cloud.all(MEMBER)) == 1
    state = repo.run("status", "--json")
    assert "a-value-that-nobody-sees" not in state.stdout

    # Code that no longer has the secret in its environment can still read it, as every need of its product.
    without = MANIFEST.replace(", env: {TOKEN: {secret: API_TOKEN}, AGAIN: {secret: API_TOKEN}}", "")
    (repo.folder / "alchemesh.yaml").write_text(without)
    repo.done("up", "--yes")
    repo.done("refresh", "--yes")
    repo.done("up", "--yes")
    assert len(repo.cloud.all(MEMBER)) == 1
