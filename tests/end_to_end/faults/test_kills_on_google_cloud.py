"""A deployment to Google Cloud that is killed in the middle: the next one resumes it, and creates nothing twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from alchemesh_platform.clouds.gcp.emulation.api.bigquery import BigQueryRest
from alchemesh_platform.clouds.gcp.emulation.api.storage import StorageRest
from tests.end_to_end.faults.faulty import ENVIRONMENT, PROJECT, WITHOUT_INGESTION, Faulty, Mesh
from tests.end_to_end.held import Hold, start_held

pytestmark = [pytest.mark.engine, pytest.mark.slow]

CODE = """\
code:
  component: python-job
  args: {entrypoint: "job:main", image: europe-west1-docker.pkg.dev/acme/orders:1}
"""


@pytest.fixture(scope="module")
def whole(mesh: Mesh, tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """Type: number of resources of a product whose deployment was not killed."""
    product = write(mesh, tmp_path_factory.mktemp("whole"))
    product.up()
    return dict(product.standing())


@pytest.mark.parametrize(("number", "victim"), [(1, "command"), (5, "engine"), (9, "command")])
def test_a_kill_in_the_middle_loses_nothing_and_creates_nothing_twice(
    mesh: Mesh, whole: dict[str, int], tmp_path: Path, number: int, victim: str
) -> None:
    product = write(mesh, tmp_path)
    run = start_held(product, Hold("after", "gcp:", number), tmp_path / "run", "up", "--yes", "-e", ENVIRONMENT)
    created = product.standing()
    assert number <= created.total() < sum(whole.values()), "the kill comes in the middle"
    assert created[run.held] > 0, "the cloud has the resource, and the engine does not know yet"
    run.kill(victim)
    assert product.outcomes()[0] == "failed"

    product.up(repeated=True)
    assert product.standing() == whole
    assert held(mesh, product) == (1, 1)
    product.destroy()
    assert product.standing() == {}
    assert held(mesh, product) == (0, 0), "the state had lost a resource, and destroy did not remove it"


def write(mesh: Mesh, folder: Path) -> Faulty:
    """A product with every kind of port, whose data is deleted with it."""
    manifest = WITHOUT_INGESTION.replace("output_ports:\n", f"{CODE}output_ports:\n")
    manifest = manifest.replace("    component: object-storage", "    component: object-storage\n    args: {GOES}")
    for component in ("columnar-table", "streaming-topic"):
        manifest = manifest.replace(f"{{component: {component}}}", f"{{component: {component}, args: {{GOES}}}}")
    return mesh.product(folder, manifest.replace("GOES", "keep_on_destroy: false"), gcp={"deletion_protection": False})


def held(mesh: Mesh, product: Faulty) -> tuple[int, int]:
    """Number of a product's buckets and datasets in the emulators."""
    emulators = mesh.emulators
    storage = StorageRest("storage", emulators.address_of("storage"))
    warehouse = BigQueryRest("bigquery", emulators.address_of("bigquery"))
    buckets: Any = json.loads(storage.call("GET", "/storage/v1/b", query={"project": PROJECT}))
    datasets: Any = json.loads(warehouse.call("GET", f"/bigquery/v2/projects/{PROJECT}/datasets"))
    dashed, underscored = f"--{product.name}--", f"__{product.name.replace('-', '_')}__"
    names = [bucket["name"] for bucket in buckets.get("items", ())]
    places = [dataset["datasetReference"]["datasetId"] for dataset in datasets.get("datasets", ())]
    return sum(dashed in name for name in names), sum(underscored in place for place in places)
