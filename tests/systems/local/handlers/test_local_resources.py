"""Folders, tables, landing areas and jobs as resources."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
import grpc
import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from pulumi.runtime.proto import provider_pb2

from alchemesh_platform.machine.directory import OWNER_FILE, owner_of
from alchemesh_platform.machine.directory import create as create_directory
from alchemesh_platform.provider.loss import ALLOW_VARIABLE, Loss, Permission, split_loss
from alchemesh_platform.provider.values import UNKNOWN, Secret
from alchemesh_platform.sdk.code.description import read_job
from tests.provider.wire import CheckFailed, Wire, connected

DIRECTORY = "alchemesh:local:Directory"
TABLE = "alchemesh:local:DeltaTable"
INGESTION = "alchemesh:local:Ingestion"
JOB = "alchemesh:local:Job"

NONE, SOME = provider_pb2.DiffResponse.DIFF_NONE, provider_pb2.DiffResponse.DIFF_SOME


def folder(path: Path, **others: Any) -> dict[str, Any]:
    return {"path": str(path), "owner": "aviation/flights/workspace", **others}


def table(path: Path, **others: Any) -> dict[str, Any]:
    columns = [{"name": "id", "type": "string", "required": True}, {"name": "delay", "type": "number"}]
    return {
        "path": str(path),
        "owner": "aviation/flights/flights-table/flight",
        "table": "flight",
        "columns": columns,
        **others,
    }


def landing(source: Path, target: Path, **others: Any) -> dict[str, Any]:
    return {
        "source": "*.csv",
        "root": str(source),
        "format": "csv",
        "target": str(target),
        "owner": "aviation/flights/departures",
        **others,
    }


def job(root: Path, **others: Any) -> dict[str, Any]:
    (root / "clean.py").write_text("def main(): ...\n")
    return {
        "directory": str(root / "run"),
        "owner": "aviation/flights/code",
        "python": sys.executable,
        "workingDirectory": str(root),
        "entrypoint": "clean:main",
        **others,
    }


# Directory


def test_a_folder_is_created_compared_read_and_removed(wire: Wire, tmp_path: Path) -> None:
    made = wire.create(DIRECTORY, folder(tmp_path / "data"))
    assert made.id == str(tmp_path / "data")
    assert made.state["url"] == (tmp_path / "data").as_uri()
    assert wire.diff(made, folder(tmp_path / "data")).changes == NONE
    assert wire.read(made) == made
    wire.delete(made)
    assert not (tmp_path / "data").exists()
    assert wire.read(made) is None


def test_a_preview_knows_the_url_and_creates_nothing(wire: Wire, tmp_path: Path) -> None:
    assert wire.preview(DIRECTORY, folder(tmp_path / "data"))["url"] == (tmp_path / "data").as_uri()
    assert wire.preview(DIRECTORY, {**folder(tmp_path), "path": UNKNOWN})["url"] is UNKNOWN
    assert not (tmp_path / "data").exists()


def test_removal_retains_files_and_says_so(wire: Wire, tmp_path: Path) -> None:
    made = wire.create(DIRECTORY, folder(tmp_path / "data"))
    (tmp_path / "data" / "a.csv").write_text("1")
    wire.delete(made)
    assert (tmp_path / "data" / "a.csv").exists()
    assert wire.engine.messages() == [f"kept 1 file in {tmp_path / 'data'}; a later `up` finds them again"]
    assert wire.create(DIRECTORY, folder(tmp_path / "data")).id == made.id


@pytest.mark.parametrize(("delete_data", "keep"), [(True, True), (False, False)])
def test_files_are_deleted_when_the_resource_or_the_provider_says_so(
    tmp_path: Path, delete_data: bool, keep: bool
) -> None:
    with connected(tmp_path, delete_data=delete_data) as wire:
        made = wire.create(DIRECTORY, folder(tmp_path / "data", keepOnDelete=keep))
        (tmp_path / "data" / "a.csv").write_text("1")
        wire.delete(made)
    assert not (tmp_path / "data").exists()


def test_a_preview_refuses_a_folder_of_another_owner(wire: Wire, tmp_path: Path) -> None:
    wire.create(DIRECTORY, folder(tmp_path / "data", owner="d/p/other"))
    with pytest.raises(CheckFailed, match="belongs to d/p/other"):
        wire.check(DIRECTORY, folder(tmp_path / "data"))
    with pytest.raises(CheckFailed, match="expected an absolute path"):
        wire.check(DIRECTORY, folder(Path("data")))


def test_a_folder_follows_the_new_name_of_its_owner(wire: Wire, tmp_path: Path) -> None:
    made = wire.create(DIRECTORY, folder(tmp_path / "data"))
    renamed = folder(tmp_path / "data", owner="aviation/flights/scratch")
    answer = wire.diff(made, renamed)
    assert (answer.changes, list(answer.replaces)) == (SOME, [])
    wire.update(made, renamed)
    assert owner_of(tmp_path / "data") == "aviation/flights/scratch"


def test_a_changed_path_replaces_the_folder(wire: Wire, tmp_path: Path) -> None:
    made = wire.create(DIRECTORY, folder(tmp_path / "data"))
    assert list(wire.diff(made, folder(tmp_path / "other")).replaces) == ["path"]


def test_a_missing_folder_is_detected_and_re_created(wire: Wire, tmp_path: Path) -> None:
    made = wire.create(DIRECTORY, folder(tmp_path / "data"))
    (tmp_path / "data" / OWNER_FILE).unlink()
    (tmp_path / "data").rmdir()
    assert wire.diff(made, folder(tmp_path / "data")).changes == SOME
    assert wire.engine.messages() == [f"folder {tmp_path / 'data'} is missing; `up` creates it again"]
    wire.update(made, folder(tmp_path / "data"))
    assert (tmp_path / "data").is_dir()


def test_files_beyond_retention_are_reported_and_removed(wire: Wire, tmp_path: Path) -> None:
    inputs = folder(tmp_path / "data", retentionSeconds=3600)
    made = wire.create(DIRECTORY, inputs)
    (tmp_path / "data" / "old.csv").write_text("1")
    assert wire.diff(made, inputs).changes == NONE
    os.utime(tmp_path / "data" / "old.csv", (time.time() - 7200,) * 2)
    assert wire.diff(made, inputs).changes == SOME
    wire.update(made, inputs)
    assert not (tmp_path / "data" / "old.csv").exists()


# DeltaTable


def test_a_table_is_created_empty_and_adopted_again(wire: Wire, tmp_path: Path) -> None:
    made = wire.create(TABLE, table(tmp_path / "t"))
    assert made.state["url"] == (tmp_path / "t").as_uri()
    assert DeltaTable(tmp_path / "t").to_pyarrow_table().num_rows == 0
    assert wire.diff(made, table(tmp_path / "t")).changes == NONE
    assert wire.read(made) == made
    wire.delete(made)
    assert not (tmp_path / "t").exists()


def test_a_killed_creation_resumes(wire: Wire, tmp_path: Path) -> None:
    """The folder is marked first; the engine then has no record of either."""
    create_directory(tmp_path / "t", "aviation/flights/flights-table/flight")
    wire.create(TABLE, table(tmp_path / "t"))
    assert wire.create(TABLE, table(tmp_path / "t")).id == str(tmp_path / "t")
    assert DeltaTable(tmp_path / "t").version() == 0


def test_rows_are_retained_and_counted(wire: Wire, tmp_path: Path) -> None:
    made = wire.create(TABLE, table(tmp_path / "t"))
    write_deltalake(tmp_path / "t", pa.table({"id": ["a", "b"]}), mode="append", schema_mode="merge")
    wire.delete(made)
    said = f"kept 2 rows of table flight in {tmp_path / 't'}; a later `up` finds them again"
    assert wire.engine.messages() == [said]
    wire.create(TABLE, table(tmp_path / "t"))
    assert DeltaTable(tmp_path / "t").to_pyarrow_table().num_rows == 2


def test_an_added_column_evolves_the_table_in_place(wire: Wire, tmp_path: Path) -> None:
    made = wire.create(TABLE, table(tmp_path / "t"))
    wider = table(tmp_path / "t")
    wider["columns"] = [*wider["columns"], {"name": "gate", "type": "string"}]
    answer = wire.diff(made, wider)
    assert (list(answer.detailedDiff), list(answer.replaces)) == (["columns[2]"], [])
    wire.update(made, wider)
    assert [field.name for field in DeltaTable(tmp_path / "t").schema().fields] == ["id", "delay", "gate"]


def test_columns_are_compared_by_name(wire: Wire, tmp_path: Path) -> None:
    """A column in front of the others changed every column behind it; another order was a change."""
    made = wire.create(TABLE, table(tmp_path / "t"))
    columns = table(tmp_path / "t")["columns"]
    turned = table(tmp_path / "t", columns=[*reversed(columns)])
    assert wire.diff(made, turned).changes == NONE
    wider = table(tmp_path / "t", columns=[{"name": "gate", "type": "string"}, *columns])
    assert list(wire.diff(made, wider).detailedDiff) == ["columns[0]"]


def test_a_preview_refuses_an_incompatible_change_with_reason_and_fix(wire: Wire, tmp_path: Path) -> None:
    made = wire.create(TABLE, table(tmp_path / "t"))
    write_deltalake(tmp_path / "t", pa.table({"id": ["a"]}), mode="append", schema_mode="merge")
    changed = table(tmp_path / "t", columns=[{"name": "delay", "type": "integer"}], partitionBy=[])
    with pytest.raises(CheckFailed) as refused:
        wire.diff(made, changed)
    assert set(refused.value.failures) == {"columns", "columns[0]"}
    reason = refused.value.failures["columns[0]"]
    assert "has 1 row and cannot follow: its type would change from double to long" in reason
    assert "on_incompatible_change: replace" in reason
    assert "column id:" in refused.value.failures["columns"]


def test_replacing_needs_a_permission_and_starts_with_an_empty_table(
    wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = wire.create(TABLE, table(tmp_path / "t"))
    write_deltalake(tmp_path / "t", pa.table({"id": ["a"]}), mode="append", schema_mode="merge")
    changed = table(tmp_path / "t", columns=[{"name": "id", "type": "integer"}], onIncompatibleChange="replace")
    with pytest.raises(CheckFailed) as refused:
        wire.diff(made, changed)
    sentence, loss = split_loss(refused.value.failures["columns"])
    assert sentence.startswith("table flight is re-created, without 1 row")
    assert loss == Loss(1)
    monkeypatch.setenv(ALLOW_VARIABLE, "it")  # under plain Pulumi, the port with that name
    assert list(wire.diff(made, changed).replaces) == []
    assert split_loss(wire.engine.messages()[0]) == (sentence, Loss(1))
    wire.update(made, changed)
    assert DeltaTable(tmp_path / "t").to_pyarrow_table().num_rows == 0


def test_data_of_a_replaced_or_removed_resource_is_a_loss_unless_it_is_kept(tmp_path: Path) -> None:
    """A changed path with `keep_on_destroy: false` deleted the rows without a number and without a permission."""
    unkept = {"keepOnDelete": False}
    with connected(tmp_path / "p", stack_folder=tmp_path) as wire:
        made = wire.create(TABLE, table(tmp_path / "t", **unkept), name="a")
        assert wire.diff(made, table(tmp_path / "u", **unkept)).replaces == ["path"], "there are no rows to lose"
        write_deltalake(tmp_path / "t", pa.table({"id": ["1", "2"], "delay": [1.5, None]}), mode="append")
        files = wire.create(DIRECTORY, folder(tmp_path / "f", **unkept), name="b")
        (tmp_path / "f" / "one.txt").write_text("1")
        for resource, moved, loss in (
            (made, table(tmp_path / "u"), Loss(rows=2)),
            (files, folder(tmp_path / "g"), Loss(files=1)),
        ):
            with pytest.raises(CheckFailed) as refused:
                wire.diff(resource, moved)
            assert split_loss(refused.value.failures["path"])[1] == loss
            with pytest.raises(grpc.RpcError) as kept:
                wire.delete(resource)
            assert split_loss(kept.value.details())[1] == loss
        assert DeltaTable(tmp_path / "t").count() == 2

        Permission({"a": True, "b": False, "it": True}).write(tmp_path)
        wire.engine.said.clear()
        assert wire.diff(made, table(tmp_path / "u")).replaces == ["path"]
        wire.delete(made)
        assert not (tmp_path / "t").exists()
        assert {split_loss(message)[1] for message in wire.engine.messages()} == {Loss(rows=2)}
        Permission({}, removals=True).write(tmp_path)
        wire.delete(files)
        assert not (tmp_path / "f").exists(), "`destroy` is asked to remove it"

        retained = wire.create(TABLE, table(tmp_path / "k"), name="a")
        write_deltalake(tmp_path / "k", pa.table({"id": ["1"], "delay": [1.5]}), mode="append")
        assert wire.diff(retained, table(tmp_path / "l")).replaces == ["path"]


def test_a_table_removed_or_changed_by_hand_is_restored(wire: Wire, tmp_path: Path) -> None:
    made = wire.create(TABLE, table(tmp_path / "t"))
    DeltaTable(tmp_path / "t").alter.set_table_description("by hand")
    assert wire.diff(made, table(tmp_path / "t")).changes == SOME
    wire.update(made, table(tmp_path / "t"))
    assert not DeltaTable(tmp_path / "t").metadata().description
    for file in (tmp_path / "t" / "_delta_log").iterdir():
        file.unlink()
    assert wire.diff(made, table(tmp_path / "t")).changes == SOME
    assert wire.read(made) is None
    wire.update(made, table(tmp_path / "t"))
    assert DeltaTable(tmp_path / "t").version() == 0


@pytest.mark.parametrize(
    ("wrong", "at"),
    [
        ({"columns": [{"name": "a", "type": "text"}]}, "columns[0].type"),
        ({"columns": [{"name": "A b", "type": "string"}]}, "columns[0].name"),
        ({"columns": [{"name": "a", "type": "object"}]}, "columns[0]"),
        ({"columns": [{"name": "a", "type": "string"}] * 2}, "columns[1].name"),
        ({"columns": []}, "columns"),
        ({"partitionBy": ["gate"]}, "partitionBy[0]"),
        ({"partitionBy": ["id", "delay"]}, "partitionBy"),
        ({"onIncompatibleChange": "ignore"}, "onIncompatibleChange"),
        ({"partitionedBy": ["id"]}, "partitionedBy"),
    ],
)
def test_a_wrong_table_is_refused_at_its_property(wire: Wire, tmp_path: Path, wrong: dict[str, Any], at: str) -> None:
    with pytest.raises(CheckFailed) as refused:
        wire.check(TABLE, table(tmp_path / "t", **wrong))
    assert list(refused.value.failures) == [at]


# Ingestion


def test_files_are_landed_and_new_ones_make_an_update(wire: Wire, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "landing"
    source.mkdir()
    (source / "a.csv").write_text("a\n1\n2\n")
    inputs = landing(source, target)
    assert wire.preview(INGESTION, inputs)["rows"] is UNKNOWN
    made = wire.create(INGESTION, inputs)
    assert (made.state["files"], made.state["rows"], made.state["url"]) == (1, 2, target.as_uri())
    assert wire.diff(made, inputs).changes == NONE
    (source / "b.csv").write_text("a\n3\n")
    answer = wire.diff(made, inputs)
    assert (answer.changes, list(answer.detailedDiff)) == (SOME, ["rows"])
    assert wire.engine.messages() == ["source files: 1 new"]
    made = wire.update(made, inputs)
    assert (made.state["files"], made.state["rows"]) == (2, 3)
    assert wire.read(made) == made
    wire.delete(made)
    assert wire.engine.messages()[1:] == [f"kept 3 rows of 2 files in {target}; a later `up` finds them again"]
    assert wire.create(INGESTION, inputs).state["rows"] == 3


def test_a_preview_reports_missing_source_files(wire: Wire, tmp_path: Path) -> None:
    with pytest.raises(CheckFailed, match="no file matches"):
        wire.check(INGESTION, {**landing(tmp_path, tmp_path / "landing"), "source": "gone/*.csv"})


def test_a_bad_line_fails_the_creation_with_file_and_line(wire: Wire, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "a.csv").write_text("a,b\n1\n")
    with pytest.raises(grpc.RpcError) as failed:
        wire.create(INGESTION, landing(source, tmp_path / "landing"))
    assert f"{source / 'a.csv'}:2: 1 columns where the header has 2" in failed.value.details()
    assert "\n\nhint: fix the line" in failed.value.details()


def test_local_times_of_an_undeclared_parquet_port_stay_and_are_reported(wire: Wire, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "landing"
    source.mkdir()
    duckdb.sql("SELECT 1 AS id, TIMESTAMP '2024-07-01 10:00:00' AS at").write_parquet(str(source / "a.parquet"))
    undeclared = {**landing(source, target), "source": str(source / "*.parquet"), "format": "parquet"}
    for inputs in (undeclared, {**undeclared, "timeZone": "Europe/Berlin"}):
        wire.create(INGESTION, inputs)
        assert (target / "a.parquet").read_bytes() == (source / "a.parquet").read_bytes()
        assert wire.engine.messages()[-1] == (
            f"{target} has timestamps without a time zone (at): to use them as a `timestamp` of a model, "
            "declare them in the `schema` of the port, with its `time_zone`"
        )
    number = len(wire.engine.messages())
    columns = [{"name": "id", "type": "integer"}, {"name": "at", "type": "timestamp"}]
    with pytest.raises(grpc.RpcError) as failed:
        wire.create(INGESTION, {**undeclared, "columns": columns})
    assert "column at: '2024-07-01 10:00:00' is a timestamp without a time zone" in failed.value.details()
    wire.create(INGESTION, {**undeclared, "columns": columns, "timeZone": "Europe/Berlin"})
    instant = duckdb.sql(f"SELECT epoch_ms(\"at\") FROM '{target}/*.parquet'").fetchall()
    assert instant == [(1_719_820_800_000,)]
    assert len(wire.engine.messages()) == number


def test_removing_with_data_leaves_nothing(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "a.csv").write_text("a\n1\n")
    with connected(tmp_path, delete_data=True) as wire:
        wire.delete(wire.create(INGESTION, landing(source, tmp_path / "landing")))
        assert wire.engine.messages() == []
    assert not (tmp_path / "landing").exists()
    assert (source / "a.csv").exists()


# Job


def test_a_job_is_described_without_running_it(wire: Wire, tmp_path: Path) -> None:
    inputs = job(tmp_path, env={"TOKEN": {"secret": "API_TOKEN"}, "COLOUR": "blue"}, timeoutSeconds=60)
    made = wire.create(JOB, inputs)
    described = read_job(Path(str(made.state["descriptor"])))
    assert (described.entrypoint, described.timeout_seconds) == ("clean:main", 60)
    assert json.loads(Path(str(made.state["descriptor"])).read_text())["env"]["TOKEN"] == {"secret": "API_TOKEN"}
    assert wire.diff(made, inputs).changes == NONE
    assert wire.preview(JOB, inputs)["descriptor"] == made.state["descriptor"]
    Path(str(made.state["descriptor"])).unlink()
    assert wire.diff(made, inputs).changes == SOME
    assert wire.read(made) is None
    wire.update(made, inputs)
    assert wire.read(made) == made
    wire.delete(made)
    assert not Path(str(made.state["descriptor"])).exists()


@pytest.mark.parametrize(
    ("wrong", "at"),
    [
        ({"entrypoint": "clean:mian"}, "entrypoint"),
        ({"entrypoint": "gone:main"}, "entrypoint"),
        ({"python": "/nowhere/python"}, "python"),
        ({"env": {"TOKEN": {"secret": "lower-case"}}}, "env.TOKEN"),
        ({"timeoutSeconds": 0}, "timeoutSeconds"),
    ],
)
def test_a_job_that_could_not_run_is_refused(wire: Wire, tmp_path: Path, wrong: dict[str, Any], at: str) -> None:
    with pytest.raises(CheckFailed) as refused:
        wire.check(JOB, job(tmp_path, **wrong))
    assert next(iter(refused.value.failures)) == at


def test_a_secret_value_is_never_written_into_a_job(wire: Wire, tmp_path: Path) -> None:
    with pytest.raises(CheckFailed, match="refer to it by its name"):
        wire.check(JOB, job(tmp_path, env={"TOKEN": Secret("hunter2")}))


def test_one_folder_has_one_job(wire: Wire, tmp_path: Path) -> None:
    made = wire.create(JOB, job(tmp_path))
    with pytest.raises(CheckFailed, match="has the job of aviation/flights/code"):
        wire.check(JOB, job(tmp_path, owner="aviation/weather/code"))
    assert wire.check(JOB, job(tmp_path, owner="aviation/flights/job"), made.inputs)
