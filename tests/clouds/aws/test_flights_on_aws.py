"""The example's own manifest, deployed to an emulated AWS by the shipped platform file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from alchemesh_platform.clouds.aws.emulation.provider import client_of, serve_emulated
from alchemesh_platform.clouds.aws.emulation.servers.services import DEFAULT_ACCOUNT, DEFAULT_REGION, MiniStack
from alchemesh_platform.compose.compose import compose
from alchemesh_platform.compose.plan import Plan
from alchemesh_platform.engine.install.find import Engine
from alchemesh_platform.engine.stack import Stack
from alchemesh_platform.manifest.load import load_manifest
from alchemesh_platform.platform_file.load import load_platform
from alchemesh_platform.provider.serve.attach import serve_provider
from alchemesh_stacks.data_product import deploy
from tests.builtin import ROOT, builtin_catalog
from tests.clouds.aws.test_a_product_on_aws import Product

pytestmark = [pytest.mark.engine, pytest.mark.slow]


def flights() -> Plan:
    platform = load_platform(ROOT / "platforms" / "aws.yaml", "aws", Path("home"))
    aws = {key: value for key, value in platform.settings["aws"].items() if key != "encryption_keys"}
    aws |= {"account": DEFAULT_ACCOUNT, "region": DEFAULT_REGION}
    platform = platform.model_copy(update={"settings": {"aws": aws}})
    manifest = load_manifest(ROOT / "examples" / "flights" / "alchemesh.yaml", "aws")
    return compose(manifest, platform, builtin_catalog())


@pytest.fixture
def product(tmp_path: Path, engine: Engine, amazon: MiniStack) -> Iterator[Product]:
    stack = Stack("aviation.flights", "aws", f"file://{tmp_path / 'home' / 'state'}", tmp_path / "home")
    with serve_emulated(amazon) as aws, serve_provider(f"sqlite:///{tmp_path / 'registry.db'}") as own:
        yield Product(engine, stack, {aws.package: aws.port, "alchemesh": own.port})


def test_flights_is_deployed_as_previewed_and_a_second_run_changes_nothing(product: Product, amazon: MiniStack) -> None:
    plan = flights()
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
