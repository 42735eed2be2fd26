"""`alchemesh access credential` at a topic: shown once, never stored, valid for its own request only."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer

from alchemesh_platform.base.secrets import SecretMissing
from alchemesh_platform.connections import TopicConnection
from alchemesh_platform.systems.kafka.access import KafkaAccess
from alchemesh_platform.systems.kafka.cluster import Cluster, KafkaFailed
from parts.kafka import Broker
from tests.end_to_end.harness import Shop, everything_in
from tests.systems.kafka.clients import access, read
from tests.systems.kafka.test_product import PLATFORM
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.engine]

ADA, BOB = "ada@shop.example", "bob@desk.example"
PORT, TOPIC = "shop/orders/events", "shop.orders.events.order"
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
    made.take_down()


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

    # Bob is not in the mesh that is recorded now: his credential ends, although his request stays.
    mesh = shop.folder.parent / "mesh"
    mesh.mkdir()
    (mesh / "shop.yaml").write_text(f"kind: Domain\nname: shop\ntype: source_aligned\nowner: {ADA}\n", "utf-8")
    people = f"kind: Users\nusers: [{{email: {ADA}, name: Ada, personas: [data_product_owner, platform_owner]}}]\n"
    (mesh / "users.yaml").write_text(people, "utf-8")
    assert shop.json("access", "show", asked)["holders"][0]["holder"] == BOB
    shop.done("mesh", "apply", str(mesh), "--yes")
    assert not lets_in(kafka, monkeypatch, user, second)
    assert shop.json("access", "show", asked)["holders"] == []

    shop.done("access", "revoke", asked, "--reason", "the study is over", "--apply")
    until(lambda: not [acl for acl in kafka.acls() if user in acl.principal], "its rights are gone")
    until(lambda: not lets_in(kafka, monkeypatch, user, second), "the user is gone")


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


def test_a_product_signs_in_with_the_password_of_its_own_state(shop: Shop, kafka: Broker, tmp_path: Path) -> None:
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
    finally:
        consumer.close()
    assert read_ == [b'{"order_id": 1}']
    study.take_down()
