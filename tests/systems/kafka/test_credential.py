"""`alchemesh access credential` at a topic: shown once, never stored, valid for its own request only."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaError, Message

from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.base.secrets import SecretMissing
from alchemesh_platform.connections import TopicConnection
from alchemesh_platform.registry.records import CredentialRecord
from alchemesh_platform.registry.store import Registry
from alchemesh_platform.systems.kafka.client.access import KafkaAccess
from alchemesh_platform.systems.kafka.client.cluster import Cluster, KafkaFailed
from alchemesh_platform.systems.kafka.client.users import ending, member_users
from parts.kafka import Broker
from tests.end_to_end.harness import Shop, everything_in
from tests.end_to_end.mesh.test_guarded_access import CARA, CARL, apply_mesh
from tests.systems.kafka.clients import access, read
from tests.systems.kafka.test_product import PLATFORM
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.engine]

ADA, BOB = "ada@shop.example", "bob@desk.example"
PORT, TOPIC = "shop/orders/events", "shop.orders.events.order"
SECOND = b'{"order_id": 2}'
MANIFEST = """\
kind: DataProduct
name: orders
domain: shop
team: order-data
owner: ada@shop.example
version: 1.0.0
models:
  order:
    description: One order.
    properties:
      order_id: {type: integer, key: true, description: Number of the order}
output_ports:
  - name: events
    models: [order]
    storage: {component: streaming-topic}
    contract: {version: 1.0.0, lifecycle: active, access: restricted}
"""
REFUND = """\
  refund:
    description: One refund.
    properties:
      refund_id: {type: integer, key: true, description: Number of the refund}
output_ports:"""


@pytest.fixture
def shop(kafka: Broker, tmp_path: Path) -> Iterator[Shop]:
    folder = tmp_path / "repo"
    folder.mkdir()
    users = "replication: 1\n        create_users: true"
    platform = PLATFORM.replace("SERVER", f'"{kafka.bootstrap}"').replace("replication: 1", users)
    (folder / "alchemesh.yaml").write_text(MANIFEST, "utf-8")
    (folder / "platform.yaml").write_text(platform, "utf-8")
    made = Shop(folder, tmp_path / "home", {"KAFKA_PASSWORD": kafka.password, "ALCHEMESH_USER": ADA})
    yield made
    made.remove()


def lets_in(kafka: Broker, monkeypatch: pytest.MonkeyPatch, user: str, password: str) -> bool:
    monkeypatch.setenv("ISSUED", password)
    try:
        Cluster(KafkaAccess.model_validate(access(kafka, user=user, secret="ISSUED")))
    except KafkaFailed as failed:
        assert "refuses user" in failed.message
        return False
    return True


def test_a_credential_is_shown_once_never_stored_and_ends_with_its_request(
    shop: Shop, kafka: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.done("up", "--yes")
    kafka.produce(TOPIC, [b'{"order_id": 1}'])
    shop.environ["ALCHEMESH_USER"] = BOB
    asked = shop.json("access", "request", PORT, "--as", f"user:{BOB}", "--purpose", "a study")["request"]
    early = shop.run("access", "credential", asked)
    assert early.returncode == 2
    assert "there is no credential yet" in early.stderr

    shop.environ["ALCHEMESH_USER"] = ADA
    shop.done("access", "approve", asked, "--apply")
    refused = shop.run("access", "credential", asked)
    assert (refused.returncode, refused.stdout) == (4, ""), "who decides does not get in by that"

    shop.environ["ALCHEMESH_USER"] = BOB
    reported = shop.json("access", "credential", asked)
    assert reported["servers"] == [kafka.bootstrap]
    assert (reported["mechanism"], reported["topics"], reported["groups"]) == (
        "SCRAM-SHA-512",
        {"order": TOPIC},
        [f"{BOB}."],
    )
    user, first = reported["user"], reported["password"]
    group = f"{reported['groups'][0]}study"
    assert read(kafka, TOPIC, 1, user=user, password=first, group=group) == [b'{"order_id": 1}']
    unconfirmed = shop.run("access", "credential", asked)
    assert unconfirmed.returncode == 2
    assert f"the credential of {BOB} for {PORT}, issued " in unconfirmed.stderr
    assert lets_in(kafka, monkeypatch, user, first), "nothing was replaced without a yes"
    issued = shop.run("access", "credential", asked, "--yes")
    second = issued.stdout.split()[3]
    assert issued.stdout.split() == ["user", user, "password", second]
    assert second not in issued.stderr
    assert (lets_in(kafka, monkeypatch, user, first), lets_in(kafka, monkeypatch, user, second)) == (False, True)
    shop.environ["ALCHEMESH_USER"] = ADA
    assert shop.json("up", "--yes")["changes"].keys() == {"same"}
    assert lets_in(kafka, monkeypatch, user, second), "a deployment takes no credential away"
    written = everything_in(shop.home, shop.folder)
    for secret in (first, second, kafka.password):
        assert secret.encode() not in written
    assert user in json.dumps(shop.json("mesh", "audit"))

    without = shop.run("access", "credential", asked, "--yes", more={"KAFKA_PASSWORD": "", "ALCHEMESH_USER": BOB})
    assert without.returncode == 1
    assert "secret KAFKA_PASSWORD has no value here" in without.stderr

    shop.done("access", "revoke", asked, "--reason", "the study is over", "--apply")
    until(lambda: not [acl for acl in kafka.acls() if user in acl.principal], "its rights are gone")
    until(lambda: not lets_in(kafka, monkeypatch, user, second), "the user is gone")
    assert users_of_members(kafka, asked) == []


def users_of_members(kafka: Broker, request: str) -> list[str]:
    return member_users(Cluster(KafkaAccess.model_validate(access(kafka))), ending(request))


@dataclass
class Team:
    """A team with a granted request for the topic of the shop, and the credentials of its members."""

    shop: Shop
    kafka: Broker
    patch: pytest.MonkeyPatch
    mesh: Path
    request: str = ""

    def credential(self, who: str, *options: str) -> tuple[str, str]:
        """A credential of a member: user and password."""
        arguments = ("access", "credential", self.request, "--json", "--yes", *options)
        issued = json.loads(self.shop.done(*arguments, more={"ALCHEMESH_USER": who}))
        return issued["user"], issued["password"]

    def accepted(self, *credentials: tuple[str, str]) -> list[bool]:
        """Whether the broker accepts each credential."""
        return [lets_in(self.kafka, self.patch, *each) for each in credentials]

    def holders(self) -> list[tuple[str, str]]:
        """Holders and their users."""
        return sorted((one["holder"], one["user"]) for one in self.shop.json("access", "show", self.request)["holders"])


@pytest.fixture
def team(shop: Shop, kafka: Broker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Team:
    made = Team(shop, kafka, monkeypatch, tmp_path / "mesh")
    apply_mesh(shop, made.mesh, f"{CARL}, {CARA}", "", (CARL, CARA))
    shop.done("up", "--yes")
    kafka.produce(TOPIC, [b'{"order_id": 1}'])
    request = ("access", "request", PORT, "--as", "technical_team:mail/campaigns", "--purpose", "mailings", "--json")
    made.request = json.loads(shop.done(*request, more={"ALCHEMESH_USER": CARA}))["request"]
    shop.done("access", "approve", made.request, "--apply")
    return made


def test_access_of_a_member_ends_when_they_leave_move_or_are_offboarded(team: Team, shop: Shop, kafka: Broker) -> None:
    """All members of a team once shared the password of the request. It ended for all, and open connections stayed."""
    carl, cara, code = team.credential(CARL), team.credential(CARA), team.credential(CARA, "--code")
    check_rotation(team, carl, cara, code)
    again = team.credential(CARL, "--rotate")
    check_new_topic(team, cara)

    # Carl moves to another team: his credential and his open connection end, without a deployment.
    consumer = Consumer({**kafka.client(*again), "group.id": f"{CARL}.open", "auto.offset.reset": "earliest"})
    try:
        consumer.subscribe([TOPIC])
        until(lambda: any(one.error() is None for one in consumer.consume(1, 1.0)), "Carl reads")
        said = apply_mesh(shop, team.mesh, CARA, CARL, (CARL, CARA))
        assert f"the credential of {CARL} for {PORT} ({team.request}) was ended: the holder left" in said
        kafka.produce(TOPIC, [SECOND])
        until(lambda: any(is_denied(one) for one in consumer.consume(1, 1.0)), "his connection lost access")
    finally:
        consumer.close()
    assert team.accepted(again, cara, code) == [False, True, True]
    refused = shop.run("access", "credential", team.request, more={"ALCHEMESH_USER": CARL})
    assert refused.returncode == ExitCode.FORBIDDEN

    # Carl joins again: a new credential, and the old one stays refused. Then Cara leaves the company.
    apply_mesh(shop, team.mesh, f"{CARL}, {CARA}", "", (CARL, CARA))
    joined = team.credential(CARL)
    assert team.accepted(again, joined, cara) == [False, True, True]
    said = apply_mesh(shop, team.mesh, CARL, "", (CARL,))
    assert said.count(f"the credential of {CARA}") == 2, "her own, and that of the code, which she knows"
    assert team.accepted(joined, cara, code) == [True, False, False]
    assert team.holders() == [(CARL, joined[0])]

    # Kafka can lose users when it restarts (docs/troubleshooting.md): these steps bring them back.
    kafka.remove_user(joined[0])
    kafka.remove_user(code[0])
    shop.done("refresh", "--yes")
    shop.done("up", "--yes")
    joined, code = team.credential(CARL), team.credential(CARL, "--code")
    assert team.accepted(joined, code) == [True, True]
    kafka.remove_user(joined[0])
    shop.done("access", "revoke", team.request, "--reason", "no mailings any more", "--apply")
    until(lambda: team.accepted(joined) == [False], "the member's user is gone")
    assert users_of_members(kafka, team.request) == []
    assert not [acl for acl in kafka.acls() if ending(team.request) in acl.principal]


def check_rotation(team: Team, carl: tuple[str, str], cara: tuple[str, str], code: tuple[str, str]) -> None:
    """Both credentials work for the overlap, everybody sees who holds one, and the earlier one expires."""
    assert len({user for user, _ in (carl, cara, code)}) == 3
    assert team.accepted(carl, cara, code) == [True, True, True]
    again = team.credential(CARL, "--rotate")
    assert team.accepted(carl, again) == [True, True]
    holders = [(CARL, carl[0]), (CARL, again[0]), (CARA, cara[0]), (CARA, code[0])]
    assert team.holders() == sorted(holders)
    with Registry.open(f"sqlite:///{team.shop.home}/local/registry.db") as registry:
        found = {record.user: record for record in registry.all(CredentialRecord, "local")}
        earlier, expires_at = found[carl[0]], found[again[0]].expires_at
        assert earlier.expires_at is not None and earlier.expires_at - registry.now() <= timedelta(days=1)
        assert expires_at is not None and expires_at - registry.now() > timedelta(days=89)
        assert found[code[0]].expires_at is None, "its end would stop a product"
        registry.put(earlier.model_copy(update={"expires_at": earlier.issued_at}))
    applied = team.shop.run("access", "apply", "shop/orders")
    assert f"the credential of {CARL} for {PORT} ({team.request}) was ended: it expired" in applied.stderr
    assert team.accepted(carl, again) == [False, True]


def check_new_topic(team: Team, cara: tuple[str, str]) -> None:
    """Members may read a new topic of the port after its deployment, with the credential that they have."""
    changed = MANIFEST.replace("[order]", "[order, refund]").replace("output_ports:", REFUND)
    changed = changed.replace("{version: 1.0.0", "{version: 1.1.0")
    team.shop.manifest.write_text(changed, "utf-8")
    team.shop.done("up", "--yes")
    topic = "shop.orders.events.refund"
    team.kafka.produce(topic, [b'{"refund_id": 7}'])
    user, password = cara
    found = read(team.kafka, topic, 1, user=user, password=password, group="mail.campaigns.refunds")
    assert found == [b'{"refund_id": 7}']


def is_denied(message: Message) -> bool:
    error = message.error()
    return error is not None and error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED


CONSUMER = """\
kind: DataProduct
name: study
domain: shop
team: order-data
owner: ada@shop.example
version: 1.0.0
input_ports:
  - name: sold-orders
    from: {data_product: shop/orders, output_port: events}
    component: data-product-input
"""


def test_a_product_signs_in_with_the_password_of_its_own_state(
    shop: Shop, kafka: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its connection names the user of its request, and the variable of its password."""
    shop.done("up", "--yes")
    kafka.produce(TOPIC, [b'{"order_id": 1}'])
    (tmp_path / "study").mkdir()
    study = Shop(tmp_path / "study", shop.home, dict(shop.environ))
    study.manifest.write_text(CONSUMER, "utf-8")
    (study.folder / "platform.yaml").write_text((shop.folder / "platform.yaml").read_text("utf-8"), "utf-8")
    asked = study.json("access", "request", PORT, "--purpose", "a study")["request"]
    shop.done("access", "approve", asked, "--apply")
    study.done("up", "--yes")
    reported = study.json("access", "credential", asked)

    topics = study.json("env")["inputs"]["sold-orders"]["storage"]
    connection = TopicConnection.model_validate(topics)
    assert connection.security["username"] == reported["user"]
    with pytest.raises(SecretMissing, match="SOLD_ORDERS_PASSWORD"):
        connection.client({"KAFKA_PASSWORD": kafka.password})
    client = connection.client({"SOLD_ORDERS_PASSWORD": reported["password"]})
    consumer = Consumer({**client, "group.id": "shop.study.reading", "auto.offset.reset": "earliest"})
    try:
        consumer.subscribe([connection.topic("order")])
        read_: list[bytes | None] = []
        until(lambda: read_.extend(one.value() for one in consumer.consume(1, 1.0)) or read_, "an order is read")
        consumer.commit(asynchronous=False)  # a busy broker may start the group again: it reads on from here

        # The credential of the code is rotated: the running consumer reads on, and code that starts has the next one.
        secret = rotated(study, asked)
        kafka.produce(TOPIC, [SECOND])
        until(lambda: read_.extend(one.value() for one in consumer.consume(1, 1.0)) or SECOND in read_, "it reads on")
        user, _, password = secret.partition(":")
        assert len(read(kafka, TOPIC, 2, user=user, password=password, group="shop.study.next")) == 2
        assert accepted(connection, secret, monkeypatch), "code that starts has the next one"
        assert accepted(connection, reported["password"], monkeypatch), (
            "during the overlap, code that starts with the earlier one too"
        )
    finally:
        consumer.close()
    # A broker that starts the group again delivers a message again; it loses none and keeps their order.
    assert list(dict.fromkeys(read_)) == [b'{"order_id": 1}', SECOND]
    with Registry.open(f"sqlite:///{shop.home}/local/registry.db") as registry:
        held = {record.user: record for record in registry.all(CredentialRecord, "local")}
        earlier = held[reported["user"]]
        assert held[secret.partition(":")[0]].expires_at is None
        assert earlier.expires_at is not None and earlier.expires_at - registry.now() <= timedelta(days=1)
        registry.put(earlier.model_copy(update={"expires_at": earlier.issued_at}))
    applied = shop.run("access", "apply", "shop/orders")
    assert f"the credential of {ADA} for {PORT} ({asked}) was ended: it expired" in applied.stderr
    assert [accepted(connection, each, monkeypatch) for each in (reported["password"], secret)] == [False, True]
    again = rotated(study, asked)
    assert again.startswith(f"{reported['user']}:"), "the users take turns"
    assert [accepted(connection, each, monkeypatch) for each in (secret, again)] == [True, True]
    assert secret.partition(":")[2].encode() not in everything_in(shop.home, shop.folder)
    shop.done("access", "revoke", asked, "--reason", "the study is over", "--apply")
    until(
        lambda: not accepted(connection, again, monkeypatch) and not accepted(connection, secret, monkeypatch),
        "both users are gone",
    )
    study.remove()


def rotated(study: Shop, request: str) -> str:
    """The secret of the code after a rotation: ``USER:PASSWORD``."""
    issued = study.run("access", "credential", request, "--rotate")
    assert issued.returncode == 0, issued.stderr
    _, user, _, password = issued.stdout.split()
    assert f"secret    {user}:PASSWORD, which the variable of the code holds" in issued.stderr
    assert "The earlier credential is valid until " in issued.stderr
    return f"{user}:{password}"


def accepted(connection: TopicConnection, secret: str, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether the broker accepts code with a secret."""
    monkeypatch.setenv("SOLD_ORDERS_PASSWORD", secret)
    try:
        Cluster(connection.access)
    except KafkaFailed as failed:
        assert "refuses user" in failed.message
        return False
    return True
