"""The owner of an object that a killed run may have created: only the product's own object is imported."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from alchemesh_platform.clouds.gcp.emulation.environment import emulators_of
from alchemesh_platform.clouds.gcp.emulation.store import Kept as Stored
from alchemesh_platform.clouds.gcp.emulation.store import Store
from alchemesh_platform.clouds.gcp.emulation.types.errors import Refused
from alchemesh_platform.clouds.gcp.objects import labelled, services
from alchemesh_platform.clouds.gcp.objects.data import BUCKET, DATASET, TOPIC
from alchemesh_platform.clouds.gcp.objects.labelled import JOB, owner_in
from alchemesh_platform.compose.compose import compose
from alchemesh_platform.compose.plan import Kept, Plan
from alchemesh_platform.deployment.emulation import emulate
from alchemesh_platform.deployment.objects.owners import ForeignObjects, foreign_objects, is_imported, without_foreign
from alchemesh_platform.manifest.load import load_manifest
from alchemesh_platform.platform_file.load import load_platform
from alchemesh_platform.platform_file.models import Platform
from alchemesh_platform.sdk.system.cloud_object import ObjectOwner
from tests.builtin import builtin_catalog
from tests.clouds.gcp.kept.test_kept_data import EVENTS, MANIFEST, PLATFORM

LABELS = {"managed_by": "alchemesh", "environment": "prod", "domain": "aviation", "product": "gates", "port": "events"}
STORAGE = "events-storage-gate"


@pytest.fixture
def real(tmp_path: Path) -> Platform:
    """The environment of the real cloud."""
    (tmp_path / "platform.yaml").write_text(PLATFORM)
    return load_platform(tmp_path / "platform.yaml", "prod", tmp_path / "home")


@pytest.fixture
def plan(tmp_path: Path, real: Platform) -> Plan:
    (tmp_path / "alchemesh.yaml").write_text(MANIFEST)
    return compose(load_manifest(tmp_path / "alchemesh.yaml", "prod"), real, builtin_catalog())


def put(platform: Platform, pulumi_type: str, identity: str, labels: dict[str, str]) -> None:
    """Create an object in the emulated cloud, as a killed run leaves it."""
    store = Store(emulators_of(platform).folder)
    store.put(Stored(pulumi_type, identity, "urn:of:others", {"labels": labels}, {}, made=False))


@pytest.mark.parametrize(
    ("labels", "imported"),
    [
        (LABELS, True),
        ({**LABELS, "environment": "dev"}, False),
        ({**LABELS, "product": "runways"}, False),
        ({**LABELS, "port": "departures"}, False),
        ({**LABELS, "managed_by": "hand"}, False),
        ({}, False),
    ],
)
def test_a_half_made_object_of_another_owner_is_not_imported(
    real: Platform, plan: Plan, labels: dict[str, str], imported: bool
) -> None:
    platform = emulate(real)
    put(platform, TOPIC.type, EVENTS, labels)
    assert is_imported(platform, plan, Kept(TOPIC.type, STORAGE, EVENTS)) is imported
    assert ("events" in foreign_objects(platform, plan, {}).places) is not imported
    assert foreign_objects(platform, plan, {}, targets=["workspace"]) == ForeignObjects(), "limited to another port"


def test_a_half_made_job_of_another_product_is_not_imported(real: Platform, plan: Plan) -> None:
    platform, job = emulate(real), "projects/acme-mesh/locations/europe-west1/jobs/gates"
    put(platform, JOB.type, job, {**LABELS, "port": "code"})
    assert is_imported(platform, plan, Kept(JOB.type, "code-job", job))
    put(platform, JOB.type, job, {**LABELS, "product": "runways", "port": "code"})
    assert not is_imported(platform, plan, Kept(JOB.type, "code-job", job))


def test_an_object_inside_one_of_another_owner_is_not_imported(plan: Plan) -> None:
    dataset, own = "projects/acme-mesh/datasets/events", "projects/acme-mesh/datasets/events_own"
    kept = tuple(Kept("type", "name", identity) for identity in (dataset, f"{dataset}/tables/gate", own))
    found = without_foreign(dataclasses.replace(plan, kept=kept), ForeignObjects(frozenset({dataset})))
    assert [one.id for one in found.kept] == [own]


def test_an_object_that_the_state_has_is_not_asked(real: Platform, plan: Plan) -> None:
    platform = emulate(real)
    put(platform, TOPIC.type, EVENTS, {})
    state = {"resources": [{"urn": "urn", "type": TOPIC.type, "id": EVENTS, "custom": True}]}
    assert foreign_objects(platform, plan, state) == ForeignObjects()


@contextmanager
def cloud(answers: dict[str, tuple[int, dict[str, Any]]], monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A service that answers like Google Cloud; yields its requests with their credentials."""
    asked: list[str] = []

    class Service(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(f"{self.headers['Authorization']} {self.path}")
            status, document = answers.get(self.path, (404, {"error": {"message": "none"}}))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(document).encode())

        def log_message(self, *_arguments: Any) -> None:
            """Write nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(services, "STORAGE_URL", url)
    monkeypatch.setattr(services, "BIGQUERY_URL", url)
    monkeypatch.setattr(services, "access_token", lambda: "of-the-deployer")
    monkeypatch.setattr(labelled, "service_at", lambda _host: services.Rest("cloud", url, lambda: "of-the-deployer"))
    try:
        yield asked
    finally:
        server.shutdown()
        server.server_close()


def test_the_real_cloud_is_asked_with_the_credentials_of_the_deployer(
    real: Platform, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset, bucket = "projects/acme-mesh/datasets/prod__aviation__gates__events", "acme-mesh--prod--aviation--gates"
    answers = {
        f"/v1/{EVENTS}": (200, {"labels": {**LABELS, "environment": "dev"}}),
        f"/bigquery/v2/{dataset}": (200, {"labels": LABELS}),
        f"/storage/v1/b/{bucket}": (403, {"error": {"message": "no storage.buckets.get access"}}),
        "/storage/v1/b/broken": (500, {"error": {"message": "try again"}}),
    }
    with cloud(answers, monkeypatch) as asked:
        assert TOPIC.owner(real, EVENTS) == ObjectOwner("aviation/gates/events", "dev")
        assert DATASET.owner(real, dataset) == ObjectOwner("aviation/gates/events", "prod")
        assert BUCKET.owner(real, bucket) == ObjectOwner(is_hidden=True), "a bucket of another project"
        assert BUCKET.owner(real, "free") is None
        with pytest.raises(Refused, match="try again"):
            BUCKET.owner(real, "broken")
        assert asked[0] == f"Bearer of-the-deployer /v1/{EVENTS}"
        assert not is_imported(real, plan, Kept(BUCKET.type, "workspace-bucket", "broken")), "fail closed"
        assert set(foreign_objects(real, plan, {}).places) == {"events"}


def test_a_cloud_that_does_not_answer_refuses_nothing_in_a_preview(
    real: Platform, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    def signed_out() -> str:
        raise services.SignInFailed("no credentials")

    monkeypatch.setattr(services, "access_token", signed_out)
    assert foreign_objects(real, plan, {}) == ForeignObjects()
    assert not is_imported(real, plan, Kept(TOPIC.type, STORAGE, EVENTS))


def test_labels_name_an_owner_only_if_all_of_them_do() -> None:
    assert owner_in(LABELS) == ObjectOwner("aviation/gates/events", "prod")
    assert owner_in({name: value for name, value in LABELS.items() if name != "domain"}) == ObjectOwner()
    assert owner_in(None) == ObjectOwner()
