"""The examples of docs/query-a-port.md run as they are, against a data API behind its gateway."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from alchemesh_platform.connections import CONNECTIONS_VARIABLE, NotReadable, connections
from alchemesh_platform.systems.local.data_api.gateway.gateway import Gateway
from alchemesh_platform.systems.local.data_api.server import DataApi, deploy_product, take_down
from alchemesh_platform.systems.local.data_api.serving.cluster import programs_folder
from alchemesh_platform.systems.local.data_api.tables import ServedTable
from parts import sql_clients
from tests.systems.local.gateway.answers import grant

pytestmark = pytest.mark.slow

PAGE = Path(__file__).parents[4] / "docs" / "query-a-port.md"
BLOCK = re.compile(r"```(?P<kind>sh|python|java)\n(?P<text>.*?)```", re.DOTALL)
SALES = pa.table(
    {
        "id": [1, 2, 3],
        "amount": pa.array([Decimal("19.90"), None, Decimal("120.50")], pa.decimal128(10, 2)),
        "sold_at": pa.array(
            [datetime(2024, 3, 30, 11, tzinfo=UTC), None, datetime(2024, 3, 31, 2, 30, tzinfo=UTC)],
            pa.timestamp("us", "UTC"),
        ),
        "shop": ["north", None, "south"],
    }
)
# The output of each example, in their order on the page. The first one only sets the variables.
PRINTED = (
    '[{"id":3,"amount":120.50,"sold_at":"2024-03-31T02:30:00Z"},\n'
    '{"id":1,"amount":19.90,"sold_at":"2024-03-30T11:00:00Z"}]',
    "19.90 [{'id': 3, 'amount': '120.50'}]\n",
    "decimal128(10, 2) 3\n",
    "shop,amount\nnorth,19.90\nsouth,120.50\n,\n",
    "3 120.50 south\n1 19.90 north\n",
    None,
    "[(1, Decimal('19.90')), (3, Decimal('120.50'))]\n",
    "id,amount\n1,19.90\n3,120.50\n",
    "1 19.90\n3 120.50\n",
    "1 19.90\n3 120.50\n",
)


@pytest.fixture
def clients() -> Path | None:
    """The driver for Java. Without its programs, the other examples run alone, except on CI."""
    lacking = sql_clients.missing()
    assert not (lacking and os.environ.get("CI")), lacking
    return None if lacking else sql_clients.prepare()


@pytest.fixture(scope="module")
def variables(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The variables of the page, for a data API that a consumer with a grant may read."""
    folder = tmp_path_factory.mktemp("page")
    write_deltalake(folder / "sale", SALES)
    table = ServedTable("sale", (folder / "sale").as_uri(), "delta", ("id",))
    api = DataApi("sales-table", folder / "run", (table,), ("sql", "rest", "graphql"))
    try:
        endpoints = deploy_product(api)
        credential = grant(Gateway(api.run_directory, api.process), "req-page")
        yield {
            "REST": str(endpoints.rest),
            "SQL": str(endpoints.sql),
            "API_USER": credential.user,
            "API_PASSWORD": credential.password,
        }
    finally:
        take_down(api)


@pytest.mark.parametrize("protocol", ["rest", "sql"])
def test_code_of_another_product_reads_typed_rows(variables: dict[str, str], tmp_path: Path, protocol: str) -> None:
    """As Arrow over HTTP, and over SQL if the port offers nothing else."""
    credential = tmp_path / "sales.credential.json"
    credential.write_text(json.dumps({"user": variables["API_USER"], "password": variables["API_PASSWORD"]}))
    addresses = {"rest": variables["REST"], "sql": variables["SQL"]}
    proxy = {"kind": "data-api", protocol: addresses[protocol], "tables": ["sale"], "credential_file": str(credential)}
    model = {
        "id": {"type": "integer", "key": True, "required": True},
        "amount": {"type": "number", "precision": 10, "scale": 2},
        "sold_at": {"type": "timestamp"},
        "shop": {"type": "string"},
    }
    known = {
        "product": "ops/desk",
        "environment": "local",
        "inputs": {"sales": {"proxy": proxy}},
        "schemas": {"sales": {"models": {"sale": model}}},
    }
    port = connections({CONNECTIONS_VARIABLE: json.dumps(known)}).input("sales")
    assert sorted(port.read().pylist(), key=lambda row: row["id"]) == SALES.to_pylist()
    some = port.read("sale", columns=["shop"], where=[("amount", ">", Decimal("19.90"))])
    assert some.pylist() == [{"shop": "south"}]
    credential.write_text(json.dumps({"user": variables["API_USER"], "password": "a-wrong-password"}))
    refused = "no grant gives this product access" if protocol == "rest" else "cannot be read: "
    with pytest.raises(NotReadable, match=refused) as reported:
        port.read().arrow()
    assert "a-wrong-password" not in str(reported.value)


def test_each_example_of_the_page_prints_what_the_page_says(
    variables: dict[str, str], clients: Path | None, tmp_path: Path
) -> None:
    page = PAGE.read_text("utf-8")
    first, *blocks = [(found["kind"], found["text"]) for found in BLOCK.finditer(page)]
    assert first[1].startswith("export REST=")
    assert len(blocks) == len(PRINTED)
    printed = list[str | None]()
    for kind, text in blocks:
        if kind == "java" and clients is None:
            printed.append(None)
            continue
        if kind == "java":
            (tmp_path / "Query.java").write_text(text)
        done = subprocess.run(
            {
                "sh": ["sh", "-euc", text],
                "python": [sys.executable, "-c", text],
                "java": ["java", "-XX:TieredStopAtLevel=1", "-cp", f"{clients / 'jars'}/*", "Query.java"],
            }[kind],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={**os.environ, "PATH": f"{programs_folder()}{os.pathsep}{os.environ['PATH']}", **variables},
        )
        assert done.returncode == 0, f"{text}\n{done.stderr}"
        printed.append(done.stdout)
    for got, expected in zip(printed, PRINTED, strict=True):
        assert expected is None or got in (expected, None)
    assert PRINTED[0] is not None
    assert PRINTED[0] in page, "the page shows the answer of the first example"
    assert 'rel="next"' not in (tmp_path / "headers.txt").read_text(), "two rows fit, so there is no next page"
    (first_page,) = json.loads(str(printed[5]))["data"].values()
    assert first_page["rows"] == [{"id": 1, "amount": "19.90"}, {"id": 2, "amount": None}]
    assert first_page["next"]
