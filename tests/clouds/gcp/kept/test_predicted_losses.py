"""The objects with data that a deployment removes or replaces, from the state and the plan alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from alchemesh_platform.clouds.gcp.emulation.environment import emulators_of
from alchemesh_platform.clouds.gcp.emulation.store import Kept, Store
from alchemesh_platform.clouds.gcp.objects import services
from alchemesh_platform.compose.compose import compose
from alchemesh_platform.compose.plan import Plan
from alchemesh_platform.deployment.emulation import emulate
from alchemesh_platform.deployment.objects.losses import Losses
from alchemesh_platform.deployment.report.progress import Progress
from alchemesh_platform.engine.run.events import Diagnostic, ResourcePre
from alchemesh_platform.manifest.load import load_manifest
from alchemesh_platform.platform_file.load import load_platform
from alchemesh_platform.platform_file.models import Platform
from alchemesh_platform.provider.loss import Loss, with_loss
from tests.builtin import builtin_catalog
from tests.clouds.gcp.kept.test_kept_data import EVENTS, MANIFEST, PLATFORM

TOPIC, TABLE = "gcp:pubsub/topic:Topic", "gcp:bigquery/table:Table"
SCHEMA = "alchemesh:bigquery:TableSchema"
ROOT = "urn:pulumi:prod::aviation.gates::alchemesh:stacks:DataProduct"
PORT = f"{ROOT}$alchemesh:stacks:OutputPort"
COMPONENT = f"{PORT}$alchemesh:components"


@pytest.fixture
def real(tmp_path: Path) -> Platform:
    (tmp_path / "platform.yaml").write_text(PLATFORM)
    return load_platform(tmp_path / "platform.yaml", "prod", tmp_path / "home")


@pytest.fixture
def platform(real: Platform) -> Platform:
    """The emulated environment, which has the topic."""
    made = emulate(real)
    Store(emulators_of(made).folder).put(Kept(TOPIC, EVENTS, "urn", {"labels": {}}, {}))
    return made


@pytest.fixture
def plan(tmp_path: Path, real: Platform) -> Plan:
    (tmp_path / "alchemesh.yaml").write_text(MANIFEST)
    return compose(load_manifest(tmp_path / "alchemesh.yaml", "prod"), real, builtin_catalog())


def state(
    *,
    kind: str = TOPIC,
    identity: str = EVENTS,
    name: str = "events-storage-gate",
    component: str = "pubsub-topic",
    owner: str = "events-storage",
    port: str = "events",
    inputs: dict[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """A state with one object of one port."""
    above, parent = f"{PORT}::{port}", f"{COMPONENT}:{component}::{owner}"
    given = {"project": "acme-mesh", "name": "prod--aviation--gates--events--gate"} if inputs is None else inputs
    return {
        "resources": [
            {"urn": above, "type": "alchemesh:stacks:OutputPort"},
            {"urn": parent, "type": f"alchemesh:components:{component}", "parent": above},
            {
                **{"urn": f"{COMPONENT}:{component}${kind}::{name}", "type": kind, "id": identity, "parent": parent},
                **{"custom": True, "inputs": given},
                **more,
            },
        ]
    }


def lost(platform: Platform, plan: Plan, found: dict[str, Any], *targets: str) -> list[tuple[str, str, Loss]]:
    return [(one.port, one.operation, one.loss) for one in Losses(platform, found).lost_by(plan, targets)]


def test_an_object_that_stays_is_not_lost(platform: Platform, plan: Plan) -> None:
    assert lost(platform, plan, state()) == []
    assert (
        lost(platform, plan, state(inputs={"project": "ACME-mesh", "name": "prod--aviation--gates--events--gate"}))
        == []
    )


def test_another_name_or_place_replaces_it(platform: Platform, plan: Plan) -> None:
    moved = state(inputs={"project": "elsewhere", "name": "prod--aviation--gates--events--gate"})
    assert lost(platform, plan, moved) == [("events", "replace", Loss())]
    renamed = state(inputs={"project": "acme-mesh", "name": "former"})
    assert lost(platform, plan, renamed) == [("events", "replace", Loss())]
    assert lost(platform, plan, renamed, "workspace") == [], "the run is limited to another port"
    assert lost(platform, plan, renamed, "events") == [("events", "replace", Loss())]


def test_a_removed_model_component_or_port_deletes_it(platform: Platform, plan: Plan) -> None:
    assert lost(platform, plan, state(name="events-storage-hall")) == [("events", "delete", Loss())]
    assert lost(platform, plan, state(owner="former-storage", port="former", name="former-storage-gate")) == [
        ("former", "delete", Loss())
    ]


def test_data_that_is_kept_or_copied_or_gone_is_not_lost(platform: Platform, plan: Plan) -> None:
    former = {"owner": "former-storage", "port": "former", "name": "former-storage-gate"}
    assert lost(platform, plan, state(**former, retainOnDelete=True)) == []
    assert lost(platform, plan, state(**former, delete=True)) == [], "an earlier run was allowed to delete it"
    assert lost(platform, plan, state(**former, component="cloud-run-data-api")) == [], "it makes its copy again"
    assert lost(platform, plan, state(**former, component="of-a-stranger")) == [("former", "delete", Loss())]
    assert lost(platform, plan, state(**former, identity="projects/acme-mesh/topics/gone")) == []


def test_a_cloud_that_does_not_answer_may_lose_data_and_says_why(
    real: Platform, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    def signed_out() -> str:
        raise services.SignInFailed("no credentials")

    monkeypatch.setattr(services, "access_token", signed_out)
    losses = Losses(real, state(name="events-storage-hall"))
    assert [one.loss for one in losses.lost_by(plan)] == [Loss()]
    assert losses.notes == [f"the number of rows or files in topic {EVENTS} is unknown: no credentials"]


def test_the_rows_of_a_replaced_table_are_those_of_the_record_that_refuses_it(platform: Platform, plan: Plan) -> None:
    identity, place = "projects/acme-mesh/datasets/events/tables/gate", {"component": "bigquery-table"}
    found = state(kind=TABLE, identity=identity, **place)
    table = found["resources"][-1]["urn"]
    schema = f"{COMPONENT}:bigquery-table${SCHEMA}::events-storage-gate-schema"
    found["resources"].append({"urn": schema, "type": SCHEMA, "id": "acme-mesh.events.gate", "custom": True})
    losses, progress = Losses(platform, found, {table: Loss(rows=7)}), Progress(plan)

    def step(urn: str, kind: str, operation: str) -> ResourcePre:
        return ResourcePre(urn, kind, urn.rpartition("::")[2], "", operation, True, (), None, None, None, None, True)

    for event in (
        Diagnostic("warning", with_loss("the table is re-created", Loss()), schema),
        step(schema, SCHEMA, "update"),
        step(table, TABLE, "replace"),
    ):
        progress.on_event(event)
        losses.see(event, progress)
    assert {change.name: change.loss for change in progress.changes()} == {
        "events-storage-gate-schema": Loss(rows=7),
        "events-storage-gate": None,
    }
