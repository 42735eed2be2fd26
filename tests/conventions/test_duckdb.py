"""DuckDB prints nothing, and no value depends on the machine."""

from __future__ import annotations

from pathlib import Path

import alchemesh_platform
from alchemesh_platform.data.in_memory import open_duckdb

PLATFORM = Path(alchemesh_platform.__file__).parent
# It installs an extension for the emulator, in a process of its own.
OTHER = {"clouds/gcp/emulation/servers/local_bigquery.py", "data/in_memory.py"}


def test_a_long_statement_prints_no_progress_and_times_are_in_utc() -> None:
    with open_duckdb({"threads": 1}) as database:
        asked = "SELECT current_setting('enable_progress_bar'), current_setting('TimeZone'), current_setting('threads')"
        assert database.execute(asked).fetchone() == (False, "UTC", 1)


def test_the_platform_opens_duckdb_in_one_place() -> None:
    files = {
        path.relative_to(PLATFORM).as_posix()
        for path in PLATFORM.rglob("*.py")
        if "duckdb.connect(" in path.read_text("utf-8")
    }
    assert files == OTHER
