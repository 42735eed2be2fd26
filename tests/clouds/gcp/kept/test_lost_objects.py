"""A deployment that deletes data in Google Cloud says so first, with its amount, and needs a permission."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.clouds.gcp.emulation.api.bigquery import BigQueryRest
from alchemesh_platform.clouds.gcp.emulation.api.storage import StorageRest
from tests.clouds.gcp.repo import Repo, platform_file, repo_in

pytestmark = [pytest.mark.engine, pytest.mark.slow]

PLATFORM = platform_file(
    "object-storage: gcs-bucket", "streaming-topic: pubsub-topic", "columnar-table: bigquery-table"
)
GONE = "args: {keep_on_destroy: false}"
GATES = """\
  - name: gates-table
    models: [gate, hall]
    storage: {component: columnar-table, args: {keep_on_destroy: false, on_incompatible_change: replace}}
"""
EVENTS = f"""\
  - name: events
    models: [gate]
    storage: {{component: streaming-topic, {GONE}}}
"""
MANIFEST = f"""\
kind: DataProduct
name: gates
domain: aviation
team: flight-data
owner: amelia@airport.example
version: 1.2.0
lifecycle: development
models:
  gate: {{properties: {{gate_id: {{type: string, key: true, required: true}}, size: {{type: integer}}}}}}
  hall: {{properties: {{hall_id: {{type: string, key: true, required: true}}}}}}
infrastructure:
  - {{name: workspace, component: object-storage, {GONE}}}
  - {{name: kept, component: object-storage}}
output_ports:
{GATES}{EVENTS}"""
BUCKET = "acme-mesh--prod--aviation--gates--workspace"
DATASET = "prod__aviation__gates__gates_table"
RENAMED = '    transforms: [{component: gcs-bucket, resource: "gcp:storage/bucket:Bucket", set: {name: acme-new}}]\n'
UP, WHERE = "alchemesh up", "-e prod --emulate"
DELETED = "would be deleted: `keep_on_destroy: false` is deployed for it"
TOPIC = "projects/acme-mesh/topics/prod--aviation--gates--events--gate"


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repo]:
    with repo_in(tmp_path / "gates", MANIFEST, PLATFORM) as made:
        yield made


def address(repo: Repo, service: str) -> str:
    emulators = repo.emulators
    return emulators.address_of(service)


def fill(repo: Repo) -> tuple[StorageRest, BigQueryRest]:
    """Two files in the bucket, three rows in the tables."""
    storage, warehouse = StorageRest("s", address(repo, "storage")), BigQueryRest("b", address(repo, "bigquery"))
    for name in ("a.csv", "b.csv"):
        storage.write(BUCKET, name, b"a row")
    warehouse.query("acme-mesh", f"INSERT INTO `acme-mesh.{DATASET}.gate` (gate_id, size) VALUES ('A1', 1), ('A2', 2)")
    warehouse.query("acme-mesh", f"INSERT INTO `acme-mesh.{DATASET}.hall` (hall_id) VALUES ('H')")
    return storage, warehouse


def edit(repo: Repo, old: str, new: str) -> None:
    manifest = repo.folder / "alchemesh.yaml"
    text = manifest.read_text()
    assert old in text
    manifest.write_text(text.replace(old, new))


def losses(repo: Repo) -> list[tuple[str, str, int | None, int | None]]:
    """The losses in the document of a preview."""
    found = repo.done("preview")["losses"]
    return [(each["port"], each["resource"], each["rows"], each["files"]) for each in found]


def test_data_that_a_deployment_deletes_is_counted_and_needs_a_permission(repo: Repo) -> None:
    """Buckets, datasets and topics were replaced and removed like resources without data, by `up --yes` too."""
    repo.done("up", "--yes")
    storage, warehouse = fill(repo)
    replace_objects(repo, storage, warehouse)
    storage.write("acme-new", "c.csv", b"a row")
    remove_objects(repo, storage)


def replace_objects(repo: Repo, storage: StorageRest, warehouse: BigQueryRest) -> None:
    """A model leaves the port, another one changes its type, and the bucket gets another name."""
    edit(repo, "models: [gate, hall]", "models: [gate]")
    edit(repo, "size: {type: integer}", "size: {type: string}")
    edit(repo, "  - {name: kept, component: object-storage}\n", "")
    (repo.folder / "platform.yaml").write_text(PLATFORM + RENAMED)
    preview = repo.run("preview")
    first, *lines = preview.stdout.splitlines()[1:]
    assert first.startswith("├─ ± need    workspace "), preview.stdout + preview.stderr
    assert first.endswith("to replace, deletes 2 files")
    shown = "\n".join(lines)
    assert "─ ± Bucket workspace-bucket  deletes 2 files\n" in shown
    assert "─ - Table gates-table-storage-hall  deletes 1 row\n" in shown
    assert "─ ± TableSchema gates-table-storage-gate-schema  deletes 2 rows\n" in shown
    assert lines[-1].endswith(f" · next: {UP} --allow-data-loss workspace --allow-data-loss gates-table {WHERE}")
    assert sorted(losses(repo)) == [
        ("gates-table", "gates-table-storage-gate-schema", 2, None),
        ("gates-table", "gates-table-storage-hall", 1, None),
        ("workspace", "workspace-bucket", None, 2),
    ]

    refused = repo.run("up", "--yes")
    assert refused.returncode == ExitCode.FAILED
    assert "✗ need    workspace " in refused.stdout
    assert f"workspace, gcs-bucket: 2 files of bucket {BUCKET} {DELETED}" in refused.stderr
    assert f"1 row of table projects/acme-mesh/datasets/{DATASET}/tables/hall {DELETED}" in refused.stderr
    assert f"hint: `{UP} --allow-data-loss workspace {WHERE}` deploys it, and deletes the data" in refused.stderr
    half = repo.run("up", "--yes", "--allow-data-loss", "workspace")
    assert half.returncode == ExitCode.FAILED
    assert f"{UP} --allow-data-loss gates-table {WHERE}" in half.stderr
    assert sorted(storage.objects(BUCKET)) == ["a.csv", "b.csv"], "a refused deployment changes nothing"
    assert warehouse.query("acme-mesh", f"SELECT count(*) FROM `acme-mesh.{DATASET}.hall`") == [["1"]]

    done = repo.run("up", "--yes", "--allow-data-loss", "workspace", "--allow-data-loss", "gates-table")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "deleted 2 rows and 2 files" in done.stdout
    assert "deleted 1 row" in done.stdout
    assert not storage.bucket_exists(BUCKET)
    assert warehouse.query("acme-mesh", f"SELECT count(*) FROM `acme-mesh.{DATASET}.gate`") == [["0"]]


def remove_objects(repo: Repo, storage: StorageRest) -> None:
    """Ports and needs are removed: a topic has messages of unknown number, and an empty table is no loss."""
    edit(repo, f"output_ports:\n{GATES}{EVENTS}".replace("[gate, hall]", "[gate]"), "")
    edit(repo, f"infrastructure:\n  - {{name: workspace, component: object-storage, {GONE}}}\n", "")
    assert sorted(losses(repo), key=str) == [
        ("events", "events-storage-gate", None, None),
        ("workspace", "workspace-bucket", None, 1),
    ]
    refused = repo.run("up", "--yes")
    assert refused.returncode == ExitCode.FAILED
    assert "✗ output  events " in refused.stdout
    assert f"is deployed for it: {TOPIC}\n" in refused.stderr
    assert f"{UP} --allow-data-loss" in refused.stderr
    assert storage.bucket_exists("acme-new")
    repo.done("up", "--yes", "--allow-data-loss", "workspace", "--allow-data-loss", "events")
    assert not storage.bucket_exists("acme-new")
    assert set(repo.kept("gcp:storage/bucket:Bucket")) == {"acme-mesh--prod--aviation--gates--kept"}
