"""Each receiver gets each notification at least once and in order; a dead one delays no other."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from sqlalchemy import update

from alchemesh_platform.base.secrets import SecretRef
from alchemesh_platform.channels.undelivered import NotDelivered
from alchemesh_platform.incidents.evaluate import add_measurements
from alchemesh_platform.incidents.incident import Facts, Incident, IncidentEvent, Transition
from alchemesh_platform.incidents.notifying import outbox
from alchemesh_platform.incidents.notifying.message import Notification, Told, cloud_event, subject_of, text_of
from alchemesh_platform.incidents.notifying.outbox import Sent, channels_of, deliver, plan, retry_after, waiting
from alchemesh_platform.incidents.store import find_incidents
from alchemesh_platform.platform_file.notify import Mail, Notify, Webhook
from alchemesh_platform.registry.records import AccessRequestRecord, ContractRecord
from alchemesh_platform.registry.store import Registry
from alchemesh_platform.registry.tables import incident_deliveries
from tests.access.airport import AMELIA, BESSIE, FLIGHTS, INTERNAL, KATHERINE, RESTRICTED, WILBUR, Airport
from tests.access.conftest import airport, clock, environment, fresh_url, registry, registry_url
from tests.engine.state.pulumi_cloud import certificate
from tests.incidents.receivers import PASSWORD, USER, Hook, hook, postbox
from tests.levels.promised import measured

__all__ = ["airport", "clock", "environment", "fresh_url", "registry", "registry_url"]

SCHEMAS = Path(__file__).parent / "schemas"
KEY = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PORTS = (RESTRICTED, INTERNAL)


@pytest.fixture(autouse=True)
def promised(airport: Airport) -> None:
    """Both ports promise that a business test passes."""
    rule = {"name": "rows", "type": "library", "metric": "rowCount", "mustBeGreaterThan": 0}
    for port in PORTS:
        found = airport.registry.get(ContractRecord, airport.environment, port)
        assert found is not None
        airport.registry.put(found.model_copy(update={"document": {"quality": [rule]}}))


def at(airport: Airport, minutes: float) -> datetime:
    return airport.clock() - timedelta(hours=2) + timedelta(minutes=minutes)


def report(airport: Airport, verdicts: str, *, start: float = 0, ports: tuple[str, ...] = (RESTRICTED,)) -> None:
    """Report a verdict a minute: b is failed, k is passed."""
    for place, letter in enumerate(verdicts):
        moment = at(airport, start + place)
        reports = [measured("test:rows", moment, port, product=FLIGHTS, value=int(letter == "k")) for port in ports]
        done = add_measurements(airport.registry, airport.environment, reports, "platform", airport.clock())
        assert done.refused == ()


def delivered(airport: Airport, notify: Notify, after: timedelta = timedelta(0)) -> Sent:
    return deliver(airport.registry, airport.environment, notify, airport.clock() + after)


def webhooks(*hooks: Hook, **content: Any) -> Notify:
    return Notify(webhooks=tuple(Webhook(url=each.url, **content) for each in hooks))


def grant(airport: Airport, port: str = RESTRICTED) -> None:
    """A grant of the product punctuality, which Bessie requested."""
    request = airport.ask(port)
    granted = request.model_copy(update={"state": "granted"})
    airport.registry.put(granted)
    assert airport.registry.get(AccessRequestRecord, airport.environment, request.address) == granted


def test_only_transitions_are_sent_each_one_once(airport: Airport) -> None:
    with hook() as received:
        notify = webhooks(received)
        for place, letter in enumerate("bbbbkkkkk"):
            report(airport, letter, start=place)
            delivered(airport, notify)
        assert delivered(airport, notify) == Sent(0)
        assert received.transitions() == [["opened"], ["closed"]]


def test_an_event_is_a_cloud_event_by_the_official_schema(airport: Airport) -> None:
    schema = json.loads((SCHEMAS / "cloudevents.json").read_text())
    with hook() as received:
        grant(airport)
        report(airport, "bb")
        assert delivered(airport, webhooks(received)) == Sent(1)
        (got,) = received.received
    jsonschema.Draft7Validator(schema, format_checker=jsonschema.FormatChecker()).validate(got.event)
    assert got.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    event, data = got.event, got.event["data"]
    assert (event["specversion"], event["type"], event["subject"]) == ("1.0", "alchemesh.product.incidents.v1", FLIGHTS)
    assert data["consumers"] == {RESTRICTED: ["data_product:operations/punctuality"]}
    assert data["recipients"] == [AMELIA, BESSIE, WILBUR]
    ((transition),) = data["transitions"]
    assert (transition["transition"], transition["incident"]["name"]) == ("opened", "test:rows")
    assert transition["incident"]["id"] == find_incidents(airport.registry, airport.environment)[0].id


def test_transitions_of_one_product_come_in_one_notification(airport: Airport) -> None:
    with hook() as received:
        report(airport, "bb", ports=PORTS)
        report(airport, "kkk", start=2)
        assert delivered(airport, webhooks(received)) == Sent(1)
        (got,) = received.received
        assert got.event["data"]["summary"] == f"{FLIGHTS}: 2 incidents opened, 1 closed"
        assert received.transitions() == [["opened", "opened", "closed"]]


@pytest.mark.parametrize("key", [KEY, f"whsec_{base64.b64encode(KEY.encode()).decode()}"])
def test_a_signed_request_proves_its_origin(airport: Airport, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("SIGNING", key)
    with hook() as received:
        report(airport, "bb")
        delivered(airport, webhooks(received, signature=SecretRef(secret="SIGNING")))
        (got,) = received.received
    signed = f"{got.headers['webhook-id']}.{got.headers['webhook-timestamp']}.".encode() + got.body
    expected = base64.b64encode(hmac.new(KEY.encode(), signed, hashlib.sha256).digest()).decode()
    assert got.headers["webhook-signature"] == f"v1,{expected}"
    assert got.headers["webhook-id"] == got.event["id"]
    assert int(got.headers["webhook-timestamp"]) == int(airport.clock().timestamp())


def test_a_failed_delivery_is_repeated_later_and_later_with_the_same_id_and_in_order(airport: Airport) -> None:
    with hook() as received:
        notify = webhooks(received)
        received.status = 500
        report(airport, "bb")
        failed = delivered(airport, notify)
        assert [each.message for each in failed.failures] == ["webhook 1 did not accept a notification: status 500"]
        report(airport, "kkk", start=2)
        assert delivered(airport, notify) == Sent(0)  # the next attempt is due in a minute
        (waits,) = waiting(airport.registry, airport.environment, notify)
        assert (waits.channel, waits.number, waits.attempts, waits.failure) == ("webhook 1", 2, 1, "status 500")
        assert waits.next_at == airport.clock() + timedelta(minutes=1)

        assert delivered(airport, notify, timedelta(minutes=1)).number == 0
        received.status = 204
        assert delivered(airport, notify, timedelta(minutes=2)) == Sent(0)
        assert delivered(airport, notify, timedelta(minutes=3)) == Sent(2)
        assert received.transitions() == [["opened"], ["closed"]]
        assert waiting(airport.registry, airport.environment, notify) == []


def test_attempts_are_a_minute_apart_at_first_and_an_hour_at_most() -> None:
    assert [retry_after(attempts) / timedelta(minutes=1) for attempts in (1, 2, 3, 6, 7, 500)] == [1, 2, 4, 32, 60, 60]


def test_a_kill_after_sending_sends_the_notification_again_with_its_id(
    airport: Airport, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def die(*_arguments: object, **_values: object) -> None:
        raise Killed

    report(airport, "bb")
    with hook() as received:
        with monkeypatch.context() as patched:
            real = outbox._set
            patched.setattr(
                outbox,
                "_set",
                lambda registry, number, **values: (die if "ended_at" in values else real)(registry, number, **values),
            )
            with pytest.raises(Killed):
                delivered(airport, webhooks(received))
        assert delivered(airport, webhooks(received)) == Sent(0)  # another process might be sending it
        assert delivered(airport, webhooks(received), outbox.CLAIM) == Sent(1)
        first, second = received.received
        assert first.event == second.event


def test_processes_that_deliver_at_once_send_each_notification_once(airport: Airport, registry_url: str) -> None:
    report(airport, "bb", ports=PORTS)
    with hook() as received, postbox() as box:
        mail = Mail(host="127.0.0.1", port=box.port, encryption="none", sender="mesh@airport.example")
        notify = Notify(webhooks=(Webhook(url=received.url),), mail=mail)

        def send(_number: int) -> int:
            with Registry.open(registry_url) as registry:
                return deliver(registry, airport.environment, notify, airport.clock()).number

        with ThreadPoolExecutor(3) as pool:
            assert sum(pool.map(send, range(3))) == 3
        assert (received.transitions(), sorted(box.subjects())) == ([["opened", "opened"]], [AMELIA, WILBUR])


def test_a_dead_receiver_delays_no_other_and_its_address_is_not_shown(
    airport: Airport, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with hook() as dead:
        url = dead.url  # closed at the end: nobody listens there
    monkeypatch.setenv("HOOK", url)
    with hook() as alive, postbox() as box:
        mail = Mail(host="127.0.0.1", port=box.port, encryption="none", sender="mesh@airport.example")
        notify = Notify(webhooks=(Webhook(url=SecretRef(secret="HOOK")), Webhook(url=alive.url)), mail=mail)
        report(airport, "bb")
        sent = delivered(airport, notify)
        assert (sent.number, len(alive.received), len(box.messages)) == (3, 1, 2)
        (failure,) = sent.failures
        (waits,) = waiting(airport.registry, airport.environment, notify)
    assert "t0ken" not in f"{failure}{failure.hint}{waits}{caplog.text}"


def test_a_notification_is_given_up_after_three_days(airport: Airport) -> None:
    with hook() as received:
        received.status = 500
        report(airport, "bb")
        delivered(airport, webhooks(received))
        delivered(airport, webhooks(received), timedelta(days=3))
        assert waiting(airport.registry, airport.environment, webhooks(received)) == []
        received.status = 204
        assert delivered(airport, webhooks(received), timedelta(days=4)) == Sent(0)


def test_a_notification_of_another_version_holds_up_no_later_one(airport: Airport) -> None:
    """It ended `observe`, `report` and `inbox --send`, each time."""
    report(airport, "bb")
    with hook() as one:
        plan(airport.registry, airport.environment, channels_of(webhooks(one)), airport.clock())
        with airport.registry.writing() as connection:
            own = incident_deliveries.c.environment == airport.environment
            connection.execute(update(incident_deliveries).where(own).values(document='{"surprise": 1}'))
        report(airport, "bb", ports=(INTERNAL,))
        sent = delivered(airport, webhooks(one))
        assert (sent.number, one.transitions()) == (1, [["opened"]])
        assert [each.reason for each in sent.failures] == ["cannot be read"]
        assert delivered(airport, webhooks(one)) == Sent()


def test_a_channel_that_is_configured_later_gets_no_old_transitions(airport: Airport) -> None:
    report(airport, "bb")
    with hook() as received:
        assert delivered(airport, webhooks(received), timedelta(days=2)) == Sent(0)
        report(airport, "kkk", start=10)
        assert delivered(airport, webhooks(received)) == Sent(1)
        assert received.transitions() == [["closed"]]


def test_a_webhook_of_other_kinds_gets_no_incidents(airport: Airport) -> None:
    report(airport, "bb")
    with hook() as received:
        assert delivered(airport, webhooks(received, kinds=("notice",))) == Sent(0)


def test_people_of_the_product_and_of_granted_consumers_get_mail_over_tls(
    airport: Airport, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = certificate(tmp_path / "server.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    monkeypatch.setenv("SMTP_PASSWORD", PASSWORD)
    grant(airport)
    airport.ask(INTERNAL)  # requested, and not granted
    with postbox(file) as box:
        mail = Mail(
            host="127.0.0.1",
            port=box.port,
            sender="Mesh <mesh@airport.example>",
            user=USER,
            password=SecretRef(secret="SMTP_PASSWORD"),
        )
        report(airport, "bb", ports=PORTS)
        assert delivered(airport, Notify(mail=mail)) == Sent(3)
        assert delivered(airport, Notify(mail=mail)) == Sent(0)
    own = f"[{airport.environment}] {FLIGHTS}: 2 incidents opened"
    consumed = f"[{airport.environment}] {FLIGHTS}: 1 incident opened"
    assert box.subjects() == {AMELIA: [own], WILBUR: [own], BESSIE: [consumed]}
    assert KATHERINE not in box.subjects()
    text = {recipient: message.get_content() for recipient, message in box.messages}
    assert INTERNAL not in text[BESSIE]
    assert f"You consume {FLIGHTS}." in text[BESSIE]
    identifiers = {str(message["Message-ID"]) for _, message in box.messages}
    assert len(identifiers) == 3
    assert all(each.endswith("@airport.example>") for each in identifiers)


def test_mail_goes_to_a_server_that_speaks_tls_from_the_first_byte(
    airport: Airport, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = certificate(tmp_path / "server.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    monkeypatch.setenv("SMTP_PASSWORD", PASSWORD)
    with postbox(file, tls_at_once=True) as box:
        mail = Mail(
            host="127.0.0.1",
            port=box.port,
            encryption="tls",
            sender="mesh@airport.example",
            user=USER,
            password=SecretRef(secret="SMTP_PASSWORD"),
        )
        report(airport, "bb")
        assert delivered(airport, Notify(mail=mail)) == Sent(2)
    assert sorted(box.subjects()) == sorted([AMELIA, WILBUR])


def test_a_wrong_password_is_a_failure_that_does_not_show_it(
    airport: Airport, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = certificate(tmp_path / "server.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    monkeypatch.setenv("SMTP_PASSWORD", "guessed-secret")
    with postbox(file) as box:
        password = SecretRef(secret="SMTP_PASSWORD")
        mail = Mail(host="127.0.0.1", port=box.port, sender="mesh@airport.example", user=USER, password=password)
        report(airport, "bb")
        (failure,) = delivered(airport, Notify(mail=mail)).failures
    assert "535" in failure.message
    assert "guessed-secret" not in f"{failure}{failure.hint}"


def test_a_mail_server_whose_certificate_is_not_trusted_gets_no_password(
    airport: Airport, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SMTP_PASSWORD", PASSWORD)
    with postbox(certificate(tmp_path / "server.pem")) as box:
        password = SecretRef(secret="SMTP_PASSWORD")
        mail = Mail(host="127.0.0.1", port=box.port, sender="mesh@airport.example", user=USER, password=password)
        report(airport, "bb")
        (failure,) = delivered(airport, Notify(mail=mail)).failures
        assert "CERTIFICATE_VERIFY_FAILED" in failure.message
        assert box.messages == []


def test_a_refused_recipient_does_not_stop_the_others(airport: Airport) -> None:
    with postbox() as box:
        box.refused.add(AMELIA)
        mail = Mail(host="127.0.0.1", port=box.port, encryption="none", sender="mesh@airport.example")
        report(airport, "bb")
        sent = delivered(airport, Notify(mail=mail))
        assert (sent.number, list(box.subjects())) == (1, [WILBUR])
        assert isinstance(sent.failures[0], NotDelivered)
        assert waiting(airport.registry, airport.environment, Notify(mail=mail))[0].recipient == AMELIA


def hostile() -> Notification:
    nasty = "line\r\nBcc: eve@example.com\r\n\r\n<script>alert(1)</script>\u202e\x1b[2J"
    moment = datetime.fromisoformat("2026-03-01T12:00:00+00:00")
    incident = Incident(
        id="inc-1",
        environment="local",
        product=FLIGHTS,
        commitment="c",
        facts=Facts(port=RESTRICTED, name=f"test:{nasty}", promise=nasty, value=nasty, reason=nasty),
        began_at=moment,
        changes=(Transition(kind="opened", at=moment),),
    )
    told = Told(id="e1", event=IncidentEvent(transition="opened", at=moment, incident=incident))
    return Notification(
        id="n1", environment="local\r\nCc: eve@example.com", product=nasty, at=moment, transitions=(told,)
    )


def test_hostile_text_cannot_add_headers_or_lines_to_a_mail(airport: Airport) -> None:
    from alchemesh_platform.channels.mail import message_to, send, with_mail_server

    with postbox() as box:
        mail = Mail(host="127.0.0.1", port=box.port, encryption="none", sender="mesh@airport.example")
        message = message_to(mail, AMELIA, subject_of(hostile()), text_of(hostile()))
        with_mail_server(mail, lambda server: send(server, mail, message))
        ((_, received),) = box.messages
    assert set(received.keys()) >= {"From", "To", "Subject"}
    assert (received["Bcc"], received["Cc"], received.get_content_type()) == (None, None, "text/plain")
    text = received.get_content()
    assert [line for line in text.splitlines() if line.startswith(("Bcc", "<script"))] == []
    assert not {"\u202e", "\x1b"} & set(text)


def test_an_event_of_hostile_text_is_still_one_json_document() -> None:
    body = json.dumps(cloud_event(hostile()), ensure_ascii=False)
    assert json.loads(body)["subject"] == hostile().product
