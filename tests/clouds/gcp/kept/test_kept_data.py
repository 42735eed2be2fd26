"""The next `up` imports data that a destroyed product retained, and no data of another owner."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.registry.records import HoldingRecord
from tests.clouds.gcp.repo import Repo, platform_file, repo_in

pytestmark = [pytest.mark.engine, pytest.mark.slow]

BUCKET = "gcp:storage/bucket:Bucket"
TOPIC = "gcp:pubsub/topic:Topic"
NAME = "acme-mesh--prod--aviation--gates--workspace"
EVENTS = "projects/acme-mesh/topics/prod--aviation--gates--events--gate"
PLATFORM = platform_file("object-storage: gcs-bucket", "streaming-topic: pubsub-topic")
MANIFEST = """\
kind: DataProduct
name: gates
domain: aviation
team: flight-data
owner: amelia@airport.example
version: 1.2.0
lifecycle: development
models:
  gate:
    description: One gate.
    properties:
      gate_id: {type: string, key: true, required: true}
infrastructure:
  - {name: workspace, component: object-storage}
output_ports:
  - name: events
    models: [gate]
    storage: {component: streaming-topic}
"""


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repo]:
    with repo_in(tmp_path / "gates", MANIFEST, PLATFORM) as made:
        yield made


def operations(document: dict[str, Any]) -> dict[str, str]:
    """Resource: its operation, for resources that change."""
    return {
        resource["name"]: resource["operation"]
        for port in document["ports"]
        for resource in port["resources"]
        if resource["operation"] not in ("same", "read") and resource["type"].startswith("gcp:")
    }


def write_object(repo: Repo, name: str) -> None:
    emulators = repo.emulators
    address = emulators.addresses()["storage"]
    upload = f"{address}/upload/storage/v1/b/{NAME}/o?uploadType=media&name={name}"
    with urlopen(Request(upload, data=b"a row", method="POST")) as answer:
        assert answer.status == 200


def test_the_next_up_imports_retained_data(repo: Repo) -> None:
    repo.done("up", "--yes")
    made = operations(repo.done("preview"))
    assert made == {}
    write_object(repo, "kept.csv")
    gone = repo.done("destroy", "--yes")
    assert f"{NAME} is kept, with its data; the next `alchemesh up` imports it again" in gone["notes"]
    assert gone["notes"][-1] == "`alchemesh data delete aviation/gates` deletes kept data"
    assert set(repo.kept(BUCKET)) == {NAME}
    assert set(repo.kept(TOPIC)) == {EVENTS}

    shown = repo.run("preview")
    assert "1 to import" in shown.stdout, shown.stdout + shown.stderr
    assert "↩ Bucket workspace-bucket" in shown.stdout
    seen = operations(repo.done("preview"))
    assert (seen["workspace-bucket"], seen["events-storage-gate"]) == ("import", "import")
    back = repo.done("up", "--yes")
    assert operations(back) == seen
    assert back["changes"]["import"] >= 2
    assert operations(repo.done("preview")) == {}
    # The product owns it again: destroy retains it again, and the next `up` imports it with the current manifest.
    repo.done("destroy", "--yes")
    manifest = repo.folder / "alchemesh.yaml"
    manifest.write_text(MANIFEST.replace("object-storage}", "object-storage, args: {retention: 7d}}"))
    assert operations(repo.done("up", "--yes"))["workspace-bucket"] == "import"
    assert operations(repo.done("preview")) == {"workspace-bucket": "update"}
    repo.done("up", "--yes")
    assert len(repo.kept(BUCKET)[NAME].inputs["lifecycleRules"]) == 3
    assert operations(repo.done("preview")) == {}


def test_resources_removed_by_hand_in_between_are_re_created(repo: Repo) -> None:
    repo.done("up", "--yes")
    repo.done("destroy", "--yes")
    repo.cloud.remove(TOPIC, EVENTS)
    failed = repo.run("up", "--yes")
    assert failed.returncode == ExitCode.FAILED
    assert "alchemesh.yaml:18:" in failed.stderr, failed.stderr
    assert f"{EVENTS} was retained when its resource was removed, and no longer exists" in failed.stderr
    assert "hint: run it again: `up` creates it" in failed.stderr
    repeated = operations(repo.done("up", "--yes"))
    assert repeated["events-storage-gate"] == "create"


def test_data_that_is_not_retained_is_re_created_and_leaves_no_record(repo: Repo) -> None:
    repo.done("up", "--yes")
    manifest = repo.folder / "alchemesh.yaml"
    manifest.write_text(MANIFEST.replace("object-storage}", "object-storage, args: {keep_on_destroy: false}}"))
    repo.done("up", "--yes")
    repo.done("destroy", "--yes")
    with repo.registry() as registry:
        assert NAME not in {holding.id for holding in registry.all(HoldingRecord)}
    assert operations(repo.done("up", "--yes"))["workspace-bucket"] == "create"


def test_an_object_of_another_owner_is_refused_at_the_line_of_the_port(repo: Repo) -> None:
    """The service refused a taken name without the name of its owner. Marks were not read before an import."""
    repo.done("up", "--yes")
    repo.done("destroy", "--yes")
    labels = repo.kept(TOPIC)[EVENTS].inputs["labels"]
    # Another environment creates the topic again, and the bucket loses its labels.
    repo.cloud.change(TOPIC, EVENTS, labels={**labels, "environment": "dev"})
    repo.cloud.change(BUCKET, NAME, labels={})
    preview = repo.run("preview", "--json")
    refused = repo.run("up", "--yes", "--json")
    for done in (preview, refused):
        assert done.returncode == ExitCode.FAILED, done.stdout + done.stderr
        document = json.loads(done.stdout)
        assert document["outcome"] == "failed"
        assert {port["name"]: port["state"] for port in document["ports"] if port["kind"] in ("need", "output")} == {
            "workspace": "failed",
            "events": "failed",
        }
        of_bucket, of_topic = document["problems"]
        assert (of_bucket["line"], of_bucket["path"]) == (14, "infrastructure[0]")
        assert of_bucket["message"] == f"workspace, gcs-bucket: bucket {NAME} exists and was not created by a product"
        assert of_bucket["hint"] == (
            "if it is the product's own, label it with managed_by=alchemesh, environment=prod, domain=aviation, "
            "product=gates, port=workspace; otherwise give the port or need another name, or set "
            "settings.gcp.name_prefix of the environment in the platform file"
        )
        assert (of_topic["line"], of_topic["path"]) == (18, "output_ports[0].storage")
        assert of_topic["message"] == (
            f"events, pubsub-topic: topic {EVENTS} exists and belongs to aviation/gates/events in environment dev, "
            "not to aviation/gates/events in environment prod"
        )
        assert "settings.gcp.name_prefix" in of_topic["hint"]
    tree = repo.run("up", "--yes")
    assert "✗ need    workspace " in tree.stdout
    assert "✗ output  events " in tree.stdout
    assert "next:" not in tree.stdout
    repo.cloud.change(TOPIC, EVENTS, labels=labels)
    repo.cloud.change(BUCKET, NAME, labels={**labels, "port": "workspace"})

    # Products have different names unless a transform of the platform gives both the same.
    repo.done("up", "--yes")
    theirs = (repo.folder / "alchemesh.yaml").read_text().replace("name: gates", "name: other")
    (repo.folder / "alchemesh.yaml").write_text(theirs)
    transform = f'    transforms: [{{component: gcs-bucket, resource: "{BUCKET}", set: {{name: {NAME}}}}}]\n'
    (repo.folder / "platform.yaml").write_text(PLATFORM + transform)
    failed = repo.run("up", "--yes", "--json")
    assert failed.returncode == ExitCode.FAILED
    (problem,) = json.loads(failed.stdout)["problems"]
    assert problem["message"] == (
        f"workspace, gcs-bucket: bucket {NAME} exists and belongs to aviation/gates/workspace in environment prod, "
        "not to aviation/other/workspace in environment prod"
    )
