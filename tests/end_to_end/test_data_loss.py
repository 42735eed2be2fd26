"""A change that deletes rows is seen before it is deployed, and needs a permission."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from alchemesh_platform.provider.loss import PERMISSION_FILE

from .harness import PORT_ALONE, Shop, write_shop

pytestmark = pytest.mark.engine

STORAGE = "storage: {component: columnar-table}"
REPLACING = "storage: {component: columnar-table, args: {on_incompatible_change: replace}}"
LOST = "deletes 2 rows"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A product whose table has two rows, and whose model then loses a column."""
    manifest = PORT_ALONE.replace(STORAGE, REPLACING).replace("lifecycle: active", "lifecycle: draft")
    made = write_shop(tmp_path / "orders", tmp_path / "home", manifest)
    made.done("up", "--yes")
    write_deltalake(table_of(made), pa.table({"order_id": [1, 2], "amount": [1.5, None]}), mode="append")
    yield made
    made.take_down()


def table_of(shop: Shop) -> Path:
    [log] = [folder for folder in shop.home.rglob("_delta_log") if folder.parent.name == "order"]
    return log.parent


def test_a_replacement_that_deletes_rows_comes_first_with_their_number_and_needs_a_permission(shop: Shop) -> None:
    """It was `~ 1 to change`, and `up --yes` deleted the rows."""
    # A column in front of the others: it is one added column, and no column changes its name.
    shop.edit("      order_id: {", "      note: {type: string}\n      order_id: {")
    wider = shop.done("preview")
    assert "+ columns.note  " in wider
    assert "columns.amount" not in wider
    shop.edit("      note: {type: string}\n", "")
    shop.edit("amount: {type: number", "amount: {type: string")

    preview = shop.run("preview")
    first, second, third = preview.stdout.splitlines()[1:4]
    assert first.startswith("├─ ± output  orders-table ")
    assert first.endswith(f"to replace, {LOST}")
    assert second == f"│  ├─ ± DeltaTable orders-table-storage-order  {LOST}"
    assert third.rstrip() == "│  │    ~ columns.amount.type  number → string"
    last = preview.stdout.splitlines()[-1]
    assert last.startswith(f"± 1 to replace, {LOST} · ")
    assert last.endswith(" · next: alchemesh up --allow-data-loss orders-table")
    document = shop.json("preview")
    assert document["losses"] == [
        {"port": "orders-table", "resource": "orders-table-storage-order", "rows": 2, "files": None}
    ]
    assert document["changes"]["replace"] == 1

    refused = shop.run("up", "--yes")
    assert refused.returncode == 1
    assert "✗ output  orders-table " in refused.stdout
    assert "hint: `alchemesh up --allow-data-loss orders-table` deploys it, and deletes the data" in refused.stderr
    assert "loss:" not in refused.stdout + refused.stderr
    assert DeltaTable(table_of(shop)).to_pyarrow_table().num_rows == 2, "another port's permission is none"
    unknown = shop.run("up", "--yes", "--allow-data-loss", "orders-tabel")
    assert (unknown.returncode, "did you mean 'orders-table'?" in unknown.stderr) == (2, True)

    done = shop.run("up", "--yes", "--allow-data-loss", "orders-table")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 replaced, deleted 2 rows" in done.stdout
    assert DeltaTable(table_of(shop)).to_pyarrow_table().num_rows == 0
    assert list(shop.home.rglob(PERMISSION_FILE)) == [], "a permission ends with its run"


PLATFORM = """\
kind: Platform
name: shop
environments:
  local: {{extends: builtin/local, settings: {{local: {{root: "{root}"}}}}}}
"""


def filled(shop: Shop) -> tuple[Path, Path]:
    """The folders of the table and of the workspace, with two rows and one file."""
    [log] = [folder for folder in shop.folder.parent.rglob("_delta_log") if folder.parent.name == "order"]
    [mark] = shop.folder.parent.rglob("workspace/.alchemesh*")
    write_deltalake(log.parent, pa.table({"order_id": [1, 2], "amount": [1.5, None]}), mode="append")
    (mark.parent / "notes.txt").write_text("kept by nobody", "utf-8")
    return log.parent, mark.parent


def test_a_removed_port_that_keeps_no_data_comes_first_with_its_number_and_needs_a_permission(tmp_path: Path) -> None:
    """It was `-` without a number, and `up --yes` deleted the rows and the files."""
    unkept = "args: {keep_on_destroy: false}"
    manifest = PORT_ALONE.replace(STORAGE, STORAGE.replace("}", f", {unkept}}}"))
    manifest = manifest.replace("component: object-storage\n", f"component: object-storage\n    {unkept}\n")
    shop = write_shop(tmp_path / "orders", tmp_path / "home", manifest.replace("lifecycle: active", "lifecycle: draft"))
    shop.done("up", "--yes")
    former, _ = filled(shop)

    # Another path replaces the table, the folder and the landing, which keeps its files.
    moved = PLATFORM.format(root=tmp_path / "moved")
    (shop.folder / "platform.yaml").write_text(moved, "utf-8")
    preview = shop.run("preview")
    assert f"± DeltaTable orders-table-storage-order  {LOST}" in preview.stdout, preview.stdout + preview.stderr
    assert "± Directory workspace-folder  deletes 1 file" in preview.stdout
    last = preview.stdout.splitlines()[-1]
    assert last.startswith("± 3 to replace, deletes 2 rows and 1 file · ")
    assert last.endswith(" · next: alchemesh up --allow-data-loss workspace --allow-data-loss orders-table")
    refused = shop.run("up", "--yes", "--allow-data-loss", "workspace")
    assert refused.returncode == 1
    assert "hint: `alchemesh up --allow-data-loss orders-table` deploys it, and deletes the data" in refused.stderr
    assert DeltaTable(former).to_pyarrow_table().num_rows == 2
    done = shop.done("up", "--yes", "--allow-data-loss", "orders-table", "--allow-data-loss", "workspace")
    assert "3 replaced, deleted 2 rows and 1 file · " in done
    assert not former.exists()

    table, workspace = filled(shop)
    text = shop.manifest.read_text("utf-8")
    start, end = text.index("infrastructure:\n"), text.index("output_ports:\n")
    shop.edit(text[start:end], "")
    shop.edit("name: orders-table\n", "name: orders\n")

    preview = shop.run("preview")
    first, *details = preview.stdout.splitlines()[1:]
    assert first.startswith("├─ - output  orders-table "), preview.stdout + preview.stderr
    assert first.endswith(f"to remove, {LOST}")
    assert f"│  ├─ - DeltaTable orders-table-storage-order  {LOST}" in details
    assert any(
        line.startswith("├─ - need    workspace ") and line.endswith("to remove, deletes 1 file") for line in details
    )
    last = details[-1]
    assert last.startswith("- 2 to remove, deletes 2 rows and 1 file · ")
    assert last.endswith(" · next: alchemesh up --allow-data-loss orders-table --allow-data-loss workspace")
    assert shop.json("preview")["losses"] == [
        {"port": "orders-table", "resource": "orders-table-storage-order", "rows": 2, "files": None},
        {"port": "workspace", "resource": "workspace-folder", "rows": None, "files": 1},
    ]

    refused = shop.run("up", "--yes", "--allow-data-loss", "workspace")
    assert refused.returncode == 1
    assert_marked(refused, table)
    assert "hint: `alchemesh up --allow-data-loss orders-table` deploys it, and deletes the data" in refused.stderr
    assert DeltaTable(table).to_pyarrow_table().num_rows == 2
    assert (workspace / "notes.txt").is_file(), "a refused deployment changes nothing"

    done = shop.run("up", "--yes", "--allow-data-loss", "orders-table", "--allow-data-loss", "workspace")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 removed, deleted 2 rows and 1 file · " in done.stdout
    assert not table.exists()
    assert not workspace.exists()
    shop.take_down()


def assert_marked(refused: subprocess.CompletedProcess[str], table: Path) -> None:
    """The tree marks the port of a refused removal, with its problem; it was not printed at all."""
    lines = refused.stdout.splitlines()
    line = next(line for line in lines if " output  orders-table " in line)
    assert line.startswith("├─ ✗ "), refused.stdout
    problem = (
        "the manifest does not have it any more, and its data is deleted with it, since "
        f"`keep_on_destroy: false` is deployed for it: {table}"
    )
    assert f"orders-table, {problem}\n" in refused.stderr
    assert lines[lines.index(line) + 1].endswith(problem)
    assert lines[-1] == "1 failed · the next `alchemesh up` resumes from here"
