"""The next `up` imports the dataset and tables of a destroyed product, with their rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.clouds.gcp.emulation.api.bigquery import BigQueryRest
from alchemesh_platform.clouds.gcp.emulation.api.storage import StorageRest
from alchemesh_platform.registry.audit import acts_of
from tests.clouds.gcp.kept.test_kept_data import MANIFEST, PLATFORM, operations
from tests.clouds.gcp.repo import Repo, repo_in

pytestmark = [pytest.mark.engine, pytest.mark.slow]

DATASET = "gcp:bigquery/dataset:Dataset"
TABLE = "gcp:bigquery/table:Table"
BUCKETS, BUCKET = "gcp:storage/bucket:Bucket", "acme-mesh--prod--aviation--gates--workspace"
PLACE = "acme-mesh.prod__aviation__gates__events.gate"


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repo]:
    platform = PLATFORM.replace("streaming-topic: pubsub-topic", "columnar-table: bigquery-table")
    with repo_in(tmp_path / "gates", MANIFEST.replace("streaming-topic", "columnar-table"), platform) as made:
        yield made


def warehouse(repo: Repo) -> BigQueryRest:
    emulators = repo.emulators
    return BigQueryRest("bigquery", emulators.address_of("bigquery"))


def query(repo: Repo, statement: str) -> Any:
    return warehouse(repo).query("acme-mesh", statement)


def test_the_next_up_imports_a_dataset_with_its_tables_and_rows(repo: Repo) -> None:
    repo.done("up", "--yes")
    stood = {*repo.kept(DATASET), *repo.kept(TABLE)}
    assert any(identity.endswith("/tables/gate") for identity in stood), stood
    query(repo, f"INSERT INTO `{PLACE}` (gate_id) VALUES ('A1')")
    gone = repo.done("destroy", "--yes")
    for identity in stood:
        assert f"{identity} is kept, with its data; the next `alchemesh up` imports it again" in gone["notes"]
    assert {*repo.kept(DATASET), *repo.kept(TABLE)} == stood

    # Another environment re-created the dataset meanwhile: it is not imported.
    service, place = warehouse(repo), "prod__aviation__gates__events"
    service.change_dataset("acme-mesh", place, {"labels": {"environment": "dev"}})
    refused = repo.run("up", "--yes")
    assert refused.returncode == ExitCode.FAILED
    assert (
        f"dataset projects/acme-mesh/datasets/{place} exists and belongs to aviation/gates/events in environment dev, "
        "not to aviation/gates/events in environment prod" in refused.stderr
    )
    service.change_dataset("acme-mesh", place, {"labels": {"environment": "prod"}})

    seen = operations(repo.done("preview"))
    assert {name: what for name, what in seen.items() if name.startswith("events")} == {
        "events-storage-dataset": "import",
        "events-storage-gate": "import",
    }
    assert operations(repo.done("up", "--yes")) == seen
    assert operations(repo.done("preview")) == {}
    assert "A1" in str(query(repo, f"SELECT gate_id FROM `{PLACE}`"))

    measure_rows(repo)
    erase_rows(repo)

    # Its model may have grown meanwhile: the import keeps the old form, and the next run updates it in place.
    repo.done("destroy", "--yes")
    manifest = repo.folder / "alchemesh.yaml"
    manifest.write_text(
        manifest.read_text().replace(
            "      gate_id: {type: string, key: true, required: true}\n",
            "      gate_id: {type: string, key: true, required: true}\n      hall: {type: string}\n",
        )
    )
    assert operations(repo.done("up", "--yes"))["events-storage-gate"] == "import"
    assert operations(repo.done("preview")) == {"events-storage-gate": "update"}
    repo.done("up", "--yes")
    assert operations(repo.done("preview")) == {}
    assert "A1" in str(query(repo, f"SELECT gate_id FROM `{PLACE}` WHERE hall IS NULL"))

    delete_what_is_kept(repo)
    see_status(repo)


def measure_rows(repo: Repo) -> None:
    """The rows of BigQuery's table are counted by BigQuery, and the size of the query is shown."""
    done = repo.run("observe", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    (measurement,) = json.loads(done.stdout)["measurements"]
    values = {each["measure"]: each for each in measurement["values"] if each["asset"] == "aviation/gates/events/gate"}
    assert {name: (values[name]["good"], values[name]["total"]) for name in ("completeness", "uniqueness")} == {
        "completeness": (1, 1),
        "uniqueness": (1, 1),
    }
    assert values["change_age"]["outcome"] == "value"
    assert "model gate of events: the query reads 0 B of at most 10 GiB" in done.stderr


def erase_rows(repo: Repo) -> None:
    """Rows of BigQuery could not be erased on request."""
    query(repo, f"INSERT INTO `{PLACE}` (gate_id) VALUES ('B2'), ('B(3')")
    done = repo.done("data", "erase", "events", "--where", "gate_id LIKE 'B%'", "--reason", "request 7", "--yes")
    assert (done["port"], done["rows"], done["files"], done["copy"]) == ("aviation/gates/events", 2, 0, None)
    [storage] = [place for place in done["unreached"] if place["kind"] == "storage"]
    assert storage["sentence"].startswith("BigQuery keeps the rows in its time travel window, 2 to 7 days")
    assert query(repo, f"SELECT gate_id FROM `{PLACE}`") == [["A1"]]
    again = repo.done("data", "erase", "events", "--where", "gate_id LIKE 'B%'", "--yes")
    assert again["rows"] == 0
    wrong = repo.run("data", "erase", "events", "--where", "gat_id = 'A1'", "--yes")
    assert wrong.returncode == ExitCode.USAGE, wrong.stderr
    assert f"the condition does not fit table {PLACE}" in wrong.stderr
    second = repo.run("data", "erase", "events", "--where", f"false); DELETE FROM `{PLACE}` WHERE (true", "--yes")
    assert second.returncode == ExitCode.USAGE
    assert query(repo, f"SELECT gate_id FROM `{PLACE}`") == [["A1"]]
    with repo.registry() as registry:
        found = [act for act in acts_of(registry, product="aviation/gates") if act.operation == "data erase"]
    assert sorted((act.detail["state"], act.detail["rows"], act.reason) for act in found) == [
        ("begun", 0, ""),
        ("begun", 2, "request 7"),
        ("ended", 0, ""),
        ("ended", 2, "request 7"),
    ]


def delete_what_is_kept(repo: Repo) -> None:
    """Data that stayed in a cloud was listed, and deleted by hand only."""
    repo.done("destroy", "--yes")
    emulators = repo.emulators
    storage = StorageRest("storage", emulators.address_of("storage"))
    storage.write(BUCKET, "a.csv", b"a row")
    storage.write(BUCKET, "a.csv", b"another row")
    kept = repo.done("data", "list")["retained"]
    place = "projects/acme-mesh/datasets/prod__aviation__gates__events"
    assert [(one["address"], one["kind"], one["name"], one["contents"], one["deletable"]) for one in kept] == [
        ("aviation/gates/events", "Dataset", place, "empty", True),
        ("aviation/gates/events", "Table", f"{place}/tables/gate", "1 row", True),
        ("aviation/gates/workspace", "Bucket", BUCKET, "1 file", True),
    ]

    # Another environment has the bucket now: it is listed as its own, and stays.
    labels = repo.kept(BUCKETS)[BUCKET].inputs["labels"]
    repo.cloud.change(BUCKETS, BUCKET, labels={**labels, "environment": "dev"})
    [foreign] = repo.done("data", "list", "aviation/gates/workspace-bucket")["retained"]
    assert foreign["contents"] == "belongs to aviation/gates/workspace in environment dev"
    assert foreign["deletable"] is False
    refused = repo.run("data", "delete", "aviation/gates/workspace-bucket", "--yes")
    assert "the rest is left" in refused.stderr
    assert storage.bucket_exists(BUCKET)
    repo.cloud.change(BUCKETS, BUCKET, labels=labels)

    done = repo.run("data", "delete", "aviation/gates", "--yes")
    assert done.returncode == 0, done.stderr
    assert f"deleted Table {place}/tables/gate: 1 row" in done.stderr
    assert (
        "Cloud Storage can restore its files for the time of its soft-delete policy, 7 days by default" in done.stderr
    )
    assert not storage.bucket_exists(BUCKET)
    assert warehouse(repo).dataset("acme-mesh", place.rpartition("/")[2]) is None
    assert {*repo.kept(DATASET), *repo.kept(TABLE), *repo.kept(BUCKETS)} == set()
    assert repo.done("data", "list")["retained"] == []
    with repo.registry() as registry:
        found = [act for act in acts_of(registry, product="aviation/gates") if act.operation == "data delete"]
    assert sorted(act.detail["name"] for act in found) == sorted([BUCKET, place, f"{place}/tables/gate"])
    assert {act.actor for act in found} == {"amelia@airport.example"}
    assert operations(repo.done("up", "--yes"))["events-storage-gate"] == "create"


def see_status(repo: Repo) -> None:
    """A port whose table is empty, or gone, was healthy in the status."""

    def health() -> dict[str, tuple[str, str]]:
        status = repo.done("status")
        places = [*status["outputs"], *status["needs"]]
        return {place["name"]: (place["health"], place["parts"][0]["reason"]) for place in places}

    emulators = repo.emulators
    assert health() == {"events": ("empty", "no rows"), "workspace": ("healthy", "0 files")}
    query(repo, f"INSERT INTO `{PLACE}` (gate_id) VALUES ('A1')")
    StorageRest("storage", emulators.address_of("storage")).write(BUCKET, "gate/_manifest.json", b"{}")
    assert health() == {"events": ("healthy", ""), "workspace": ("healthy", "0 files")}
    query(repo, f"DELETE FROM `{PLACE}` WHERE true")
    assert health()["events"] == ("empty", "no rows")
    warehouse(repo).remove_table("acme-mesh", *PLACE.split(".")[1:])
    storage = StorageRest("storage", emulators.address_of("storage"))
    storage.remove(BUCKET, "gate/_manifest.json")
    storage.remove_bucket(BUCKET)
    assert health() == {
        "events": ("unhealthy", "no table for gate"),
        "workspace": ("unhealthy", f"gs://{BUCKET} is not there"),
    }
