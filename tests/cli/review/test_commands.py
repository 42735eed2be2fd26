"""`ci comment` with a damaged document, and the command that repeats previews."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alchemesh_cli.commands import preview
from alchemesh_cli.documents import json_text
from alchemesh_cli.main import invoke
from alchemesh_platform.app.review.previews import Asked, Previewed, Previews
from alchemesh_platform.app.where import Where
from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.deployment.report.outcome import Outcome
from alchemesh_platform.deployment.report.progress import Progress
from alchemesh_platform.forges import client
from tests.forges.fakes import GitHub, job_of, served

from . import documents as made

BROKEN = "kind: DataProduct\nname: orders\ndomain: shop\nnmae: typo\n"


@pytest.fixture
def forge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHub]:
    """GitHub, with the variables of a job about pull request 7."""

    def waiting(_cancel: threading.Event) -> Any:
        return lambda _seconds: None

    monkeypatch.setattr(client, "waiting", waiting)
    for name in ("GITLAB_CI", "CI_API_V4_URL"):
        monkeypatch.delenv(name, raising=False)
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 7, "head": {"sha": "a" * 40}}}))
    with served(GitHub()) as made_forge:
        for name, value in job_of(made_forge).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("GITHUB_EVENT_PATH", str(event))
        yield made_forge


def test_a_truncated_document_replaces_the_earlier_comment(
    forge: GitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The earlier comment said that all is well."""
    file = tmp_path / "preview.json"
    file.write_text(json_text("previews", made.nothing()), "utf-8")
    assert invoke(["ci", "comment", str(file)]) == ExitCode.DONE
    assert forge.mine[0].startswith("### ✓ 2 products")
    file.write_text(file.read_text("utf-8")[:-100], "utf-8")
    monkeypatch.setenv("GITHUB_RUN_ID", "11")
    assert invoke(["ci", "comment", str(file)]) == ExitCode.USAGE
    assert [each.splitlines()[0] for each in forge.mine] == ["### ✗ the preview did not finish"]
    shown = capsys.readouterr()
    assert "comment updated on #7" in shown.out
    assert "preview.json is not a document of previews" in shown.err


def test_a_removed_product_alone_has_a_comment(forge: GitHub, tmp_path: Path) -> None:
    file = tmp_path / "preview.json"
    file.write_text(json_text("previews", made.document()), "utf-8")
    assert invoke(["ci", "comment", str(file)]) == ExitCode.DONE
    assert forge.mine == []
    gone = made.document(removed=[{"product": "retail/b", "environment": "prod"}])
    file.write_text(json_text("previews", gone), "utf-8")
    assert invoke(["ci", "comment", str(file)]) == ExitCode.DONE
    assert [each.splitlines()[0] for each in forge.mine] == [
        "### ⚠ 1 product removed, no other data product is affected"
    ]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a product whose manifest has a problem: no engine is needed for it."""
    monkeypatch.setenv("ALCHEMESH_HOME", str(tmp_path / "home"))
    (tmp_path / "one").mkdir()
    (tmp_path / "one/alchemesh.yaml").write_text(BROKEN, "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "again"),
    [
        (["preview", "one", "-C", "one"], ["preview", "one", "-C", "one", "-e", "local"]),
        (
            ["refresh", "--preview-only", "-C", "one", "--platform", "p.yaml"],
            ["refresh", "--preview-only", "-e", "local", "-C", "one", "--platform", "p.yaml"],
        ),
        (["refresh", "one", "--preview-only"], ["refresh", "--preview-only", "-e", "local", "one"]),
    ],
)
def test_the_command_that_repeats_previews_has_the_folder_and_the_platform_file(
    folder: Path, words: list[str], again: list[str]
) -> None:
    assert invoke([*words, "--save", "p.json"]) == ExitCode.PROBLEMS
    assert json.loads((folder / "p.json").read_text("utf-8"))["again"] == ["alchemesh", *again]


def test_a_note_about_several_products_is_printed_once(capsys: pytest.CaptureFixture[str]) -> None:
    """Six notes for each of 200 products were 1,200 lines."""

    def previewed(name: str, *notes: str) -> Previewed:
        address = f"shop/{name}"
        outcome = Outcome(address, "local", "preview", "succeeded", 0.0, Progress(), notes=notes)
        return Previewed(Asked(Where(Path(name), "local")), address, outcome)

    each = (previewed("a", "offline: no state", "only of a"), previewed("b", "offline: no state"))
    preview.show(Previews(each, notes=("of the run",)), "tree", None, {})
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["note: only of a", "note: offline: no state", "note: of the run"]


def test_a_saved_document_is_never_seen_in_part(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is full in the middle leaves the file as it was."""
    saved = folder / "p.json"
    saved.write_text("before")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    assert invoke(["preview", "one", "--json", "--save", "p.json"]) == ExitCode.FAILED
    assert saved.read_text() == "before"
    assert [file.name for file in folder.glob(".p.json*")] == []


def test_a_device_is_written_as_it_is(folder: Path) -> None:
    assert invoke(["preview", "one", "--json", "--save", "/dev/null"]) == ExitCode.PROBLEMS
    assert Path("/dev/null").is_char_device()


def test_a_file_of_refresh_in_no_folder_is_refused_before_the_comparison(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["refresh", "one", "--preview-only", "--save", "nowhere/p.json"]) == ExitCode.USAGE
    assert "Invalid value for '--save': no such folder" in capsys.readouterr().err
