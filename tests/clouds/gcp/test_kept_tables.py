"""The next `up` imports the dataset and tables of a destroyed product, with their rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alchemesh_platform.clouds.gcp.emulation.api.bigquery import BigQueryRest
from alchemesh_platform.clouds.gcp.emulation.environment import emulators_of
from alchemesh_platform.deployment.emulation import emulate
from alchemesh_platform.platform_file.load import load_platform

from .repo import Repo, repo_in
from .test_kept_data import MANIFEST, PLATFORM, operations

pytestmark = [pytest.mark.engine, pytest.mark.slow]

DATASET = "gcp:bigquery/dataset:Dataset"
TABLE = "gcp:bigquery/table:Table"
PLACE = "acme-mesh.prod__aviation__gates__events.gate"


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repo]:
    platform = PLATFORM.replace("streaming-topic: pubsub-topic", "columnar-table: bigquery-table")
    with repo_in(tmp_path / "gates", MANIFEST.replace("streaming-topic", "columnar-table"), platform) as made:
        yield made


def query(repo: Repo, statement: str) -> Any:
    emulators = emulators_of(emulate(load_platform(repo.folder / "platform.yaml", "prod", repo.home)))
    return BigQueryRest("bigquery", emulators.address_of("bigquery")).query("acme-mesh", statement)


def test_the_next_up_imports_a_dataset_with_its_tables_and_rows(repo: Repo) -> None:
    repo.done("up", "--yes")
    stood = {*repo.kept(DATASET), *repo.kept(TABLE)}
    assert any(identity.endswith("/tables/gate") for identity in stood), stood
    query(repo, f"INSERT INTO `{PLACE}` (gate_id) VALUES ('A1')")
    gone = repo.done("destroy", "--yes")
    for identity in stood:
        assert f"{identity} is kept, with its data; the next `alchemesh up` imports it again" in gone["notes"]
    assert {*repo.kept(DATASET), *repo.kept(TABLE)} == stood

    seen = operations(repo.done("preview"))
    assert {name: what for name, what in seen.items() if name.startswith("events")} == {
        "events-storage-dataset": "import",
        "events-storage-gate": "import",
    }
    assert operations(repo.done("up", "--yes")) == seen
    assert operations(repo.done("preview")) == {}
    assert "A1" in str(query(repo, f"SELECT gate_id FROM `{PLACE}`"))

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
