"""People acknowledge, note and snooze incidents; the audit log names them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alchemesh_platform.identity.identity import Identity
from alchemesh_platform.incidents.acts import IncidentRefused, acknowledge, note, snooze
from alchemesh_platform.incidents.incident import Incident
from alchemesh_platform.incidents.notifying.outbox import Sent, deliver
from alchemesh_platform.incidents.store import NoSuchIncident
from alchemesh_platform.platform_file.notify import Notify, Webhook
from alchemesh_platform.registry.audit import acts_of
from alchemesh_platform.registry.store import Registry
from tests.incidents.conftest import Story, at
from tests.incidents.receivers import Hook, hook

AMELIA, WILBUR = Identity("amelia@airport.example", "local"), Identity("wilbur@airport.example", "local")
NOW = at(600)


@pytest.fixture
def opened(story: Story) -> Incident:
    story.report("bb")
    return story.incidents()[0]


def sent(story: Story, received: Hook, minutes: float = 600) -> Sent:
    notify = Notify(webhooks=(Webhook(url=received.url),))
    return deliver(story.registry, story.environment, notify, at(minutes))


def test_a_person_acknowledges_an_incident_once(story: Story, opened: Incident) -> None:
    for _ in range(2):
        done = acknowledge(story.registry, story.environment, opened.id, AMELIA, NOW)
    assert (done.state, done.acknowledged_by) == ("acknowledged", AMELIA.subject)
    (act,) = acts_of(story.registry, story.environment)
    assert (act.operation, act.address, act.actor) == ("incident acknowledge", opened.id, AMELIA.subject)
    assert (act.product, act.at) == (opened.product, NOW)
    again = acknowledge(story.registry, story.environment, opened.id, WILBUR, NOW, "I take over")
    assert again.acknowledged_by == WILBUR.subject
    assert [entry.by for entry in again.entries] == [AMELIA.subject, WILBUR.subject]


def test_an_acknowledged_incident_that_reopens_wants_somebody_again(story: Story, opened: Incident) -> None:
    acknowledge(story.registry, story.environment, opened.id, AMELIA, NOW)
    story.report("kkkbb", start=2)
    assert story.states() == ["open"]
    assert [entry.kind for entry in story.incidents()[0].entries] == ["acknowledged"]


def test_measurements_keep_what_people_wrote(story: Story, opened: Incident) -> None:
    note(story.registry, story.environment, opened.id, AMELIA, NOW, "the airline sent the file twice")
    story.report("kkk", start=2)
    (incident,) = story.incidents()
    assert (incident.state, incident.entries[0].text) == ("closed", "the airline sent the file twice")
    done = note(story.registry, story.environment, opened.id, WILBUR, NOW, "fixed at the source")
    assert [entry.text for entry in done.entries][1] == "fixed at the source"
    assert [act.operation for act in acts_of(story.registry, story.environment)] == ["incident note"] * 2


def test_a_snoozed_incident_sends_nothing_until_the_time_and_then_what_came_up(story: Story, opened: Incident) -> None:
    with hook() as received:
        assert sent(story, received) == Sent(1)
        done = snooze(story.registry, story.environment, opened.id, AMELIA, NOW, at(660), "until the fix is deployed")
        assert (done.is_snoozed(NOW), done.is_snoozed(at(660))) == (True, False)
        story.report("kkkbb", start=2)
        story.report("bb", start=5, test="nulls")
        assert sent(story, received, 601) == Sent(1)  # that of another incident
        assert sent(story, received, 660) == Sent(1)
        assert received.transitions() == [["opened"], ["opened"], ["closed", "reopened"]]
    (act,) = acts_of(story.registry, story.environment)
    assert (act.operation, act.detail) == ("incident snooze", {"until": at(660).isoformat()})


def test_acts_that_make_no_sense_are_refused_with_a_reason(story: Story, opened: Incident) -> None:
    registry, environment = story.registry, story.environment
    with pytest.raises(NoSuchIncident, match=f"there is no incident inc-none in {environment}"):
        acknowledge(registry, environment, "inc-none", AMELIA, NOW)
    with pytest.raises(IncidentRefused, match="is in the past"):
        snooze(registry, environment, opened.id, AMELIA, NOW, NOW - timedelta(minutes=1))
    with pytest.raises(IncidentRefused, match="at most 30 days"):
        snooze(registry, environment, opened.id, AMELIA, NOW, NOW + timedelta(days=31))
    with pytest.raises(IncidentRefused, match="a note needs a text"):
        note(registry, environment, opened.id, AMELIA, NOW, " \n")
    with pytest.raises(IncidentRefused, match="NUL character"):
        note(registry, environment, opened.id, AMELIA, NOW, "a\0b")
    with pytest.raises(IncidentRefused, match="at most 2,000 characters, and this one has 2,001"):
        note(registry, environment, opened.id, AMELIA, NOW, "x" * 2001)
    story.report("kkk", start=2)
    with pytest.raises(IncidentRefused, match=f"{opened.id} is closed since 2026-03-01 12:04 UTC"):
        acknowledge(registry, environment, opened.id, AMELIA, NOW)
    assert acts_of(registry, environment) == []


def test_an_act_and_its_line_of_the_audit_log_are_one_transaction(
    story: Story, opened: Incident, monkeypatch: pytest.MonkeyPatch
) -> None:
    from alchemesh_platform.incidents import acts

    def fail(_registry: Registry, _act: object) -> None:
        raise RuntimeError("the audit log is full")

    monkeypatch.setattr(acts, "record_act", fail)
    with pytest.raises(RuntimeError):
        acknowledge(story.registry, story.environment, opened.id, AMELIA, NOW)
    assert story.states() == ["open"]
