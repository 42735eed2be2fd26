"""Real servers behind real Caddy, PgBouncer and bubblewrap."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from alchemesh_platform.systems.local.data_api.gateway.gateway import Gateway
from alchemesh_platform.systems.local.data_api.server import DataApi, Endpoints, deploy_product, take_down
from alchemesh_platform.systems.local.data_api.tables import ServedTable

OVERWRITTEN = "an overwritten row"


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DataApi]:
    """A data API over a table of one flight, with a former version."""
    folder = tmp_path_factory.mktemp("data-api")
    write_deltalake(folder / "flight", pa.table({"id": [OVERWRITTEN]}))
    write_deltalake(folder / "flight", pa.table({"id": ["UA1"]}), mode="overwrite")
    table = ServedTable("flight", (folder / "flight").as_uri(), "delta")
    wanted = DataApi("flights-table", folder / "run", (table,), ("sql", "rest", "graphql"))
    yield wanted
    take_down(wanted)


@pytest.fixture
def endpoints(api: DataApi) -> Endpoints:
    """Its endpoints; starts it if a test stopped it."""
    return deploy_product(api)


@pytest.fixture
def gateway(api: DataApi, endpoints: Endpoints) -> Gateway:
    """Its gateway."""
    return Gateway(api.run_directory, api.process)
