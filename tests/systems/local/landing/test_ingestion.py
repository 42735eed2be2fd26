"""Ingestion of real files."""

from __future__ import annotations

import cProfile
import gzip
import io
import json
import os
import random
import struct
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path
from typing import Any

import duckdb
import pytest

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.machine.files import StorageFailed
from alchemesh_platform.machine.landing.source_columns import LandedColumn, SourceColumn
from alchemesh_platform.manifest.models import LogicalType
from alchemesh_platform.systems.local.landing.ingestion import (
    IngestionCancelled,
    Landed,
    forget,
    ingest,
    landed,
    observe_landing,
    plan_ingestion,
)
from alchemesh_platform.systems.local.landing.reading import Reading, SourceFormat
from alchemesh_platform.systems.local.landing.record import LANDING_FILE
from alchemesh_platform.systems.local.landing.source_files import SourceFailed, find_sources

CSV = Reading("csv")
JSON = Reading("json")
PARQUET = Reading("parquet")


def zipped(*, flags: int = 0, method: int = 0) -> bytes:
    """A zip file of one CSV file, with these flags and method in both of its headers."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        # Without a date of its own, the file has the time: workers would collect tests with different names.
        archive.writestr(zipfile.ZipInfo("a.csv", (1980, 1, 1, 0, 0, 0)), "a,b\n1,2\n")
    found = bytearray(whole.getvalue())
    for signature, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = found.index(signature) + at
        found[start : start + 4] = struct.pack("<HH", flags, method)
    return bytes(found)


CUT_SHORT = gzip.compress(b"a\n" + random.Random(7).randbytes(30_000).hex("\n").encode(), mtime=0)[:-20_000]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "source").mkdir()
    return tmp_path / "source"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "landing").mkdir()
    return tmp_path / "landing"


def query(target: Path, name: str, what: str = "*") -> list[tuple[Any, ...]]:
    return duckdb.sql(f"SELECT {what} FROM read_parquet('{target / name}')").fetchall()


def text(*names: str) -> tuple[LandedColumn, ...]:
    return tuple(LandedColumn(name=name, type="VARCHAR") for name in names)


def visible(target: Path) -> list[str]:
    return sorted(path.name for path in target.iterdir() if not path.name.startswith("."))


def test_text_of_csv_stays_text_and_an_empty_field_is_null(source: Path, target: Path) -> None:
    """One text among 10,000 numbers once turned the column into JSON, and a join gave no rows."""
    lines = [f"{number},{number if number < 30_000 else 'NA'},x" for number in range(30_001)]
    (source / "a.csv").write_text("id,delay,late\n" + "\n".join(lines) + "\n30001,2.5,\n")
    assert ingest("a.csv", source, target, CSV) == Landed(
        files=1,
        rows=30_002,
        size_bytes=(target / "a.parquet").stat().st_size,
        landed=1,
        columns=text("id", "delay", "late"),
    )
    assert query(target, "a.parquet", "any_value(typeof(delay)), count(*), count(delay), count(late)") == [
        ("VARCHAR", 30_002, 30_002, 30_001)
    ]


def test_other_null_texts_can_be_named(source: Path, target: Path) -> None:
    (source / "a.csv").write_text("a,b\n-,NA\n1,x\n")
    ingest("a.csv", source, target, Reading("csv", ("-",)))
    assert query(target, "a.parquet") == [(None, "NA"), ("1", "x")]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_only_separator_of_the_header_is_used(source: Path, target: Path, separator: str) -> None:
    header, row = separator.join(["a", '"b,c;d"']), separator.join(["1", '"say ""hi"""'])
    (source / "a.csv").write_text(f"{header}\n{row}\n")
    ingest("a.csv", source, target, CSV)
    assert query(target, "a.parquet") == [("1", 'say "hi"')]


def test_compressed_files_are_read(source: Path, target: Path) -> None:
    (source / "a.csv.gz").write_bytes(gzip.compress(b"a\n1\n"))
    with zipfile.ZipFile(source / "b.csv.zip", "w") as archive:
        archive.writestr("inner.csv", "a\n2\n")
    assert ingest("*", source, target, CSV).files == 2
    assert visible(target) == ["a.parquet", "b.parquet"]
    assert query(target, "b.parquet") == [("2",)]


def test_json_lines_keep_their_objects(source: Path, target: Path) -> None:
    (source / "a.json").write_text('{"a": 1}\n\n{"a": 2.5, "b": {"c": [1]}}\n')
    assert ingest("a.json", source, target, JSON).rows == 2
    assert query(target, "a.parquet") == [(1.0, None), (2.5, {"c": [1]})]


def test_parquet_is_read_whole_and_landed(source: Path, target: Path) -> None:
    duckdb.sql("SELECT 1 AS a").write_parquet(str(source / "a.parquet"))
    assert ingest("a.parquet", source, target, PARQUET).rows == 1
    assert query(target, "a.parquet") == [(1,)]


def test_an_empty_json_file_lands_as_no_rows(source: Path, target: Path) -> None:
    (source / "a.json").write_text("\n")
    found = ingest("a.json", source, target, JSON)
    assert (found.files, found.rows) == (1, 0)
    assert visible(target) == []
    assert ingest("a.json", source, target, JSON).landed == 0


def test_only_new_or_changed_files_are_landed_again(source: Path, target: Path) -> None:
    (source / "a.csv").write_text("a\n1\n")
    (source / "b.csv").write_text("a\n1\n")
    assert ingest("*.csv", source, target, CSV).landed == 2
    before = (target / "a.parquet").stat().st_mtime_ns
    assert plan_ingestion("*.csv", source, target, CSV).reason() is None
    assert ingest("*.csv", source, target, CSV).landed == 0
    (source / "b.csv").write_text("a\n1\n2\n")
    (source / "c.csv").write_text("a\n1\n")
    (target / "a.parquet").unlink()
    planned = plan_ingestion("*.csv", source, target, CSV).reason()
    assert planned == "source files: 1 new, 1 changed, 1 with its landed file missing"
    found = ingest("*.csv", source, target, CSV)
    assert (found.files, found.rows, found.landed) == (3, 4, 3)
    assert (target / "a.parquet").stat().st_mtime_ns != before


def test_changed_read_options_land_everything_again(source: Path, target: Path) -> None:
    (source / "a.csv").write_text("a\n-\n")
    ingest("*.csv", source, target, CSV)
    other = Reading("csv", ("-",))
    assert plan_ingestion("*.csv", source, target, other).reason() == "1 file to be read in another way"
    ingest("*.csv", source, target, other)
    assert query(target, "a.parquet") == [(None,)]


def test_a_deleted_source_file_stays_landed_unless_the_landing_area_mirrors(source: Path, target: Path) -> None:
    (source / "a.csv").write_text("a\n1\n")
    (source / "b.csv").write_text("a\n1\n")
    ingest("*.csv", source, target, CSV)
    (source / "b.csv").unlink()
    assert ingest("*.csv", source, target, CSV).files == 2
    assert plan_ingestion("*.csv", source, target, CSV, mirror=True).reason() == "source files: 1 gone"
    assert ingest("*.csv", source, target, CSV, mirror=True).removed == 1
    assert visible(target) == ["a.parquet"]


def test_files_of_one_name_in_several_folders_do_not_overwrite_each_other(source: Path, target: Path) -> None:
    for folder in ("2012", "2013"):
        (source / folder).mkdir()
        (source / folder / "a.csv").write_text(f"year\n{folder}\n")
    (source / "2013" / "a.csv.gz").write_bytes(gzip.compress(b"year\n2014\n"))
    ingest("**/a.csv*", source, target, CSV)
    assert visible(target) == ["2012__a.parquet", "2013__a.csv.gz.parquet", "2013__a.parquet"]
    assert query(target, "*.parquet", "sum(year::INTEGER)") == [(2012 + 2013 + 2014,)]


def test_a_name_with_wildcards_in_it_is_one_file(source: Path, target: Path) -> None:
    (source / "a[1]*.csv").write_text("a\n1\n")
    (source / "a1.csv").write_text("a\n2\n")
    assert ingest("a[1]*.csv", source, target, CSV).rows == 1
    assert query(target, visible(target)[0].replace("[", "[[]").replace("*", "[*]")) == [("1",)]


def test_an_absolute_path_needs_no_root(source: Path, target: Path) -> None:
    (source / "a.csv").write_text("a\n1\n")
    assert ingest(str(source / "a.csv"), Path("/nowhere"), target, CSV).rows == 1


@pytest.mark.parametrize(
    ("name", "content", "reading", "expected"),
    [
        ("a.csv", b"a,b\n1,2\n3\n4,5\n", CSV, r"a\.csv:3: 1 columns where the header has 2: 3"),
        ("a.csv", b"a,b\n" + b"1,2\n" * 5000 + b"1,2,3\n", CSV, r"a\.csv:5002: 3 columns where the header has 2"),
        ("a.csv", b'a,b\n1,"x\ny\n', CSV, r"a\.csv:2: a quote that opens here is never closed"),
        ("a.csv", "a,b\n1,é\n".encode("latin-1"), CSV, r"a\.csv:2: not UTF-8 text"),
        ("a.csv", b"", CSV, r"a\.csv is empty: a header line was expected"),
        ("a.csv.gz", b"no gzip", CSV, r"a\.csv\.gz"),
        (
            "a.csv.gz",
            CUT_SHORT,
            CSV,
            r"a\.csv\.gz",
        ),
        ("a.json", b'{"a": 1}\n{"a": \n{"a": 3}\n', JSON, r"a\.json:2: no JSON \(Expecting value, column"),
        ("a.json", b'{"a": 1}\n[1]\n', JSON, r"a\.json:2: not an object but list: \[1\]"),
        ("a.parquet", b"PAR1 and no more", PARQUET, r"cannot read .*a\.parquet as parquet"),
        ("a.zip", b"no zip", CSV, r"cannot unpack .*a\.zip: it is not a complete zip file$"),
        ("a.zip", zipped()[:-30], CSV, r"cannot unpack .*a\.zip: it is not a complete zip file$"),
        ("a.zip", zipped().replace(b"a,b", b"a,c"), CSV, r"cannot unpack .*a\.zip: it is not a complete zip file$"),
        ("a.zip", zipped(flags=1), CSV, r"cannot unpack .*a\.zip: it is encrypted, or compressed in an unusual way$"),
        ("a.zip", zipped(method=99), CSV, r"cannot unpack .*a\.zip: it is encrypted, or compressed in an unusual way$"),
    ],
)
def test_a_bad_file_is_named_with_its_line_and_cause_and_nothing_of_it_is_landed(
    source: Path, target: Path, name: str, content: bytes, reading: Reading, expected: str
) -> None:
    (source / name).write_bytes(content)
    with pytest.raises(Failure, match=expected):
        ingest(name, source, target, reading)
    assert visible(target) == []
    assert [path.name for path in target.iterdir() if "staging" in path.name] == []


def test_a_truncated_parquet_file_is_named(source: Path, target: Path) -> None:
    duckdb.sql("SELECT * FROM range(10000) AS t(a)").write_parquet(str(source / "a.parquet"))
    (source / "a.parquet").write_bytes((source / "a.parquet").read_bytes()[:-100])
    with pytest.raises(SourceFailed, match=r"cannot read .*a\.parquet as parquet"):
        ingest("a.parquet", source, target, PARQUET)
    assert visible(target) == []


def test_files_landed_before_a_bad_file_stay_and_are_not_read_again(source: Path, target: Path) -> None:
    (source / "a.csv").write_text("a,b\n1,2\n")
    (source / "b.csv").write_text("a,b\n1\n")
    with pytest.raises(SourceFailed, match=r"b\.csv:2"):
        ingest("*.csv", source, target, CSV)
    assert visible(target) == ["a.parquet"]
    (source / "b.csv").write_text("a,b\n1,2\n")
    assert ingest("*.csv", source, target, CSV).landed == 1


def test_a_zip_with_several_files_is_refused_by_name(source: Path, target: Path) -> None:
    with zipfile.ZipFile(source / "a.zip", "w") as archive:
        archive.writestr("one.csv", "a\n")
        archive.writestr("two.csv", "a\n")
    with pytest.raises(SourceFailed, match=r"a\.zip holds 2 files, not one \(one\.csv, two\.csv"):
        ingest("a.zip", source, target, CSV)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("gone.csv", r"there is no file .*gone\.csv"),
        ("*.xml", r"no file matches .*\*\.xml"),
        ("nowhere/*.csv", r"no file matches .*nowhere"),
        (".", r"is a folder, not a file"),
    ],
)
def test_missing_source_files_are_reported_with_a_fix(source: Path, wanted: str, expected: str) -> None:
    with pytest.raises(SourceFailed, match=expected) as failed:
        find_sources(wanted, source)
    assert failed.value.hint


def test_a_folder_with_a_matching_name_is_ignored(source: Path) -> None:
    (source / "a.csv").mkdir()
    (source / "b.csv").write_text("a\n")
    assert [found.name for found in find_sources("*.csv", source)] == ["b.csv"]


def test_a_full_disk_is_a_clear_error_and_leaves_nothing_half_written(source: Path, target: Path) -> None:
    """A limit on the size of files, in a separate process, interrupts writes as a full disk does."""
    (source / "a.csv").write_text("a\n" + "\n".join(os.urandom(16).hex() for _ in range(20_000)))
    script = (
        "import resource, signal, sys\nfrom pathlib import Path\n"
        "from alchemesh_platform.systems.local.landing.ingestion import ingest\n"
        "from alchemesh_platform.systems.local.landing.reading import Reading\n"
        "from alchemesh_platform.machine.files import StorageFailed\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "try:\n    ingest('a.csv', Path(sys.argv[1]), Path(sys.argv[2]), Reading('csv'))\n"
        "except StorageFailed as error:\n    print(error.message, '|', error.hint)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(source), str(target)], capture_output=True, text=True, check=False
    )
    assert "File too large | the file would exceed the limit on file size" in done.stdout, done.stderr
    assert visible(target) == []


def test_a_landing_area_that_cannot_be_written_is_a_clear_error(source: Path, tmp_path: Path) -> None:
    (source / "a.csv").write_text("a\n1\n")
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageFailed, match="cannot lock"):
        ingest("a.csv", source, tmp_path / "file" / "area", CSV)


def test_partial_files_of_a_killed_run_are_removed(source: Path, target: Path) -> None:
    (source / "a.csv").write_text("a\n1\n")
    (target / ".alchemesh-staging").mkdir()
    (target / ".alchemesh-staging" / "landed.parquet").write_text("half")
    ingest("a.csv", source, target, CSV)
    assert not (target / ".alchemesh-staging").exists()


def test_a_damaged_record_means_that_everything_is_landed_again(source: Path, target: Path) -> None:
    (source / "a.csv").write_text("a\n1\n")
    ingest("a.csv", source, target, CSV)
    (target / LANDING_FILE).write_text("{")
    assert ingest("a.csv", source, target, CSV).landed == 1


def test_landing_a_large_file_can_be_cancelled(source: Path, target: Path) -> None:
    rows = "\n".join(f"{number},{number * 7},{'x' * 40}" for number in range(400_000))
    (source / "a.csv").write_text(f"a,b,c\n{rows}\n")
    stop = threading.Event()
    threading.Timer(0.15, stop.set).start()
    started = time.monotonic()
    with pytest.raises(IngestionCancelled):
        for _ in range(50):
            ingest("a.csv", source, target, CSV, cancelled=stop)
            forget(target, keep_data=False)
    assert time.monotonic() - started < 120
    assert visible(target) == []


def test_two_concurrent_ingestions_do_not_interfere(source: Path, target: Path) -> None:
    for number in range(4):
        (source / f"{number}.csv").write_text("a\n" + "1\n" * 1000)
    found: list[Landed] = []

    def land() -> None:
        found.append(ingest("*.csv", source, target, CSV))

    threads = [threading.Thread(target=land) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(landing.landed for landing in found) == [0, 4]
    assert {landing.rows for landing in found} == {4000}


def test_a_landing_area_is_observed_by_its_own_record(source: Path, target: Path) -> None:
    assert observe_landing(target).health == "unhealthy"
    (source / "a.csv").write_text("a\n1\n2\n")
    ingest("a.csv", source, target, CSV)
    observed = observe_landing(target)
    assert (observed.health, observed.reason, observed.tables["files"].rows) == ("healthy", "1 file", 2)
    (target / "a.parquet").unlink()
    assert "1 landed file missing: a.parquet" in observe_landing(target).reason


def test_removing_a_landing_area_retains_or_deletes_its_files(source: Path, target: Path) -> None:
    (source / "a.csv").write_text("a\n1\n")
    ingest("a.csv", source, target, CSV)
    (target / "mine.txt").write_text("put here by hand")
    assert forget(target, keep_data=True).rows == 1
    assert landed(target) is not None
    forget(target, keep_data=False)
    assert [path.name for path in target.iterdir()] == ["mine.txt"]


def test_the_record_names_source_and_target(source: Path, target: Path) -> None:
    (source / "a.csv").write_text("a\n1\n")
    ingest("a.csv", source, target, CSV)
    record = json.loads((target / LANDING_FILE).read_text())
    assert record["files"]["a.csv"]["target"] == "a.parquet"


def calls_of(columns: int, files: int, folder: Path, reading: Reading) -> int:
    """The number of function calls to land files of that size: counted, not timed."""
    source, target = folder / f"{columns}-{files}", folder / f"{columns}-{files}-landed"
    source.mkdir(parents=True)
    target.mkdir()
    names = [f"c{index}" for index in range(columns)]
    for index in range(files):
        match reading.format:
            case "json":
                text = json.dumps(dict.fromkeys(names, 1)) + "\n"
            case _:
                text = ",".join(names) + "\n" + ",".join(["1"] * columns) + "\n"
        (source / f"{index:05}.{reading.format}").write_text(text)
    profile = cProfile.Profile()
    done = profile.runcall(lambda: ingest("*", source, target, reading))
    assert (done.files, len(done.columns)) == (files, columns)
    return sum(entry.callcount for entry in profile.getstats())


@pytest.mark.slow
@pytest.mark.parametrize("format_", ["csv", "json"])
@pytest.mark.parametrize("declared", [False, True], ids=["undeclared", "declared"])
def test_work_grows_with_the_columns_and_no_faster(tmp_path: Path, format_: SourceFormat, *, declared: bool) -> None:
    """A look-up of each column among all made landing quadratic: 2,000 columns needed 12 times the calls of 500."""

    def reading(columns: int) -> Reading:
        names = [f"c{index}" for index in range(columns)]
        schema = tuple(SourceColumn(name=name, type=LogicalType.INTEGER) for name in names) if declared else None
        return Reading(format=format_, columns=schema)

    calls_of(1, 1, tmp_path, reading(1))  # imports and compiles once
    few, many = calls_of(50, 1, tmp_path, reading(50)), calls_of(500, 1, tmp_path, reading(500))
    assert many < few * 10 * 1.2, f"50 columns {few:,} calls, 500 columns {many:,}"


@pytest.mark.slow
def test_work_grows_with_the_files_and_no_faster(tmp_path: Path) -> None:
    calls_of(2, 1, tmp_path, CSV)  # imports and compiles once
    few, many = calls_of(2, 20, tmp_path, CSV), calls_of(2, 200, tmp_path, CSV)
    assert many < few * 10 * 1.2, f"20 files {few:,} calls, 200 files {many:,}"
