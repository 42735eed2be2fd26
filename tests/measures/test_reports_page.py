"""The examples of docs/reports.md run as they are: the code, then the commands."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from alchemesh_cli.main import invoke
from alchemesh_platform.connections import CONNECTIONS_VARIABLE, connections
from alchemesh_platform.deployment.code.reports import drain, spool_of
from alchemesh_platform.measures.sending import SPOOL_VARIABLE
from alchemesh_platform.registry.records import AssetRecord, PortRecord, ProductRecord
from alchemesh_platform.registry.store import Registry, utc_now
from tests.data.products import create

PAGE = (Path(__file__).parents[2] / "docs" / "reports.md").read_text("utf-8")
ORDERS = "retail/orders"
PORT = f"{ORDERS}/sales-table"
SALE = {"sale_id": {"type": "string", "key": True, "required": True}, "amount": {"type": "number"}}


def blocks(language: str) -> str:
    """The block of a language under the headings about code and shell; other tests run the server and `observe`."""
    page = PAGE[PAGE.index("## From code") :]
    return str(re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)[0])


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of a platform with a deployed product, in whose folder the test runs with its connections."""
    create(tmp_path / "sale", SALE)
    tables = {"kind": "tables", "format": "delta", "tables": {"sale": (tmp_path / "sale").as_uri()}}
    known = {
        "product": ORDERS,
        "environment": "local",
        "outputs": {"sales-table": {"storage": tables}},
        "schemas": {"sales-table": {"models": {"sale": SALE}}},
    }
    home = tmp_path / "home"
    monkeypatch.setenv(CONNECTIONS_VARIABLE, json.dumps(known))
    monkeypatch.setenv(SPOOL_VARIABLE, str(spool_of(home, "local", ORDERS).file))
    monkeypatch.setenv("ALCHEMESH_HOME", str(home))
    monkeypatch.setenv("ALCHEMESH_USER", "olaf@acme.example")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "alchemesh.yaml").write_text("kind: DataProduct\nname: orders\ndomain: retail\n")
    connections().output("sales-table").write(
        "sale", [{"sale_id": "R-7", "amount": 1.5}, {"sale_id": "R-8", "amount": None}]
    )
    with Registry.open(f"sqlite:///{home / 'local' / 'registry.db'}") as registry:
        registry.write(
            [
                ProductRecord(
                    environment="local",
                    address=ORDERS,
                    team="t",
                    owner="o@a.example",
                    version="1.0.0",
                    lifecycle="stable",
                ),
                PortRecord(environment="local", address=PORT, product=ORDERS, direction="output", models=("sale",)),
                AssetRecord(
                    environment="local", address=f"{PORT}/sale", product=ORDERS, port=PORT, model="sale", definition={}
                ),
            ]
        )
    return home


def test_code_and_commands_of_the_page_report_to_the_status(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(blocks("python"), "reports.md", "exec"), {})  # noqa: S102 - the page itself
    with Registry.open(f"sqlite:///{home / 'local' / 'registry.db'}") as registry:
        added = drain(registry, "local", ORDERS, spool_of(home, "local", ORDERS), utc_now())
    assert (len(added.accepted), added.refused) == (4, ())

    for line in blocks("sh").splitlines():
        words = shlex.split(line)
        assert words[0] == "alchemesh"
        assert invoke(words[1:]) == 0, line
    drawn = capsys.readouterr().out
    assert drawn.startswith("1 of 1 accepted\n" * 3)
    assert "! in incident just now by olaf@acme.example (the shop's feed is late)" in drawn
    for shown in (
        "completeness  100 % (4 of 4) · just now by olaf@acme.example",
        f"validity      50 % (1 of 2) · just now by code of {ORDERS}",
        f"uniqueness    100 % (2 of 2) · just now by code of {ORDERS}",
        "accuracy      ? unknown · the reference is offline · just now by olaf@acme.example",
        "data age      24 h 0 min · just now by code of",
    ):
        assert shown in drawn
