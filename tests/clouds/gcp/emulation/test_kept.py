"""Resources without an emulator: stored, checked against the SDK and the services' limits, and asserted on."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pulumi_gcp as gcp
import pytest

from alchemesh_platform.clouds.gcp.emulation.store import Kept, Store
from tests.waiting import until

from .harness import PROJECT, Bench

pytestmark = pytest.mark.engine

REGION = "europe-west1"
RUN_SERVICE = "gcp:cloudrunv2/service:Service"
CONTAINERS = {"containers": [{"image": "europe-docker.pkg.dev/acme/roapi"}]}


def serving(**arguments: Any) -> Callable[[], None]:
    """A program with an identity, a Cloud Run service, its invoker, a topic and a secret."""

    def declare() -> None:
        account = gcp.serviceaccount.Account("api", account_id="flights-api")
        service = gcp.cloudrunv2.Service(
            "api",
            name="flights-api",
            location=REGION,
            template={**CONTAINERS, "service_account": account.email},
            **{"deletion_protection": False, **arguments},
        )
        gcp.cloudrunv2.ServiceIamMember(
            "invoker",
            name=service.name,
            location=REGION,
            project=PROJECT,
            role="roles/run.invoker",
            member="user:amelia@airport.example",
        )
        secret = gcp.secretmanager.Secret("token", secret_id="token", replication={"auto": {}})
        gcp.secretmanager.SecretVersion("token", secret=secret.id, secret_data=pulumi.Output.secret("hunter2-hunter2"))
        pulumi.export("uri", service.uri)

    return declare


def test_stored_resources_are_created_updated_and_deleted(bench: Bench) -> None:
    assert bench.done("preview", serving()) == {"create": 5}
    assert bench.store.all() == []
    assert bench.done("up", serving()) == {"create": 5}
    kept = bench.store.get(RUN_SERVICE, f"projects/{PROJECT}/locations/{REGION}/services/flights-api")
    assert kept is not None
    assert kept.inputs["template"]["serviceAccount"] == f"flights-api@{PROJECT}.iam.gserviceaccount.com"
    assert kept.outputs["uri"] == "https://flights-api-123456789012.europe-west1.run.app"
    assert bench.state_of("token")["id"] == f"projects/{PROJECT}/secrets/token"
    assert b"hunter2" not in bench.store.path.read_bytes()
    assert bench.done("up", serving()) == {"same": 5}
    assert bench.done("refresh") == {"refresh": 5}
    assert bench.done("up", serving()) == {"same": 5}
    assert bench.done("up", serving(ingress="INGRESS_TRAFFIC_INTERNAL_ONLY")) == {"same": 4, "update": 1}

    bench.store.change(RUN_SERVICE, kept.id, ingress="INGRESS_TRAFFIC_ALL")
    bench.done("refresh")
    assert bench.done("up", serving(ingress="INGRESS_TRAFFIC_INTERNAL_ONLY")) == {"same": 4, "update": 1}
    bench.store.remove(RUN_SERVICE, kept.id)
    bench.done("refresh")
    assert bench.done("up", serving()) == {"same": 4, "create": 1}
    assert bench.done("destroy") == {"delete": 5}
    assert bench.store.all() == []


def test_a_job_needs_a_secret_with_a_value_that_its_account_may_read(bench: Bench) -> None:
    def declare(*, filled: bool, granted: bool) -> Callable[[], None]:
        def program() -> None:
            account = gcp.serviceaccount.Account("code", account_id="flights-code")
            secret = gcp.secretmanager.Secret("token", secret_id="token", replication={"auto": {}})
            before: list[pulumi.Resource] = [secret]
            if filled:
                before.append(gcp.secretmanager.SecretVersion("token", secret=secret.id, secret_data="hunter2-hunter2"))
            if granted:
                member = account.email.apply("serviceAccount:{}".format)
                role = "roles/secretmanager.secretAccessor"
                before.append(
                    gcp.secretmanager.SecretIamMember("code", secret_id=secret.secret_id, role=role, member=member)
                )
            reference = {"secret_key_ref": {"secret": "token", "version": "latest"}}
            container = {**CONTAINERS["containers"][0], "envs": [{"name": "NOWHERE_SET", "value_source": reference}]}
            gcp.cloudrunv2.Job(
                "job",
                name="flights-code",
                location=REGION,
                deletion_protection=False,
                template={"template": {"containers": [container], "service_account": account.email}},
                opts=pulumi.ResourceOptions(depends_on=before),
            )

        return program

    version = "projects/123456789012/secrets/token/versions/latest"
    place = "Error code 9, message: spec.template.spec.containers[0].env[0].value_from.secret_key_ref.name: "
    assert f"{place}Secret {version} was not found" in bench.refused("up", declare(filled=False, granted=False))
    # It exists and does not work: the next runs update it and create no other.
    assert bench.state_of("job")["initErrors"]
    account = f"flights-code@{PROJECT}.iam.gserviceaccount.com"
    denied = f"{place}Permission denied on secret: {version} for Revision service account {account}."
    assert denied in bench.refused("up", declare(filled=True, granted=False))
    bench.done("up", declare(filled=True, granted=True))
    assert bench.step("job").op == "update"
    assert "initErrors" not in bench.state_of("job")


def test_protected_resources_are_not_deleted(bench: Bench) -> None:
    bench.done("up", serving(deletion_protection=True))
    assert "deletionprotection is true" in bench.refused("destroy", serving())
    bench.done("up", serving())
    bench.done("destroy")


def test_abandoned_resources_stay_in_the_cloud(bench: Bench) -> None:
    bench.done("up", lambda: gcp.pubsub.Topic("flights", name="flights", deletion_policy="ABANDON"))
    bench.done("destroy")
    assert bench.store.get("gcp:pubsub/topic:Topic", f"projects/{PROJECT}/topics/flights") is not None
    assert "Error 409" in bench.refused("up", lambda: gcp.pubsub.Topic("flights", name="flights"))


def test_a_cloud_storage_subscription_needs_rights_on_its_bucket(bench: Bench) -> None:
    def declare(*granted: str) -> Callable[[], None]:
        def program() -> None:
            topic = gcp.pubsub.Topic("flights")
            bucket = gcp.storage.Bucket("landing", location="EU")
            agent = "serviceAccount:service-1@gcp-sa-pubsub.iam.gserviceaccount.com"
            rights = [
                gcp.storage.BucketIAMMember(role, bucket=bucket.name, role=f"roles/storage.{role}", member=agent)
                for role in granted
            ]
            gcp.pubsub.Subscription(
                "landing",
                topic=topic.id,
                ack_deadline_seconds=300,
                cloud_storage_config={"bucket": bucket.name, "max_duration": "300s"},
                opts=pulumi.ResourceOptions(depends_on=rights),
            )

        return program

    for missing in ((), ("objectCreator",)):
        said = bench.refused("up", declare(*missing))
        assert "did not have the necessary permissions configured to access the provided bucket landing-" in said
    bench.done("up", declare("objectCreator", "legacyBucketReader"))


def test_the_name_of_a_deleted_transfer_job_stays_reserved(bench: Bench) -> None:
    def copied(**named: str) -> Callable[[], object]:
        def declare() -> None:
            bucket = gcp.storage.Bucket("landing", location="EU")
            ends = {
                "gcs_data_source": {"bucket_name": "acme-source"},
                "gcs_data_sink": {"bucket_name": bucket.name},
            }
            gcp.storage.TransferJob("copy", description="Copies", transfer_spec=ends, **named)

        return declare

    for _twice in range(2):
        bench.done("up", copied())
        bench.done("destroy")
    bench.done("up", copied(name="transferJobs/flights"))
    bench.done("destroy")
    assert "Error 409: Already Exists" in bench.refused("up", copied(name="transferJobs/flights"))


@pytest.mark.parametrize(
    ("declare", "said"),
    [
        (lambda: gcp.serviceaccount.Account("a", account_id="short"), "expected 6 to 30 lowercase letters"),
        (lambda: gcp.serviceaccount.Account("a", account_id="a" * 31), "expected 6 to 30 lowercase letters"),
        (lambda: gcp.pubsub.Topic("t", name="goog-flights"), "not 'goog'"),
        (lambda: gcp.pubsub.Topic("t", message_retention_duration="60s"), "found '60s', expected 600s to 2678400s"),
        (lambda: gcp.pubsub.Schema("s", type="AVRO", definition="{"), "found no JSON"),
        (lambda: gcp.pubsub.Subscription("s", topic="t", ack_deadline_seconds=5), "found 5, expected 10 to 600"),
        (
            lambda: gcp.pubsub.Subscription(
                "s", topic="t", ack_deadline_seconds=300, cloud_storage_config={"bucket": "b", "max_duration": "600s"}
            ),
            "found 600s, expected at most ackDeadlineSeconds, 300",
        ),
        (lambda: gcp.cloudrunv2.Job("j", location=REGION, template={"template": {}}), "expected a container at least"),
        (lambda: gcp.cloudrunv2.Service("j", name="A", location=REGION, template=CONTAINERS), "expected 1 to 49"),
        (
            lambda: gcp.cloudscheduler.Job(
                "j", region=REGION, schedule="hourly", http_target={"uri": "https://a.example"}
            ),
            "expected five fields of cron",
        ),
        (lambda: gcp.cloudscheduler.Job("j", region=REGION, schedule="0 * * * *"), "expected one of httpTarget"),
        (
            lambda: gcp.projects.IAMMember("m", project=PROJECT, role="viewer", member="amelia@airport.example"),
            "expected a principal",
        ),
        (lambda: gcp.artifactregistry.Repository("r", repository_id="R", format="DOCKER"), "expected 1 to 63"),
    ],
)
def test_a_preview_refuses_inputs_that_a_service_would_refuse(
    previewing: Bench, declare: Callable[[], object], said: str
) -> None:
    assert said in previewing.refused("preview", declare)


def test_a_missing_identity_is_refused(bench: Bench) -> None:
    member = f"serviceAccount:nobody@{PROJECT}.iam.gserviceaccount.com"
    said = bench.refused("up", lambda: gcp.projects.IAMMember("m", project=PROJECT, role="roles/viewer", member=member))
    assert "does not exist" in said


def test_a_service_enables_an_api(bench: Bench) -> None:
    bench.store.disable_api(PROJECT, "pubsub.googleapis.com")

    def declare() -> None:
        api = gcp.projects.Service("pubsub", service="pubsub.googleapis.com")
        gcp.pubsub.Topic("flights", opts=pulumi.ResourceOptions(depends_on=[api]))

    assert "Error 403: Cloud Pub/Sub API has not been used" in bench.refused("up", lambda: gcp.pubsub.Topic("flights"))
    assert bench.done("up", declare) == {"create": 2}


def test_a_killed_creation_resumes_and_a_finished_one_is_a_conflict(bench: Bench) -> None:
    """A killed process leaves its claim; only the same resource of the same stack may use it."""
    urn = "urn:pulumi:dev::test.cloud::gcp:storage/bucket:Bucket::landing"
    bucket = lambda: gcp.storage.Bucket("landing", name="acme-cut-short", location="EU")  # noqa: E731
    claim = Kept("gcp:storage/bucket:Bucket", "acme-cut-short", urn, {"name": "acme-cut-short"}, {}, made=False)
    bench.store.put(claim)
    bench.world.storage().make_bucket(PROJECT, "acme-cut-short", "EU")
    assert bench.done("up", bucket) == {"create": 1}
    bench.done("destroy")

    bench.store.put(Kept("gcp:storage/bucket:Bucket", "acme-cut-short", "somebody else's", {}, {}, made=False))
    assert "Error 409" in bench.refused("up", bucket)


def test_a_process_killed_while_writing_leaves_a_readable_store(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from alchemesh_platform.clouds.gcp.emulation.store import Kept, Store\n"
        "store = Store(Path(sys.argv[1]))\n"
        "for number in range(10**6): store.put(Kept('t', str(number), 'urn', {'n': number}, {}))\n"
    )
    writer = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)])
    try:
        store = Store(tmp_path)
        until(lambda: len(store.all()) >= 20, "some are written")
    finally:
        writer.kill()
        writer.wait()
    kept = store.all("t")
    assert {json.dumps(one.inputs) for one in kept} == {json.dumps({"n": int(one.id)}) for one in kept}
    store.put(Kept("t", "after", "urn", {}, {}))
    assert store.get("t", "after") is not None
