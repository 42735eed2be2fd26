"""`alchemesh report`, and its report in `alchemesh status`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from alchemesh_cli.main import invoke
from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.measures.spool import Spool
from alchemesh_platform.registry.store import Registry
from tests.observed.status.test_status_command import FLIGHTS, product_folder, record_flights

ASSET = "flights-table/flight"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A separate platform home, and the folder of a product."""
    monkeypatch.chdir(product_folder(tmp_path))
    monkeypatch.setenv("ALCHEMESH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ALCHEMESH_USER", "amelia@airport.example")
    monkeypatch.setenv("COLUMNS", "120")
    return tmp_path / "home"


@pytest.fixture
def registry(home: Path) -> Iterator[Registry]:
    with Registry.open(f"sqlite:///{home / 'local' / 'registry.db'}") as opened:
        record_flights(opened)
        yield opened


@pytest.fixture
def document(capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    def of(*arguments: str, code: int = 0) -> Any:
        assert invoke([*arguments, "--json"]) == code
        return json.loads(capsys.readouterr().out)

    return of


@pytest.mark.usefixtures("registry")
def test_reports_appear_in_the_status_beside_their_asset(
    document: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["report", "--state", "in_incident", "--note", "the feed is late"]) == 0
    assert invoke(["report", ASSET, "--completeness", "990/1000", "--validity", "0/0", "--nothing-new"]) == 0
    assert invoke(["report", ASSET, "--unknown", "accuracy=the reference is offline"]) == 0
    assert capsys.readouterr().out == "1 of 1 accepted\n3 of 3 accepted\n1 of 1 accepted\n"

    status = document("status")
    assert {name: status["state"][name] for name in ("state", "note", "reported_by")} == {
        "state": "in_incident",
        "note": "the feed is late",
        "reported_by": "amelia@airport.example",
    }
    (asset,) = status["outputs"][0]["assets"]
    assert [
        (each["measure"], each["outcome"], each["good"], each["total"], each["note"]) for each in asset["measures"]
    ] == [
        ("completeness", "value", 990, 1000, ""),
        ("validity", "unknown", None, None, "the table has no rows"),
        ("accuracy", "unknown", None, None, "the reference is offline"),
        ("nothing_new", "value", None, None, ""),
    ]
    assert invoke(["status"]) == 0
    drawn = capsys.readouterr().out
    assert "! in incident just now by amelia@airport.example (the feed is late)" in drawn
    assert "completeness  99 % (990 of 1,000) · just now by amelia@airport.example" in drawn


@pytest.mark.usefixtures("registry")
def test_the_same_report_is_accepted_once(document: Callable[..., Any], capsys: pytest.CaptureFixture[str]) -> None:
    report = ["report", ASSET, "--validity", "1/2", "--at", "2026-03-01T12:00:00Z"]
    first = document(*report)
    again = document(*report)
    assert (len(first["accepted"]), again["accepted"], again["repeated"]) == (1, [], first["accepted"])

    assert invoke([*report[:3], "2/2", *report[4:]]) == ExitCode.FORBIDDEN
    assert "has the id" in capsys.readouterr().err


@pytest.mark.usefixtures("registry")
@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((), ExitCode.FORBIDDEN, "error: the report has no value"),
        ((ASSET, "--validity", "3/2"), ExitCode.FORBIDDEN, "error: validity: 3 good of 2 is impossible"),
        ((ASSET, "--validity", "many"), ExitCode.USAGE, "'many' is not two counts, such as 990/1000"),
        ((ASSET, "--newest-event", "2026-03-01T12:00:00"), ExitCode.USAGE, "write 2026-03-01T12:00:00Z for UTC"),
        ((ASSET, "--at", "yesterday", "--nothing-new"), ExitCode.USAGE, "'yesterday' is not a time, such as 2026-"),
        ((ASSET, "--unknown", "validity"), ExitCode.USAGE, "'validity' is not MEASURE=REASON"),
        (("flights-table/flihgt", "--validity", "1/2"), ExitCode.FORBIDDEN, f"did you mean '{FLIGHTS}/{ASSET}'?"),
        (("--state", "down", "--at", "2999-01-01T00:00:00Z"), ExitCode.FORBIDDEN, "s in the future"),
        (("--product", "aviation/trains", "--state", "down"), ExitCode.FAILED, "aviation/trains is not deployed"),
        (("--product", "aviation/trains", "--html"), ExitCode.FAILED, "aviation/trains is not deployed"),
        (("--html", "x.html", "--state", "down"), ExitCode.USAGE, "--html writes a page and reports nothing"),
        (("--html", "-", "--json"), ExitCode.USAGE, "--json and --html - both write on stdout: give a file"),
        (("--state", "down", "--since", "9d"), ExitCode.USAGE, "--since is about the page of --html"),
    ],
)  # fmt: skip
def test_a_mistake_is_reported_with_its_remedy(
    arguments: tuple[str, ...], code: ExitCode, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["report", *arguments]) == code
    assert message in capsys.readouterr().err


@pytest.mark.usefixtures("registry")
def test_the_page_of_a_product_is_one_file(
    home: Path, document: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["report", "--state", "down", "--note", "<b>no source</b>"]) == 0
    assert invoke(["report", ASSET, "--completeness", "990/1000"]) == 0
    capsys.readouterr()

    assert invoke(["report", "--html"]) == 0
    assert capsys.readouterr().out == "wrote aviation.flights.html: no commitments, 2 plots\n"
    page = Path("aviation.flights.html").read_text("utf-8")
    assert page.startswith("<!doctype html>")
    assert "✗ down</span>" in page
    assert "&lt;b&gt;no source&lt;/b&gt;, reported by amelia@airport.example" in page
    assert "<figcaption>completeness of flight</figcaption>" in page

    written = document("report", "--html", "other.html", "--since", "90d", "--product", FLIGHTS)
    assert (written["file"], written["product"], written["series"]) == ("other.html", FLIGHTS, 2)
    assert "with the history of 90 days" in Path("other.html").read_text("utf-8")
    assert invoke(["report", "--html", "-"]) == 0
    assert capsys.readouterr().out.startswith("<!doctype html>")
    (home / "file").touch()
    assert invoke(["report", "--html", str(home / "file" / "page.html")]) == ExitCode.USAGE
    assert f"error: cannot write {home}/file/page.html: " in capsys.readouterr().err


def test_a_report_waits_while_the_registry_is_away_and_is_added_by_the_next(
    home: Path, registry: Registry, document: Callable[..., Any]
) -> None:
    registry.close()
    file = home / "local" / "registry.db"
    kept = file.read_bytes()
    file.write_bytes(b"this is no database" * 100)
    waiting = document("report", "--state", "down", "--note", "no source")
    assert (waiting["waiting"], waiting["accepted"]) == (1, [])
    assert "is not a registry" in waiting["reason"]
    spool = Spool(home / "local" / "reports" / "aviation.flights.db")
    assert spool.waiting() == 1

    for beside in file.parent.glob("registry.db-*"):
        beside.unlink()
    file.write_bytes(kept)
    document("report", ASSET, "--validity", "1/2")
    assert document("status", FLIGHTS)["state"]["note"] == "no source"
    assert spool.waiting() == 0
