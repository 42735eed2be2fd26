"""The example's own manifest, deployed to an emulated AWS by the shipped platform file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from alchemesh_platform.clouds.aws.emulation.provider import client_of, serve_emulated
from alchemesh_platform.clouds.aws.emulation.servers.services import DEFAULT_ACCOUNT, DEFAULT_REGION, MiniStack
from alchemesh_platform.compose.compose import compose
from alchemesh_platform.compose.plan import Plan
from alchemesh_platform.deployment.code.connections import read_connections
from alchemesh_platform.engine.install.find import Engine
from alchemesh_platform.engine.stack import Stack
from alchemesh_platform.manifest.load import load_manifest
from alchemesh_platform.platform_file.load import load_platform
from alchemesh_platform.provider.serve.attach import serve_provider
from alchemesh_platform.registry.store import Registry
from alchemesh_stacks.data_product import deploy
from tests.builtin import ROOT, builtin_catalog
from tests.clouds.aws.test_a_product_on_aws import Product
from tests.compose.three_platforms import DIGEST, deliver, operational_files, run_flights

# An emulated account has no keys. The shared stacks have a test of their own.
ELSEWHERE = ("encryption_keys", "budget")
pytestmark = [pytest.mark.engine, pytest.mark.slow]


def flights(folder: Path) -> Plan:
    """The plan of the product in an emulated environment, whose cloud is that of all tests."""
    platform = load_platform(ROOT / "platforms" / "aws.yaml", "aws", Path("home"))
    aws = {key: value for key, value in platform.settings["aws"].items() if key not in ELSEWHERE}
    aws |= {"account": DEFAULT_ACCOUNT, "region": DEFAULT_REGION}
    components = {key: value for key, value in platform.components.items() if not key.endswith("-foundation")}
    here = {"home": str(folder / "home" / "emulated"), "emulated": True}
    platform = platform.model_copy(update={"settings": {"aws": aws}, "components": components, **here})
    manifest = load_manifest(ROOT / "examples" / "flights" / "alchemesh.yaml", "aws")
    return compose(manifest, platform, builtin_catalog())


@pytest.fixture
def product(tmp_path: Path, engine: Engine, amazon: MiniStack) -> Iterator[Product]:
    amazon.url()
    (tmp_path / "home" / "emulated" / "aws").mkdir(parents=True)
    (tmp_path / "home" / "emulated" / "aws" / "aws").symlink_to(amazon.folder, target_is_directory=True)
    stack = Stack("aviation.flights", "aws", f"file://{tmp_path / 'home' / 'state'}", tmp_path / "home")
    with serve_emulated(amazon) as aws, serve_provider(f"sqlite:///{tmp_path / 'registry.db'}") as own:
        yield Product(engine, stack, {aws.package: aws.port, "alchemesh": own.port})


def test_flights_is_deployed_as_previewed_and_writes_the_rows_of_every_platform(
    product: Product, amazon: MiniStack, tmp_path: Path
) -> None:
    plan = flights(tmp_path)
    seen = product.done("preview", lambda: deploy(plan))
    made = product.done("up", lambda: deploy(plan))
    assert made == seen
    assert set(made) == {"create"}
    # Only the code has access, to each of its ports and needs.
    assert {name for name in made["create"] if name.endswith("-code")} == {
        "departures-code",
        "weather-code",
        "airports-code",
        "airlines-code",
        "workspace-code",
        "flights-table-storage-code",
        "raw-files-storage-code",
    }
    tables = client_of(amazon, "glue").get_tables(DatabaseName="acme__aws__aviation__flights__flights_table")
    assert {table["Name"] for table in tables["TableList"]} == {"flight", "airline", "airport"}
    policies = client_of(amazon, "iam").list_role_policies(RoleName="acme--aws--aviation--flights--code")
    assert {"acme--aws--aviation--flights--departures--input-port--code"} <= set(policies["PolicyNames"])
    assert product.done("up", lambda: deploy(plan)) == {}

    # The code writes the same rows as on a laptop and on Google Cloud.
    operational_files(tmp_path / "operations")
    s3 = client_of(amazon, "s3")
    for bucket in ("acme-dispatch", "acme-weather-stations", "acme-registers"):
        s3.create_bucket(Bucket=bucket)
    with Registry.open(f"sqlite:///{tmp_path / 'registry.db'}") as registry:
        known = read_connections(registry, "aws", "aviation/flights")
    deliver(known, tmp_path / "operations", lambda bucket, key, file: s3.upload_file(str(file), bucket, key))
    assert run_flights(known, tmp_path, amazon.place().variables()) == DIGEST
