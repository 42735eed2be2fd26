"""A deployment to Google Cloud that is killed in the middle: the next one goes on, and nothing is there twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from alchemesh_platform.clouds.gcp.emulation.api.bigquery import BigQueryRest
from alchemesh_platform.clouds.gcp.emulation.api.storage import StorageRest
from tests.waiting import until

from .faulty import ENVIRONMENT, PROJECT, WITHOUT_INGESTION, Faulty, Mesh
from .harness import LONGEST, engines_below, kill

pytestmark = [pytest.mark.engine, pytest.mark.slow]

CODE = """\
code:
  component: python-job
  args: {entrypoint: "job:main", image: europe-west1-docker.pkg.dev/acme/orders:1}
"""


@pytest.fixture(scope="module")
def whole(mesh: Mesh, tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """Type: how many things a product has that nobody killed."""
    product = write(mesh, tmp_path_factory.mktemp("whole"))
    product.up()
    found = dict(product.standing())
    product.destroy()
    assert product.standing() == {}
    return found


@pytest.mark.parametrize("victim", ["cli", "engine"])
@pytest.mark.parametrize("made", [1, 5, 9])
def test_a_kill_in_the_middle_loses_nothing_and_doubles_nothing(
    mesh: Mesh, whole: dict[str, int], tmp_path: Path, victim: str, made: int
) -> None:
    product = write(mesh, tmp_path)
    process = product.start("up", "--yes", "-e", ENVIRONMENT)
    until(lambda: product.standing().total() >= made or process.poll() is not None, f"{made} things are made")
    if victim == "cli":
        process.kill()
    else:
        kill(engines_below(process.pid))
    process.communicate(timeout=LONGEST)

    product.up(repeated=True)
    assert product.standing() == whole
    assert held(mesh, product) == (1, 1)
    product.destroy()
    assert product.standing() == {}
    assert held(mesh, product) == (0, 0), "a thing that the state had forgotten would be left behind"


def write(mesh: Mesh, folder: Path) -> Faulty:
    """A product of every kind of port, whose data goes with it."""
    manifest = WITHOUT_INGESTION.replace("output_ports:\n", f"{CODE}output_ports:\n")
    manifest = manifest.replace("    component: object-storage", "    component: object-storage\n    args: {GOES}")
    for component in ("columnar-table", "streaming-topic"):
        manifest = manifest.replace(f"{{component: {component}}}", f"{{component: {component}, args: {{GOES}}}}")
    return mesh.product(folder, manifest.replace("GOES", "keep_on_destroy: false"), gcp={"deletion_protection": False})


def held(mesh: Mesh, product: Faulty) -> tuple[int, int]:
    """How many buckets and datasets of a product the emulators hold."""
    emulators = mesh.emulators
    storage = StorageRest("storage", emulators.address_of("storage"))
    warehouse = BigQueryRest("bigquery", emulators.address_of("bigquery"))
    buckets: Any = json.loads(storage.call("GET", "/storage/v1/b", query={"project": PROJECT}))
    datasets: Any = json.loads(warehouse.call("GET", f"/bigquery/v2/projects/{PROJECT}/datasets"))
    dashed, underscored = f"--{product.name}--", f"__{product.name.replace('-', '_')}__"
    names = [bucket["name"] for bucket in buckets.get("items", ())]
    places = [dataset["datasetReference"]["datasetId"] for dataset in datasets.get("datasets", ())]
    return sum(dashed in name for name in names), sum(underscored in place for place in places)
