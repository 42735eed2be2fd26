"""Real clients of PostgreSQL, through the gateway: a driver that fails here fails for a consumer."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from alchemesh_platform.systems.local.data_api.server import DataApi, deploy_product, take_down
from alchemesh_platform.systems.local.data_api.tables import ServedTable
from parts import sql_clients
from tests.systems.local.serving.clients import CHECKS, Address, Check
from tests.systems.local.serving.matrix import write_matrix

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Address]:
    """A data API over a table with every type."""
    folder = tmp_path_factory.mktemp("clients")
    write_matrix(folder / "matrix")
    table = ServedTable("matrix", (folder / "matrix").as_uri(), "delta", ("id",))
    api = DataApi("clients", folder / "run", (table,), ("sql",))
    try:
        endpoints = deploy_product(api)
        credential = json.loads(Path(endpoints.credential_file).read_text())
        assert endpoints.postgres_port is not None
        yield Address(endpoints.postgres_port, credential["user"], credential["password"])
    finally:
        take_down(api)


@pytest.fixture(scope="module")
def parts() -> Path:
    """The clients that are not Python's. Skipped without their programs, except on CI."""
    if (lacking := sql_clients.missing()) is not None:
        assert not os.environ.get("CI"), lacking
        pytest.skip(lacking)
    return sql_clients.prepare()


@pytest.mark.parametrize("check", CHECKS, ids=[f"{check.client}: {check.does}" for check in CHECKS])
def test_a_real_client_reads_the_right_values(address: Address, check: Check, request: pytest.FixtureRequest) -> None:
    """roapi passed none: a parameter broke the connection, BEGIN was refused, and values had the wrong types."""
    found = request.getfixturevalue("parts") if check.needs_parts else None
    check.run(Address(address.port, address.user, address.password, found))
