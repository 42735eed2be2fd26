"""Probes of ports without a proxy on this machine: a folder that can be listed, and a table with all of its files."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from alchemesh_platform.sdk.connections.files import FilesConnection
from alchemesh_platform.sdk.connections.tables import TablesConnection
from alchemesh_platform.sdk.probes.probe import NoAnswer, ProbedPort
from alchemesh_platform.systems.local.probes import FOLDERS, TABLES


def test_a_folder_is_up_while_it_can_be_listed(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    probed = ProbedPort(address="retail/orders/shop", connection=FilesConnection(url=folder.as_uri()))
    assert FOLDERS.protocols(probed.connection) == ("files",)
    ask = FOLDERS.question(probed, "files")
    with pytest.raises(NoAnswer) as missing:
        ask(1)
    assert str(missing.value) == f"{folder}: No such file or directory"

    folder.mkdir()
    ask(1)
    (folder / "sale.parquet").touch()
    ask(1)
    (folder / "sale.parquet").unlink()
    folder.rmdir()
    folder.write_text("a file in the place of the folder")
    with pytest.raises(NoAnswer) as no_folder:
        ask(1)
    assert str(no_folder.value) == f"{folder}: Not a directory"


def test_a_table_is_up_while_the_files_of_its_version_are_there(tmp_path: Path) -> None:
    connection = TablesConnection(format="delta", tables={"sale": (tmp_path / "sale").as_uri()})
    ask = TABLES.question(ProbedPort(address="retail/orders/shop", connection=connection, models=("sale",)), "delta")
    with pytest.raises(NoAnswer, match=r"^there is no table for sale$"):
        ask(1)

    write_deltalake(tmp_path / "sale", pa.table({"id": ["a"]}))
    ask(1)
    (file,) = (tmp_path / "sale").glob("*.parquet")
    file.unlink()
    with pytest.raises(NoAnswer) as lost:
        ask(1)
    assert str(lost.value) == f"table sale lacks 1 of its files, such as {file.name}"
