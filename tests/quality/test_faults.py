"""A full disk, too little memory, and storages of strangers that break their promise."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from alchemesh_platform.manifest.models import Property, QualityRule
from alchemesh_platform.observed.measuring import open_tables
from alchemesh_platform.quality.kept import KeptCounts, keep, read_kept
from alchemesh_platform.quality.measuring import measured
from alchemesh_platform.quality.rules import verify
from alchemesh_platform.quality.work import NoRoom, limited, working
from alchemesh_platform.sdk.connections.tables import TablesConnection
from alchemesh_platform.sdk.quality import (
    Counts,
    Deadline,
    Dialect,
    Groups,
    Limits,
    MeasuredPort,
    NotMeasurable,
    Sum,
    Tables,
    counts_of,
    select_of,
)
from alchemesh_platform.sdk.spec import ComponentSpec, Role
from tests.data.products import document, read

GROUPS = "SELECT count(*) FROM (SELECT i::VARCHAR || 'x' AS k, count(*) AS n FROM range(3000000) AS r(i) GROUP BY k)"
MODEL = {
    "id": Property.model_validate({"type": "string", "key": True, "required": True}),
    "size": Property.model_validate({"type": "integer", "enum": [1, 2], "maximum": 2}),
}


def test_a_scan_that_needs_more_memory_and_disk_than_it_may_have_says_so() -> None:
    with (
        working(memory="50MB", disk="1MB") as work,
        pytest.raises(NoRoom, match="more than its 1GB of memory and the free disk of"),
        limited(work, 60),
    ):
        work.execute(GROUPS)


def test_a_full_disk_is_the_reason_of_an_error(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    program = (
        "from alchemesh_platform.quality.work import NoRoom, limited, working\n"
        "try:\n"
        "    with working(memory='50MB') as work, limited(work, 60):\n"
        f"        work.execute({GROUPS!r})\n"
        "except NoRoom as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        ["bwrap", "--dev-bind", "/", "/", "--size", "2000000", "--tmpfs", str(disk), sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "TMPDIR": str(disk)},
    )
    assert done.stdout == f"the scan needs more than its 1GB of memory and the free disk of {disk}\n", done.stderr


def test_counts_that_cannot_be_kept_are_counted_again(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    keep(blocked, "t", KeptCounts("id", 1, {"count(*)": 1}))
    assert read_kept(blocked, "t", "id") is None


class SQLiteDialect(Dialect):
    """SQLite has integers without a size."""

    whole = "INTEGER"


class SQLiteTables(Tables):
    """Tables of a stranger's storage, which counts by itself."""

    dialect = SQLiteDialect()

    def __init__(self, port: MeasuredPort) -> None:
        self.connection = sqlite3.connect(":memory:")
        self.connection.execute("CREATE TABLE sale (id TEXT, size INTEGER)")
        self.connection.executemany("INSERT INTO sale VALUES (?, ?)", [("a", 1), ("a", 3), (None, None)])

    def counts(self, model: str, sums: Sequence[Sum], groups: Sequence[Groups], seconds: float) -> Counts:
        (row,) = self.connection.execute(select_of(sums, groups, "sale", self.dialect)).fetchall()
        return counts_of(sums, groups, row)


def stranger(port: MeasuredPort) -> Tables:
    """What a stranger's spec names."""
    assert isinstance(port.connection, TablesConnection)
    return SQLiteTables(port)


def nothing(_port: MeasuredPort) -> Any:
    """A function that gives no tables."""
    return None


def spec(measure: str | None) -> dict[str, ComponentSpec]:
    found = ComponentSpec(
        name="acme-table", component_type="columnar-table", roles=(Role.STORAGE,), summary="A table.",
        maturity="beta", owner="acme", stateful=True, component="", args="", settings="", outputs="", measure=measure,
    )  # fmt: skip
    return {"acme-table": found}


def opened(tmp_path: Path, measure: str | None) -> Tables:
    port = read(document(tmp_path, {"sale": {}})).output("shop")
    return open_tables("acme-table", spec(measure), "retail/orders", "shop", port, {"sale": MODEL}, Limits())


def test_a_storage_of_a_stranger_counts_and_the_platform_judges(tmp_path: Path) -> None:
    rules = [
        QualityRule.model_validate({"name": "twice", "metric": "duplicateValues", "property": "id", "mustBe": 1}),
        QualityRule.model_validate({"name": "invalid", "metric": "invalidValues", "property": "size", "mustBe": 0}),
        QualityRule.model_validate({"name": "query", "type": "sql", "query": "SELECT 1", "mustBe": 1}),
    ]
    with opened(tmp_path, f"{__name__}:stranger") as tables:
        found = {each.measure: (each.good, each.total) for each in measured(tables, "sale", MODEL, 60)}
        verdicts = verify(tables, {"sale": MODEL}, rules, Deadline(Limits().patience))

    assert found == {"completeness": (2, 3), "validity": (1, 2), "uniqueness": (1, 2)}
    assert [(each.outcome, each.found or each.reason) for each in verdicts] == [
        ("passed", "1"), ("failed", "1"), ("unknown", "the storage runs no queries"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("measure", "reason"),
    [
        (None, "component acme-table has no measurement of its rows"),
        (f"{__name__}:nothing", "component acme-table gives no tables"),
    ],
)
def test_a_storage_that_cannot_count_is_refused_in_words(tmp_path: Path, measure: str | None, reason: str) -> None:
    with pytest.raises(NotMeasurable) as refused:
        opened(tmp_path, measure)
    assert str(refused.value) == reason
