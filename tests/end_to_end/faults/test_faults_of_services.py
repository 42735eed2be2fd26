"""`alchemesh up` reports a fault of Google Cloud, Kafka or NiFi at its line, and deploys the rest.

Kafka is a real broker with Pulumi's kafka plugin, Google Cloud is emulated, and NiFi is a constructed server that
misbehaves on demand; a real one is killed in ``test_faults_of_nifi.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from alchemesh_platform.clouds.gcp.emulation.api.storage import StorageRest
from parts.kafka import Broker
from tests.end_to_end.faults.faulty import (
    EVENTS,
    EVENTS_ASSET,
    EVENTS_PATH,
    PASSWORD,
    PROJECT,
    SALES,
    SALES_PATH,
    TABLE,
    TABLE_ASSET,
    TABLE_PATH,
    WITHOUT_INGESTION,
    WORKSPACE,
    WORKSPACE_PATH,
    Faulty,
    Mesh,
    said_of,
)
from tests.systems.nifi.simulated.constructed import ConstructedNifi, Refused, constructed

pytestmark = [pytest.mark.engine, pytest.mark.slow]


@pytest.fixture
def product(mesh: Mesh, tmp_path: Path) -> Faulty:
    """A product on Google Cloud alone; it is removed with the emulators."""
    return mesh.product(tmp_path, WITHOUT_INGESTION)


@pytest.fixture
def nifi() -> Iterator[ConstructedNifi]:
    with constructed() as running:
        yield running


@pytest.fixture
def ingesting(mesh: Mesh, nifi: ConstructedNifi, tmp_path: Path) -> Iterator[Faulty]:
    """A product that also reads a topic by NiFi."""
    made = mesh.product(tmp_path, nifi={"url": nifi.url})
    yield made
    if mesh.kafka.process is None:
        mesh.kafka.start()


def test_faults_of_three_ports_are_each_reported_at_their_line(product: Faulty, mesh: Mesh) -> None:
    mesh.store.disable_api(PROJECT, "pubsub.googleapis.com")
    product.set("gcp", bigquery_location="europe-west9")
    mesh.store.withdraw_region("bigquery.googleapis.com", "europe-west9")
    storage = StorageRest("storage", mesh.emulators.address_of("storage"))
    taken = f"{PROJECT}--prod--shop--{product.name}--workspace"
    storage.make_bucket("somebody-elses", taken, "EU")
    reported = product.fails(
        f"Cloud Pub/Sub API has not been used in project {PROJECT} before or it is disabled.",
        line=EVENTS,
        path=EVENTS_PATH,
        hint=f"enable it: `gcloud services enable pubsub.googleapis.com --project {PROJECT}`, or",
    )
    said_of(
        reported,
        "Location 'europe-west9' is not a valid location.",
        f"settings.gcp.bigquery_location (platform.yaml:{product.line_of('bigquery_location')}:",
        line=TABLE,
        path=TABLE_PATH,
        hint="set a region that the service is offered in: settings.gcp.region",
    )
    said_of(
        reported,
        f"bucket {taken} exists and was not created by a product",
        line=WORKSPACE,
        path=WORKSPACE_PATH,
        hint="if it is the product's own, label it with managed_by=alchemesh, environment=",
    )
    assert product.assets() == []
    mesh.store.enable_api(PROJECT, "pubsub.googleapis.com")
    product.fails("Location 'europe-west9'", line=TABLE, path=TABLE_PATH, hint="set a region")
    assert product.assets() == [EVENTS_ASSET], "the rest stands and is recorded"
    product.set("gcp", bigquery_location="EU")
    storage.remove_bucket(taken)
    product.up()
    assert product.assets() == [EVENTS_ASSET, TABLE_ASSET]


def test_an_unsupported_bigquery_type_is_reported_before_anything_is_created(product: Faulty, mesh: Mesh) -> None:
    rows = "amount: {type: array, description: Lines, items: {type: array, items: {type: number}}}"
    product.edit("amount: {type: number, description: Euros}", rows)
    product.fails("an array of arrays", line=19, path="models.order", hint="put an object in between", code=3)
    assert not [kept for kept in mesh.store.all() if product.name in kept.id]


def test_all_names_over_a_limit_are_reported_first_and_names_at_every_limit_are_accepted(
    ingesting: Faulty, mesh: Mesh
) -> None:
    long = "n" * 64
    ingesting.edit("team: order-data", f"team: {long}")
    ingesting.edit("topic: till.sales", f"topic: {'t' * 250}")
    ingesting.edit("name: workspace", f"name: {long}")
    reported = ingesting.run("up", "--yes", "-e", "prod")
    assert reported.returncode == 3
    for line in (4, 13, 21):
        assert f"alchemesh.yaml:{line}:" in reported.stderr, reported.stderr
    assert "at most 63" in reported.stderr
    assert "at most 249" in reported.stderr
    ingesting.edit(f"team: {long}", "team: order-data")
    ingesting.edit("t" * 250, "till.sales")
    ingesting.edit(f"name: {long}", "name: workspace")
    assert not [kept for kept in mesh.store.all() if ingesting.name in kept.id]

    topic = "t" * 249
    mesh.kafka.create_topic(topic)
    # A product and its domain share the hundred letters of a Pulumi project name.
    ingesting.edit(f"name: {ingesting.name}", f"name: {'p' * 63}")
    ingesting.edit("domain: shop", f"domain: {'d' * 36}")
    for name in ("sales", "workspace", "orders-table", "order-events"):
        ingesting.edit(f"name: {name}", f"name: {(name * 63)[:63]}")
    ingesting.edit("order_id:", f"{'o' * 63}:")
    ingesting.edit("amount: {type: number, ", "amount: {type: array, items: {type: number}, ")
    ingesting.edit("topic: till.sales", f"topic: {topic}")
    ingesting.up(repeated=True)


def test_a_broker_that_is_down_is_reported_at_its_line(ingesting: Faulty, mesh: Mesh) -> None:
    mesh.kafka.stop()
    ingesting.fails(
        f"no Kafka broker answers at {mesh.kafka.bootstrap}",
        line=SALES,
        path=SALES_PATH,
        hint="start it, or correct `bootstrap_servers` and `security.protocol` in settings.kafka (platform.yaml:",
    )
    assert ingesting.assets() == [EVENTS_ASSET, TABLE_ASSET], "the ports that need no Kafka stand"
    mesh.kafka.start()
    ingesting.up()


def test_a_wrong_kafka_password_is_reported_at_its_line(ingesting: Faulty) -> None:
    ingesting.fails(
        "refuses user 'admin'",
        line=SALES,
        path=SALES_PATH,
        hint="check `security` in settings.kafka (platform.yaml:",
        more={PASSWORD: "not-the-password"},
    )
    assert ingesting.assets() == [EVENTS_ASSET, TABLE_ASSET]
    ingesting.up()


def test_an_acl_that_denies_access_is_reported_at_its_line(ingesting: Faulty, mesh: Mesh) -> None:
    mesh.kafka.add_user("limited", "a-limited-password")
    mesh.kafka.allow("limited", read=["till."])
    security = {"protocol": "SASL_PLAINTEXT", "mechanism": "SCRAM-SHA-512", "username": "limited"}
    ingesting.set("kafka", security={**security, "password": {"secret": PASSWORD}})
    ingesting.environ[PASSWORD] = "a-limited-password"
    ingesting.fails(
        "The client is not authorized to send this request type",
        line=SALES,
        path=SALES_PATH,
        hint="an ACL has to let the user of settings.kafka.security (platform.yaml:",
        more={PASSWORD: "a-limited-password"},
    )
    assert ingesting.assets() == [EVENTS_ASSET, TABLE_ASSET]
    administer(mesh.kafka, "limited")
    ingesting.up()


def test_a_missing_topic_is_reported_at_its_line(ingesting: Faulty, mesh: Mesh) -> None:
    ingesting.edit("topic: till.sales", "topic: till.refunds")
    ingesting.fails(
        f"there is no topic till.refunds at {mesh.kafka.bootstrap}",
        line=SALES,
        path=SALES_PATH,
        hint="check its name, or have those who run the source system create it",
    )
    assert ingesting.assets() == [EVENTS_ASSET, TABLE_ASSET]
    mesh.kafka.create_topic("till.refunds")
    ingesting.up()


def test_a_nifi_that_is_down_is_reported_at_its_line(ingesting: Faulty, nifi: ConstructedNifi) -> None:
    nowhere = "http://127.0.0.1:1/nifi-api"
    ingesting.set("nifi", url=nowhere)
    ingesting.fails(f"NiFi at {nowhere} does not answer", line=SALES, path=SALES_PATH, hint="is it running")
    assert ingesting.assets() == [EVENTS_ASSET, TABLE_ASSET]
    ingesting.set("nifi", url=nifi.url)
    ingesting.up()


def test_a_wrong_nifi_password_is_reported_at_its_line(ingesting: Faulty, nifi: ConstructedNifi) -> None:
    nifi.password = "the-right-one"
    ingesting.set("nifi", username="platform", password={"secret": "NIFI_PASSWORD"})
    ingesting.fails(
        "does not know who we are: The supplied username and password are not valid.",
        line=SALES,
        path=SALES_PATH,
        hint="",
        more={"NIFI_PASSWORD": "the-wrong-one"},
    )
    ingesting.environ["NIFI_PASSWORD"] = nifi.password
    ingesting.up()


def test_a_missing_nifi_right_is_reported_at_its_line(ingesting: Faulty, nifi: ConstructedNifi) -> None:
    fails(nifi, Refused(403, "No applicable policies could be found."), "POST", times=9)
    ingesting.fails("No applicable policies", line=SALES, path=SALES_PATH, hint="an administrator of NiFi has to grant")
    nifi.fails = lambda _method, _path: None
    ingesting.up()


def test_up_waits_for_a_nifi_that_is_slow_and_has_conflicts(ingesting: Faulty, nifi: ConstructedNifi) -> None:
    nifi.delay = 0.1
    fails(nifi, Refused(409, "is not the most up-to-date revision."), "PUT", times=3)
    ingesting.up()
    assert kinds(nifi)["group"] == 1


def test_up_resumes_after_nifi_breaks_off_in_the_middle(ingesting: Faulty, nifi: ConstructedNifi) -> None:
    fails(nifi, Refused(500, "An unexpected error has occurred"), "POST", times=1, after=4)
    ingesting.fails("with 500: An unexpected error has occurred", line=SALES, path=SALES_PATH, hint="")
    assert ingesting.assets() == [EVENTS_ASSET, TABLE_ASSET]
    ingesting.up(repeated=True)
    found = kinds(nifi)
    assert (found["context"], found["group"], found["service"], found["processor"]) == (1, 1, 2, 5)


def kinds(nifi: ConstructedNifi) -> dict[str, int]:
    """Kind of entity in NiFi: number of them."""
    found = [str(entity["kind"]) for entity in nifi.entities.values()]
    return {kind: found.count(kind) for kind in found}


def fails(nifi: ConstructedNifi, refusal: Refused, method: str, *, times: int, after: int = 0) -> None:
    """Have NiFi refuse some requests of a method."""
    seen = [0]

    def refuse(asked: str, path: str) -> None:
        if asked != method or path == "/access/token":
            return
        seen[0] += 1
        if after < seen[0] <= after + times:
            raise refusal

    nifi.fails = refuse


def administer(kafka: Broker, user: str) -> None:
    """Allow a user to create ACLs."""
    from confluent_kafka.admin import AclBinding, AclOperation, AclPermissionType, ResourcePatternType, ResourceType

    on = (ResourceType.BROKER, "kafka-cluster", ResourcePatternType.LITERAL)
    binding = AclBinding(*on, f"User:{user}", "*", AclOperation.ALL, AclPermissionType.ALLOW)
    admin = kafka.admin()
    for future in admin.create_acls([binding]).values():
        future.result(30)
