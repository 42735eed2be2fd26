"""`alchemesh incidents`: the list, the acts of people, their rights, and the notifications that a report causes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from alchemesh_cli.commands import doctor
from alchemesh_cli.main import invoke
from alchemesh_platform.measures.report import Report
from alchemesh_platform.registry.audit import acts_of
from alchemesh_platform.registry.records import ContractRecord
from alchemesh_platform.registry.store import Registry
from tests.access.airport import AMELIA, BESSIE, FLIGHTS, RESTRICTED, WILBUR, record_airport
from tests.incidents.receivers import hook, postbox
from tests.levels.promised import measured

HERE = "office"
NOTHING_LISTENS = "http://127.0.0.1:9/t0ken"


class Office:
    """An environment with a mesh and one promised test; commands run in it as one user."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.monkeypatch, self.capsys = folder, monkeypatch, capsys
        self.err = ""
        self.url = f"sqlite:///{folder / 'registry.db'}"
        with Registry.open(self.url) as registry:
            record_airport(registry, HERE)
            found = registry.get(ContractRecord, HERE, RESTRICTED)
            assert found is not None
            rule = {"name": "rows", "metric": "rowCount", "mustBeGreaterThan": 0}
            registry.put(found.model_copy(update={"document": {"quality": [rule]}}))

    def configure(self, **notify: Any) -> None:
        environment = {"extends": "builtin/local", "registry": self.url, "notify": notify}
        file = {"kind": "Platform", "name": "acme", "environments": {HERE: environment}}
        (self.folder / "platform.yaml").write_text(yaml.safe_dump(file))

    def run(self, *arguments: str, who: str = AMELIA, code: int = 0) -> str:
        self.monkeypatch.setenv("ALCHEMESH_USER", who)
        left = invoke([*arguments, "-e", HERE, "--platform", "platform.yaml"])
        out, self.err = self.capsys.readouterr()
        assert left == code, f"{out}\n{self.err}"
        return out

    def json(self, *arguments: str, who: str = AMELIA) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.run(*arguments, "--json", who=who))
        return found

    def report(self, verdicts: str, *, start: float = -60) -> None:
        """Record verdicts, a minute apart, and send the news, as every command that measures does."""
        from alchemesh_platform.app.mesh.incidents import send_news
        from alchemesh_platform.app.where import Where, read_platform
        from alchemesh_platform.incidents.evaluate import add_measurements

        now = datetime.now(UTC)
        reports: list[Report] = [
            measured(
                "test:rows",
                now + timedelta(minutes=start + place),
                RESTRICTED,
                product=FLIGHTS,
                value=int(letter == "k"),
            )
            for place, letter in enumerate(verdicts)
        ]
        with Registry.open(self.url) as registry:
            assert add_measurements(registry, HERE, reports, "platform", now).refused == ()
        send_news(read_platform(Where(self.folder, HERE, self.folder / "platform.yaml")))


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Office]:
    monkeypatch.setenv("ALCHEMESH_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    office = Office(tmp_path, monkeypatch, capsys)
    office.configure()
    yield office


def test_the_list_shows_open_incidents_and_closed_ones_on_request(office: Office) -> None:
    assert office.run("incidents", "list") == "no open incidents of office\n"
    office.report("bb")
    (incident,) = office.json("incidents", "list")["incidents"]
    assert (incident["state"], incident["name"], incident["port"]) == ("open", "test:rows", RESTRICTED)
    first, second = office.run("incidents", "list", FLIGHTS).splitlines()
    began = datetime.fromisoformat(incident["began_at"])
    since = f"broken since {began:%Y-%m-%d %H:%M} UTC"  # never a minute that has not begun
    assert first == f"{incident['id']}  ✗ open  {since}"
    assert second == f"  test:rows of {RESTRICTED}: promised mustBeGreaterThan 0, measured failed"
    office.report("kkk", start=-50)
    assert office.run("incidents", "list", FLIGHTS) == f"no open incidents of {FLIGHTS}\n"
    assert "✓ closed" in office.run("incidents", "list", "--all")


def test_people_of_the_product_act_on_an_incident_and_others_may_not(office: Office) -> None:
    office.report("bb")
    name = office.json("incidents", "list")["incidents"][0]["id"]
    assert "◐ acknowledged by wilbur@airport.example" in office.run("incidents", "acknowledge", name, who=WILBUR)
    office.run("incidents", "note", name, "the airline\nsent it twice")
    until = (datetime.now(UTC) + timedelta(hours=4)).isoformat()
    done = office.json("incidents", "snooze", name, "--until", until, "--note", "a fix comes")
    assert [entry["kind"] for entry in done["entries"]] == ["acknowledged", "note", "snoozed"]
    shown = office.run("incidents", "show", name)
    assert "note  by amelia@airport.example: the airline sent it twice" in shown
    assert "snoozed until " in shown

    office.run("incidents", "acknowledge", name, who=BESSIE, code=4)
    assert "bessie@airport.example may not run report on aviation/flights" in office.err
    office.run("incidents", "show", "inc-none", code=2)
    assert "there is no incident inc-none in office" in office.err
    with Registry.open(office.url) as registry:
        operations = [(act.operation, act.actor) for act in acts_of(registry, HERE) if "incident" in act.operation]
    assert operations == [("incident snooze", AMELIA), ("incident note", AMELIA), ("incident acknowledge", WILBUR)]


def test_the_list_shows_what_waits_for_a_dead_receiver_without_its_address(office: Office) -> None:
    office.configure(webhooks=[{"url": NOTHING_LISTENS}])
    office.report("bb")
    last = office.run("incidents", "list").splitlines()[-1]
    waiting = "! 1 notification of incidents waits for webhook 1 after 1 attempt: Connection refused; next attempt at "
    assert last.startswith(waiting)
    (waits,) = office.json("incidents", "list")["waiting"]
    assert (waits["channel"], waits["number"], waits["attempts"]) == ("webhook 1", 1, 1)
    assert "t0ken" not in f"{last}{waits}"


def test_doctor_checks_the_channels_without_sending(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def checked() -> dict[str, Any]:
        monkeypatch.setenv("ALCHEMESH_USER", AMELIA)
        invoke(["doctor", "-e", HERE, "--platform", "platform.yaml", "--json"])
        found = json.loads(office.capsys.readouterr().out)
        return next(each for each in found if each["check"] == "channels")

    monkeypatch.setattr(doctor, "CHECKS", {"channels": doctor.CHECKS["channels"]})
    monkeypatch.delenv("HOOK_KEY", raising=False)
    with postbox() as box, hook() as received:
        mail = {"host": "127.0.0.1", "port": box.port, "encryption": "none", "sender": "mesh@airport.example"}
        office.configure(webhooks=[{"url": received.url}], mail=mail)
        assert (checked()["passed"], checked()["found"]) == (True, "1 webhook, mail by 127.0.0.1")
        assert (box.messages, received.received) == ([], [])
        port = box.port
    signed = {"url": NOTHING_LISTENS, "signature": {"secret": "HOOK_KEY"}}
    office.configure(webhooks=[signed], mail=mail)
    office.report("bb")
    broken = checked()
    first, second, *rest = broken["found"].splitlines()
    assert first == "webhook 1: secret HOOK_KEY has no value here"
    assert second.startswith(f"the mail server 127.0.0.1:{port}: ")
    assert sorted(line.partition(": ")[0] for line in rest) == [
        f"notifications of incidents wait for mail to {AMELIA}",
        "notifications of incidents wait for webhook 1",
    ]
    assert broken["hint"] == "fix the channel, then `alchemesh inbox --send` delivers the rest"


def test_inbox_send_delivers_the_transitions_that_wait(office: Office) -> None:
    office.report("bb")
    with hook() as received:
        office.configure(webhooks=[{"url": received.url, "kinds": ["incident"]}])
        assert office.run("inbox", "--send") == "1 notification sent\n"
        assert office.run("inbox", "--send") == "0 notifications sent\n"
        assert received.transitions() == [["opened"]]


def test_mistakes_in_the_channels_are_reported_at_their_lines(office: Office) -> None:
    (office.folder / "platform.yaml").write_text(
        "kind: Platform\nname: acme\nenvironments:\n  office:\n    extends: builtin/local\n    notify:\n"
        "      webhooks:\n        - url: http://hooks.example/in\n          kinds: [incidents]\n"
        "        - {url: https://hooks.example/in, signature: plain-text}\n"
    )
    office.run("incidents", "list", code=3)
    assert "platform.yaml:8:16  environments.office.notify.webhooks[0].url" in office.err
    assert "platform.yaml:9:19  environments.office.notify.webhooks[0].kinds[0]" in office.err
    assert "platform.yaml:10:54  environments.office.notify.webhooks[1].signature" in office.err
    assert "plain-text" not in office.err
