"""The examples' data and products, made once for all tests that only read them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
sys.path.insert(0, str(EXAMPLES))  # data.py and demo.py are scripts, not parts of a package

import data  # noqa: E402
from staging import Product, Run, serving, set_up_flights, set_up_punctuality  # noqa: E402

from alchemesh_platform.connections import DataApiConnection  # noqa: E402


@pytest.fixture(scope="session")
def operations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The operational files, unpacked."""
    folder = tmp_path_factory.mktemp("operations")
    data.prepare(folder)
    return folder


@pytest.fixture(scope="session")
def flights_run(operations: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Product, Run]:
    """The product flights after a run of its code on all of the data."""
    product = set_up_flights(tmp_path_factory.mktemp("flights"), operations)
    return product, product.run()


@pytest.fixture(scope="session")
def flights(flights_run: tuple[Product, Run]) -> Product:
    """The product flights with its tables filled. Only to be read."""
    return flights_run[0]


@pytest.fixture(scope="session")
def flights_api(flights: Product, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DataApiConnection]:
    """The data API of the port flights-table."""
    with serving(tmp_path_factory.mktemp("flights-api"), flights.tables("flights-table")) as api:
        yield api


@pytest.fixture(scope="session")
def punctuality_run(flights_api: DataApiConnection, tmp_path_factory: pytest.TempPathFactory) -> tuple[Product, Run]:
    """The product punctuality after a run of its code on the rows from the data API of flights."""
    product = set_up_punctuality(tmp_path_factory.mktemp("punctuality"), flights_api)
    return product, product.run()


@pytest.fixture(scope="session")
def punctuality(punctuality_run: tuple[Product, Run]) -> Product:
    """The product punctuality with its tables filled. Only to be read."""
    return punctuality_run[0]
