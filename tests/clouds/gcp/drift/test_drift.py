"""`refresh --preview-only` on an emulated Google Cloud: objects that were changed or removed by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from alchemesh_platform.base.failure import ExitCode
from tests.clouds.gcp.repo import Repo, repo_in

pytestmark = [pytest.mark.engine, pytest.mark.slow]

PLATFORM = """\
kind: Platform
name: acme
environments:
  prod:
    state: gs://acme-nowhere
    registry: postgresql://nowhere.acme.example/alchemesh
    settings: {gcp: {project: acme-mesh, project_number: 123456789012, region: europe-west1}}
    components: {object-storage: gcs-bucket, streaming-topic: pubsub-topic, columnar-table: bigquery-table}
"""
MANIFEST = """\
kind: DataProduct
name: gates
domain: aviation
team: flight-data
owner: amelia@airport.example
version: 1.2.0
lifecycle: development
models:
  gate: {properties: {gate_id: {type: string, key: true, required: true}}}
infrastructure:
  - {name: workspace, component: object-storage}
output_ports:
  - name: gates-table
    models: [gate]
    storage: {component: columnar-table}
  - name: events
    models: [gate]
    storage: {component: streaming-topic}
"""
BUCKET, TOPIC, TABLE = "gcp:storage/bucket:Bucket", "gcp:pubsub/topic:Topic", "gcp:bigquery/table:Table"
DRIFT = ("refresh", "--preview-only", "--detailed-exitcode", "--json")


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repo]:
    with repo_in(tmp_path / "gates", MANIFEST, PLATFORM) as made:
        yield made


def test_changes_in_the_cloud_are_drift_and_properties_of_services_are_not(repo: Repo) -> None:
    repo.done("up", "--yes")
    same = repo.run(*DRIFT)
    assert same.returncode == ExitCode.DONE, same.stdout + same.stderr
    [bucket], [topic], [table] = repo.kept(BUCKET), repo.kept(TOPIC), repo.kept(TABLE)
    repo.cloud.change(BUCKET, bucket, labels={**repo.kept(BUCKET)[bucket].inputs["labels"], "team": "finance"})
    repo.cloud.change(TABLE, table, etag="another")
    repo.cloud.remove(TOPIC, topic)
    found = repo.run(*DRIFT)
    assert found.returncode == ExitCode.CHANGES, found.stdout + found.stderr
    document = json.loads(found.stdout)
    drift = {each["port"]: each for each in document["drift"]}
    assert set(drift) == {"workspace", "events"}
    assert drift["events"]["change"] == "removed"
    assert drift["workspace"]["by"] is None, "the emulated cloud has no audit log"
    changed = {each["path"]: each["found"] for each in drift["workspace"]["properties"]}
    assert changed == {"labels.team": "finance"}
    assert repo.run(*DRIFT).returncode == ExitCode.CHANGES, "nothing was recorded"
