"""A product on Kafka, as a user deploys it: its inputs, its outputs, and each fault at its line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.systems.kafka.client.access import KafkaAccess
from alchemesh_platform.systems.kafka.client.cluster import Cluster
from alchemesh_platform.systems.kafka.client.topics import Topic, change_topic, topic_of
from parts.kafka import Broker
from tests.end_to_end.harness import Shop, everything_in
from tests.systems.kafka.clients import access, read
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.engine]

MANIFEST = """\
kind: DataProduct
name: orders
domain: shop
team: order-data
owner: ada@shop.example
version: 1.0.0
source_systems: [till]
input_ports:
  - name: sales
    from: {source_system: till}
    component: kafka-ingestion
    args: {topic: till.receipts, batch_time: 1s}
models:
  order:
    description: One order.
    properties:
      order_id: {type: integer, key: true, description: Number of the order}
output_ports:
  - name: events
    models: [order]
    storage:
      component: streaming-topic
      args: {partitions: 2}
"""

DRIFT = ("refresh", "--preview-only", "--detailed-exitcode")
PLATFORM = """\
kind: Platform
name: shop
environments:
  local:
    extends: builtin/local
    settings:
      kafka:
        bootstrap_servers: [SERVER]
        replication: 1
        security: {protocol: SASL_PLAINTEXT, mechanism: PLAIN, username: admin, password: {secret: KAFKA_PASSWORD}}
"""


@pytest.fixture
def shop(kafka: Broker, tmp_path: Path) -> Iterator[Shop]:
    folder = tmp_path / "repo"
    folder.mkdir()
    (folder / "alchemesh.yaml").write_text(MANIFEST, "utf-8")
    (folder / "platform.yaml").write_text(PLATFORM.replace("SERVER", f'"{kafka.bootstrap}"'), "utf-8")
    made = Shop(folder, tmp_path / "home", {"KAFKA_PASSWORD": kafka.password})
    yield made
    if kafka.process is None:
        kafka.start()
    made.run("destroy", "--yes", "--delete-data")


def check_drift(shop: Shop, cluster: Cluster, topic: Topic) -> None:
    """Change a topic by hand, look for the drift, and change the topic back."""
    by_hand = replace(topic, config={**topic.config, "retention.ms": "600000"})
    change_topic(cluster, topic, by_hand)
    found = shop.run(*DRIFT, "--json")
    assert found.returncode == ExitCode.CHANGES, found.stdout + found.stderr
    [drifted] = json.loads(found.stdout)["drift"]
    assert (drifted["port"], drifted["by"]) == ("events", None), "Kafka records no author"
    assert drifted["properties"] == [{"path": "config.retention.ms", "declared": None, "found": "600000"}]
    change_topic(cluster, by_hand, topic)
    assert shop.run(*DRIFT).returncode == ExitCode.DONE


def test_a_product_on_kafka_is_deployed_and_described_and_every_fault_has_its_line(shop: Shop, kafka: Broker) -> None:
    missing = shop.run("preview")
    assert missing.returncode == 1
    assert "alchemesh.yaml:11:" in missing.stderr, missing.stderr
    assert "sales, kafka-directory: there is no topic till.receipts" in missing.stderr

    kafka.create_topic("till.receipts")
    assert shop.json("up", "--yes")["outcome"] == "succeeded"
    kafka.produce("till.receipts", [b'{"order_id": 1}', b'{"order_id": 2}'])
    until(lambda: "2 rows" in shop.done("status"), seconds=120, what="both orders are landed")
    kafka.produce("shop.orders.events.order", [b'{"order_id": 1}'])
    assert read(kafka, "shop.orders.events.order", 1) == [b'{"order_id": 1}']
    assert "shop.orders.events.order" in shop.done("env")
    assert kafka.password.encode() not in everything_in(shop.home, shop.folder)

    shop.edit("partitions: 2", "partitions: 1")
    shop.edit("batch_time: 1s", "batch_time: 2s")
    shrunk = shop.run("up", "--yes")
    assert shrunk.returncode == 1
    assert "alchemesh.yaml:22:" in shrunk.stderr, shrunk.stderr
    assert "topic shop.orders.events.order has 2 partitions, and Kafka takes none away" in shrunk.stderr
    assert b'"batch_seconds": 2.0' in everything_in(shop.home), "the other port was changed nevertheless"
    shop.edit("partitions: 1", "partitions: 3")
    assert shop.json("up", "--yes")["outcome"] == "succeeded"
    administrator = KafkaAccess.model_validate(access(kafka))
    found = topic_of(Cluster(administrator), "shop.orders.events.order")
    assert found is not None
    assert found.partitions == 3

    check_drift(shop, Cluster(administrator), found)

    wrong = shop.run("preview", more={"KAFKA_PASSWORD": "not-the-password"})
    assert wrong.returncode == 1
    assert "alchemesh.yaml:" in wrong.stderr
    assert "refuses user 'admin'" in wrong.stderr
    assert "not-the-password" not in wrong.stderr + wrong.stdout

    kafka.stop()
    down = shop.run("up", "--yes")
    assert down.returncode == 1
    assert f"sales, kafka-directory: no Kafka broker answers at {kafka.bootstrap}" in down.stderr
    assert f"events, kafka-topic: no Kafka broker answers at {kafka.bootstrap}" in down.stderr
    assert "alchemesh.yaml:11:" in down.stderr
    assert "alchemesh.yaml:22:" in down.stderr
    assert "Traceback" not in down.stderr
    assert shop.run(*DRIFT).returncode == ExitCode.FAILED, "a broker that is down is not the same as no drift"
    kafka.start()
    repeated = shop.json("up", "--yes")
    assert repeated["outcome"] == "succeeded"
    assert repeated["changes"].keys() == {"same"}
