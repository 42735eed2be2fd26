"""The example's own manifest, deployed to an emulated Google Cloud by the shipped platform file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import httpx
import pytest

from alchemesh_platform.clouds.gcp.emulation.servers.servers import Emulators
from alchemesh_platform.compose.compose import compose
from alchemesh_platform.compose.plan import Plan
from alchemesh_platform.deployment.code.connections import read_connections
from alchemesh_platform.engine.install.find import Engine
from alchemesh_platform.manifest.load import load_manifest
from alchemesh_platform.platform_file.load import load_platform
from alchemesh_platform.registry.store import Registry
from alchemesh_stacks.data_product import deploy
from tests.builtin import ROOT, builtin_catalog
from tests.compose.three_platforms import DIGEST, deliver, operational_files, run_flights

from .harness import Cloud, cloud_in

pytestmark = [pytest.mark.engine, pytest.mark.slow]

# An emulated project has no keys, policy tags or buckets of other owners.
ELSEWHERE = ("encryption_keys", "policy_tags")


@pytest.fixture
def cloud(tmp_path: Path, engine: Engine, emulators: Emulators) -> Iterator[Cloud]:
    with cloud_in(tmp_path, engine, emulators) as made:
        yield made


def flights() -> Plan:
    platform = load_platform(ROOT / "platforms" / "gcp.yaml", "prod", Path("home"))
    gcp = {key: value for key, value in platform.settings["gcp"].items() if key not in ELSEWHERE}
    platform = platform.model_copy(update={"settings": {"gcp": gcp}})
    manifest = load_manifest(ROOT / "examples" / "flights" / "alchemesh.yaml", "prod")
    return compose(manifest, platform, builtin_catalog())


def operations(cloud: Cloud) -> None:
    """The buckets of the operational systems, which the stack of another owner creates."""

    def declare() -> None:
        from pulumi_gcp import storage

        for name in ("acme-dispatch", "acme-weather-stations", "acme-registers"):
            storage.Bucket(name, name=name, location="europe-west1", uniform_bucket_level_access=True)

    theirs = replace(cloud.stack, project="operations.sources")
    replace(cloud, stack=theirs).done("up", declare)


def test_flights_is_deployed_as_previewed_and_writes_the_rows_of_every_platform(
    cloud: Cloud, emulators: Emulators, tmp_path: Path
) -> None:
    plan = flights()
    operations(cloud)
    seen = cloud.done("preview", lambda: deploy(plan))
    made = cloud.done("up", lambda: deploy(plan))
    assert made == seen
    assert list(made) == ["create"]
    assert {"code-job", "code-schedule", "flights-table-proxy-server", "departures-transfer"} <= set(made["create"])
    # Only the code has access, to each of its ports and needs.
    admitted = {name for name in made["create"] if name.endswith("-code")}
    assert admitted == {
        "departures-landing-code",
        "weather-landing-code",
        "airports-landing-code",
        "airlines-landing-code",
        "workspace-code",
        "flights-table-storage-code",
        "raw-files-storage-code",
    }
    assert cloud.done("up", lambda: deploy(plan)) == {}

    # The code writes the same rows as on a laptop and on AWS. The emulated transfer copies nothing.
    operational_files(tmp_path / "operations")
    with Registry.open(f"sqlite:///{tmp_path / 'registry.db'}") as registry:
        known = read_connections(registry, "prod", "aviation/flights")
    deliver(known, tmp_path / "operations", partial(upload, emulators.address_of("storage")))
    assert run_flights(known, tmp_path, emulators.variables()) == DIGEST


def upload(storage: str, bucket: str, key: str, file: Path) -> None:
    """Put a file into a bucket. Google's own client cannot be imported beside the provider."""
    query = {"uploadType": "media", "name": key}
    answer = httpx.post(f"{storage}/upload/storage/v1/b/{bucket}/o", params=query, content=file.read_bytes())
    assert answer.is_success, answer.text
