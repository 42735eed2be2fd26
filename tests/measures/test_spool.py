"""Reports that wait: kept once, through kills, and removed only after they are accepted."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alchemesh_platform.measures import spool as spools
from alchemesh_platform.measures.report import Report, ReportRefused, reports_of
from alchemesh_platform.measures.spool import Refused, ReportNotKept, Spool, Waiting

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PRODUCT = "aviation/flights"


def states(number: int, first: int = 0) -> list[Report]:
    return [
        reports_of(PRODUCT, state="operational", measured_at=NOW + timedelta(seconds=first + at), now=NOW)[0]
        for at in range(number)
    ]


def in_spool(spool: Spool) -> list[list[Report]]:
    return [[each.report for each in batch] for batch in spool.batches()]


def test_a_report_waits_until_it_is_done(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "deep" / "reports.db")
    assert (spool.waiting(), in_spool(spool)) == (0, [])
    reports = states(3)
    spool.keep(reports, NOW)
    spool.keep(reports[:1], NOW)

    assert spool.waiting() == 3
    assert in_spool(spool) == [reports]
    spool.done(reports[:2], [], NOW)
    assert in_spool(spool) == [reports[2:]]
    assert list(spool.batches()) == [[Waiting(reports[2])]]
    assert stat.S_IMODE(spool.file.stat().st_mode) == 0o600


def test_batches_give_every_report_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spools, "BATCH", 4)
    spool = Spool(tmp_path / "reports.db")
    spool.keep(states(10), NOW)

    assert [len(batch) for batch in spool.batches()] == [4, 4, 2]


def test_another_content_under_the_same_id_is_refused(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "reports.db")
    one = reports_of(PRODUCT, state="operational", now=NOW)
    other = reports_of(PRODUCT, state="down", now=NOW)
    spool.keep(one, NOW)

    with pytest.raises(ReportRefused, match=r"has the id .* and another content"):
        spool.keep(other, NOW)
    assert in_spool(spool) == [one]


def test_a_refused_report_is_set_aside_with_its_reason(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "reports.db")
    reports = states(2)
    spool.keep(reports, NOW)
    spool.done(reports[:1], [Refused(reports[1], "there is no such asset")], NOW)

    assert spool.waiting() == 0
    with sqlite3.connect(spool.file) as connection:
        assert connection.execute("SELECT reason FROM refused").fetchall() == [("there is no such asset",)]


def test_a_full_disk_is_an_error_with_a_remedy_and_loses_nothing(tmp_path: Path) -> None:
    """`RLIMIT_FSIZE` gives the errors of a full disk to one process."""
    file = tmp_path / "reports.db"
    Spool(file).keep(states(1), NOW)
    program = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from alchemesh_platform.measures.spool import ReportNotKept, Spool\n"
        "from tests.measures.test_spool import NOW, states\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))\n"
        "kept = 0\n"
        "try:\n"
        "    for at in range(1, 10_000):\n"
        "        Spool(Path(sys.argv[1])).keep(states(1, at), NOW)\n"
        "        kept += 1\n"
        "except ReportNotKept as error:\n"
        "    print(kept, error, sep='\\n')\n"
    )
    printed = subprocess.check_output([sys.executable, "-c", program, str(file)], text=True).splitlines()

    kept = int(printed[0])
    assert kept > 0
    assert printed[1].startswith(f"the report cannot be kept in {file}: ")
    assert printed[-1] == "hint: check the space and the rights of its folder"
    assert Spool(file).waiting() == kept + 1


def test_a_folder_without_rights_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ReportNotKept, match="cannot be kept in"):
        Spool(tmp_path / "file" / "reports.db").keep(states(1), NOW)


def test_a_killed_process_loses_no_kept_report(tmp_path: Path) -> None:
    """The process prints the number of each report that it kept, and is killed after a hundred."""
    file = tmp_path / "reports.db"
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from alchemesh_platform.measures.spool import Spool\n"
        "from tests.measures.test_spool import NOW, states\n"
        "for at in range(100_000):\n"
        "    Spool(Path(sys.argv[1])).keep(states(1, at), NOW)\n"
        "    print(at, flush=True)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(file)], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        for line in writer.stdout:
            if int(line) >= 100:
                break
        os.kill(writer.pid, signal.SIGKILL)
        last = [line for line in writer.stdout.read().splitlines() if line]
    assert writer.returncode == -signal.SIGKILL
    kept = int(last[-1]) if last else 100

    found = [report for batch in in_spool(Spool(file)) for report in batch]
    assert len(found) - (kept + 1) in (0, 1)  # the last one may be kept and not yet printed
    assert found == states(len(found))
