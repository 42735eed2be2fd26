"""Members of a consumer at each storage and proxy that guards access: join, leave, move and offboard.

Components that name people in their grants follow the mesh with the next deployment. Where users sign in with a
credential of the platform, it ends with `mesh apply` (tests/access/test_credential.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pulumi
import pytest

from alchemesh_platform.access.requester import Requester, resolve
from alchemesh_platform.base.units import parse_duration
from alchemesh_platform.catalog.discover import discover
from alchemesh_platform.manifest.models import SemanticModel
from alchemesh_platform.registry.store import Registry
from alchemesh_platform.sdk.consumer import Consumer
from alchemesh_platform.sdk.wiring import Wiring
from tests.components.recorder import CASES, Recorder
from tests.mesh_repo.meshes import domain, team, user

CARL, CARA = "carl@acme.example", "cara@acme.example"
GUARDS = sorted(name for name, spec in discover().items() if spec.guards)
# The gateway and the cluster know their users by request; the platform issues and ends their credentials.
# tests/systems/kafka/test_credential.py walks the users of a cluster that the platform creates.
BY_CREDENTIAL = {"postgresql-serving"}


def test_every_component_that_guards_is_walked() -> None:
    assert set(GUARDS) == {
        "athena-sql",
        "bigquery-table",
        "bigquery-views",
        "cloud-run-data-api",
        "gcs-bucket",
        "glue-table",
        "kafka-topic",
        "kinesis-stream",
        "pubsub-topic",
        "postgresql-serving",
        "s3-bucket",
    }


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    return Registry.open(f"sqlite:///{tmp_path_factory.mktemp('members')}/registry.db")


def record(registry: Registry, environment: str, campaigns: Iterable[str], letters: Iterable[str] = ()) -> None:
    """Record these members, and no other user."""
    from alchemesh_platform.registry.records import UserRecord

    members = [*campaigns, *letters]
    for email in {CARL, CARA} - set(members):
        registry.remove(UserRecord, environment, email)
    registry.write(
        [
            domain(environment, "mail", "consumer_aligned", "olaf@acme.example"),
            team(environment, "mail/campaigns", "data_product_team", *campaigns),
            team(environment, "mail/letters", "data_product_team", *letters),
            *(user(environment, email, "data_product_consumer") for email in members),
        ]
    )


def granted(name: str, consumer: Consumer) -> str:
    """The resources of a grant, as text."""
    spec = discover()[name]
    case = next(case for component, case in CASES if component == name)
    wiring = dict(case.get("wiring", {}))
    if "freshness" in wiring:
        wiring["freshness"] = parse_duration(wiring["freshness"])
    models = {key: SemanticModel.model_validate(model) for key, model in wiring.pop("models", {}).items()}
    settings = json.loads(json.dumps(case.get("settings", {})))
    for cloud in ("gcp", "aws"):
        settings.get(cloud, {}).get("principals", {}).pop(
            "team", None
        )  # otherwise a group of the cloud has the members
    settings.get("kafka", {}).pop("create_users", None)
    recorder = Recorder(case.get("computed", {}))
    pulumi.runtime.set_mocks(recorder, project="shop.orders", stack="local")

    @pulumi.runtime.test
    def declare() -> pulumi.Output[Any]:
        component = spec.component_class()(
            "thing",
            spec.args_model().model_validate(case.get("args", {})),
            spec.settings_model().model_validate(settings),
            Wiring(**{**wiring, "protocols": tuple(wiring.get("protocols", ()))}, models=models),
        )
        before = len(recorder.declared)
        component.grant(consumer)
        return pulumi.Output.from_input(before)

    declare()
    return json.dumps(recorder.declared)


@pytest.mark.parametrize("name", sorted(set(GUARDS) - BY_CREDENTIAL))
def test_a_grant_follows_the_members_of_a_team(name: str, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_PASSWORD", "of-the-platform")
    campaigns, cara = Requester("technical_team", "mail/campaigns"), Requester("user", CARA)

    def with_access(requester: Requester) -> set[str]:
        resources = granted(name, resolve(registry, name, requester, request="req-1"))
        return {email for email in (CARL, CARA) if email in resources}

    record(registry, name, [CARA])
    assert with_access(campaigns) == {CARA}
    record(registry, name, [CARA, CARL])  # join
    assert with_access(campaigns) == {CARA, CARL}
    record(registry, name, [CARA], [CARL])  # move
    assert with_access(campaigns) == {CARA}
    record(registry, name, [CARL], [])  # Cara is offboarded
    assert with_access(campaigns) == {CARL}
    assert with_access(cara) == set(), "not even by a request of her own"
    record(registry, name, [])  # leave
    assert with_access(campaigns) == set()
