"""`alchemesh access` from any folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alchemesh_cli.main import invoke
from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.registry.store import Registry

from .airport import AMELIA, BESSIE, DESK, INTERNAL, ORVILLE, PUBLIC, RESTRICTED, record_airport

MANIFEST = """\
kind: DataProduct
name: punctuality
domain: operations
team: desk
owner: bessie@airport.example
version: 1.0.0
lifecycle: development
"""


class Terminal:
    """Runs commands as one user, and keeps their output."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.monkeypatch = monkeypatch
        self.capsys = capsys
        self.err = ""

    def run(self, who: str, *arguments: str, code: int = 0) -> str:
        self.monkeypatch.setenv("ALCHEMESH_USER", who)
        left = invoke(["access", *arguments])
        out, self.err = self.capsys.readouterr()
        assert left == code, f"{out}\n{self.err}"
        return out

    def json(self, who: str, *arguments: str) -> dict[str, object]:
        found: dict[str, object] = json.loads(self.run(who, *arguments, "--json"))
        return found

    def ask(self, who: str, *arguments: str) -> str:
        return str(self.json(who, "request", *arguments, "--purpose", "how punctual carriers are")["request"])


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    """An empty folder, and a mesh recorded in `local`."""
    monkeypatch.setenv("ALCHEMESH_HOME", str(tmp_path / "home"))
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    with Registry.open(f"sqlite:///{tmp_path}/home/local/registry.db") as registry:
        record_airport(registry, "local")
    return Terminal(monkeypatch, capsys)


def test_a_request_is_submitted_and_approved(terminal: Terminal) -> None:
    request = terminal.ask(BESSIE, RESTRICTED, "--as", str(DESK))
    listed = terminal.run(AMELIA, "list", "--state", "requested")
    assert [line.split()[:4] for line in listed.splitlines()] == [
        ["REQUEST", "STATE", "PORT", "REQUESTER"],
        [request, "requested", RESTRICTED, DESK.address],
    ]
    assert f"{request} was approved by {AMELIA}" in terminal.run(AMELIA, "approve", request, "--reason", "fine")
    assert "apply aviation/flights" in terminal.run(AMELIA, "approve", request, code=1) + terminal.err
    page = terminal.run(BESSIE, "show", request)
    assert f"● approved   {page.split('● approved   ')[1][:20]}  {AMELIA}  fine" in page
    assert "○ granted" in page
    assert "○ expired" in page
    assert terminal.run(AMELIA, "list", "--state", "requested") == "no such request in local\n"


def test_the_requester_is_the_product_of_the_folder_or_the_user(terminal: Terminal) -> None:
    own = terminal.json(ORVILLE, "request", PUBLIC, "--purpose", "curiosity")
    assert (own["requester_kind"], own["requester"], own["state"]) == ("user", ORVILLE, "approved")
    Path("alchemesh.yaml").write_text(MANIFEST, "utf-8")
    products = terminal.json(ORVILLE, "request", PUBLIC, "--purpose", "measuring")
    assert (products["requester_kind"], products["requester"]) == ("data_product", "operations/punctuality")


def test_mine_lists_my_requests_and_those_of_my_teams(terminal: Terminal) -> None:
    for_the_desk = terminal.ask(BESSIE, RESTRICTED, "--as", str(DESK))
    own = terminal.ask(ORVILLE, INTERNAL)

    def mine(who: str) -> set[object]:
        requests = terminal.json(who, "list", "--mine")["requests"]
        assert isinstance(requests, list)
        return {each["request"] for each in requests}

    assert mine(ORVILLE) == {for_the_desk, own}
    assert mine(BESSIE) == {for_the_desk}
    assert mine(AMELIA) == set()
    assert mine("nobody@airport.example") == set()


def test_an_invalid_request_is_reported_with_a_hint(terminal: Terminal) -> None:
    why = ("--purpose", "why")
    terminal.run(BESSIE, "request", RESTRICTED, code=ExitCode.USAGE)
    terminal.run(BESSIE, "request", f"{RESTRICTED}x", *why, code=ExitCode.USAGE)
    assert f"did you mean '{RESTRICTED}'?" in terminal.err
    terminal.run(BESSIE, "request", RESTRICTED, *why, "--as", "team:operations/desk", code=ExitCode.USAGE)
    assert "technical_team" in terminal.err
    terminal.run(BESSIE, "request", RESTRICTED, *why, "--until", "2020-01-01", code=ExitCode.USAGE)
    assert "expected one after now" in terminal.err
    request = terminal.ask(BESSIE, RESTRICTED)
    terminal.run(BESSIE, "approve", request, code=ExitCode.FORBIDDEN)
    assert f"ALCHEMESH_USER={AMELIA}" in terminal.err
    terminal.run(AMELIA, "extend", request, code=ExitCode.USAGE)
    terminal.run(AMELIA, "show", "req-00000000", code=ExitCode.USAGE)
    assert "no access request 'req-00000000'" in terminal.err


def test_a_withdrawn_request_can_be_made_again(terminal: Terminal) -> None:
    request = terminal.ask(ORVILLE, PUBLIC)
    until = terminal.json(AMELIA, "extend", request, "--until", "30d")["ends_at"]
    assert until is not None
    assert terminal.json(ORVILLE, "revoke", request, "--reason", "done")["state"] == "revoked"
    renewed = terminal.json(ORVILLE, "renew", request)
    assert (renewed["renews"], renewed["state"], renewed["ends_at"]) == (request, "approved", None)
    rejected = terminal.ask(ORVILLE, RESTRICTED)
    assert terminal.json(AMELIA, "reject", rejected, "--reason", "no")["state"] == "rejected"


def test_grants_of_a_product_without_a_recorded_manifest_are_not_applied(terminal: Terminal) -> None:
    terminal.run(AMELIA, "apply", "aviation/flights", code=ExitCode.FAILED)
    assert "no manifest of aviation/flights is recorded in local" in terminal.err
    assert "`alchemesh up` in its folder" in terminal.err
    terminal.run(AMELIA, "apply")
    assert "nothing to do" in terminal.err
    request = terminal.ask(ORVILLE, PUBLIC)
    terminal.run(AMELIA, "apply")
    assert "nothing to do" in terminal.err, "what is not deployed is left to its first up"
    assert terminal.json(AMELIA, "show", request)["state"] == "approved"


def test_an_empty_list_says_that_there_are_no_requests(terminal: Terminal) -> None:
    assert terminal.run(AMELIA, "list") == "no access was requested in local yet\n"
    assert terminal.json(AMELIA, "list") == {
        "schema": "alchemesh/requests/1",
        "environment": "local",
        "emulated": False,
        "requests": [],
    }
