"""The examples' data is unpacked once, complete and with its known row counts."""

from __future__ import annotations

from pathlib import Path

import data
import pytest


def written(prepared: list[tuple[data.Table, bool]]) -> list[str]:
    return [table.name for table, was_written in prepared if was_written]


def test_every_table_is_unpacked_with_its_known_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert data.main(["--to", str(tmp_path)]) == 0

    assert sorted(file.relative_to(tmp_path).as_posix() for file in tmp_path.glob("**/*") if file.is_file()) == [
        "airlines/airlines.csv",
        "airports/airports.csv",
        "flights/flights.csv",
        "planes/planes.csv",
        "weather/weather.csv",
    ]
    said = capsys.readouterr().out
    assert "336,776 rows  flights/flights.csv" in said
    assert "26,115 rows  weather/weather.csv" in said


def test_existing_files_without_changes_are_kept(operations: Path) -> None:
    before = {file: file.stat().st_mtime_ns for file in operations.glob("**/*.csv")}

    assert written(data.prepare(operations)) == []
    assert {file: file.stat().st_mtime_ns for file in operations.glob("**/*.csv")} == before


def test_missing_or_changed_files_are_written_again(tmp_path: Path) -> None:
    small = tuple(table for table in data.TABLES if table.name in ("airlines", "airports", "weather"))
    data.prepare(tmp_path, small)
    airlines, weather = tmp_path / "airlines/airlines.csv", tmp_path / "weather/weather.csv"
    whole = weather.read_bytes()
    weather.write_bytes(whole[: len(whole) // 2])
    airlines.unlink()

    assert written(data.prepare(tmp_path, small)) == ["weather", "airlines"]
    assert weather.read_bytes() == whole


def test_a_row_count_that_is_not_the_known_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(data.NoData, match=r"airlines.csv has 16 rows, expected 17"):
        data.prepare(tmp_path, (data.Table("airlines", 17),))


def test_a_damaged_package_is_named_and_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "flights.csv.zip").write_bytes((data.package_data() / "flights.csv.zip").read_bytes()[:100_000])
    monkeypatch.setattr(data, "package_data", lambda: package)

    assert data.main(["--to", str(tmp_path / "to")]) == 1
    assert "flights.csv.zip is missing or damaged" in capsys.readouterr().err
    assert not (tmp_path / "to/flights/flights.csv").exists()


def test_a_package_that_is_not_installed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(data, "PACKAGE", "nycflights_of_another_year")

    assert data.main(["--to", str(tmp_path)]) == 1
    assert "nycflights_of_another_year is not installed here" in capsys.readouterr().err
