"""Consumers as principals of Google Cloud."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from pydantic import ValidationError

from alchemesh_components.cloud_names import member_name
from alchemesh_components.gcp.access import (
    condition_of,
    members_of,
    product_identity,
    service_account_email,
)
from alchemesh_components.gcp.settings import GcpSettings, Principals
from alchemesh_platform.sdk.consumer import Consumer

SETTINGS = GcpSettings(project="acme-mesh", region="europe-west1")
WITH_GROUPS = SETTINGS.model_copy(update={"principals": Principals(team="group:{domain}-{team}@acme.example")})
TEAM = Consumer(
    "r-1", "technical_team", "operations/desk", users=("bo@acme.example", "cy@acme.example"), teams=("operations/desk",)
)


def test_a_user_is_a_member() -> None:
    consumer = Consumer("r-1", "user", "bo@acme.example", users=("bo@acme.example",))
    assert members_of(consumer, WITH_GROUPS, "prod") == ["user:bo@acme.example"]


def test_a_team_is_its_group_where_the_platform_names_one_and_its_people_otherwise() -> None:
    assert members_of(TEAM, WITH_GROUPS, "prod") == ["group:operations-desk@acme.example"]
    assert members_of(TEAM, SETTINGS, "prod") == ["user:bo@acme.example", "user:cy@acme.example"]


def test_a_domain_is_all_of_its_teams() -> None:
    domain = Consumer("r-2", "data_domain", "operations", teams=("operations/desk", "operations/night"))
    assert members_of(domain, WITH_GROUPS, "prod") == [
        "group:operations-desk@acme.example",
        "group:operations-night@acme.example",
    ]


def test_a_product_is_the_service_account_of_its_code() -> None:
    product = Consumer(
        "r-3", "data_product", "ops/delays", users=("bo@acme.example",), teams=("ops/desk",), product="ops/delays"
    )
    email = product_identity(SETTINGS, "prod", "ops/delays")
    assert email == "prod--ops--delays--code@acme-mesh.iam.gserviceaccount.com"
    assert members_of(product, WITH_GROUPS, "prod") == [f"serviceAccount:{email}"]


def test_accounts_in_a_domain_scoped_project_have_googles_name() -> None:
    old = GcpSettings(project="acme.example:mesh-prod", region="europe-west1")
    assert service_account_email(old, "code") == "code@mesh-prod.acme.example.iam.gserviceaccount.com"


def test_a_binding_names_its_request_and_expires_with_it() -> None:
    ends_at = datetime(2027, 1, 1, 1, tzinfo=timezone(timedelta(hours=1)))
    until = condition_of(Consumer("r-4", "user", "bo@acme.example", ends_at=ends_at))
    assert until.title == "alchemesh r-4"
    assert until.expression == 'request.time < timestamp("2027-01-01T00:00:00Z")'
    assert condition_of(TEAM).expression == 'request.time < timestamp("9999-12-31T00:00:00Z")'


def test_a_member_becomes_part_of_a_name() -> None:
    assert member_name("group:Ops-Desk@acme.example") == "group-ops-desk-acme-example"
    assert member_name("user:bo.x@acme.example") == "user-bo-x-acme-example"
    similar = ("user:bo.x@acme.example", "user:bo-x@acme.example", "user:bo@x.acme.example", "group:bo@x.acme.example")
    similar += ("group:bo-x@acme.example", "group:bo.x@acme.example", "user:bo_x@acme.example", "user:bö@acme.example")
    assert len({member_name(each) for each in similar}) == len(similar)


@pytest.mark.parametrize("template", ["group:{squad}@acme.example", "group:{}@acme.example", "group:{team.x}@acme"])
def test_an_unknown_placeholder_is_refused(template: str) -> None:
    with pytest.raises(ValidationError, match=r"\{domain\} and \{team\}"):
        Principals(team=template)


@pytest.mark.parametrize(
    "wrong",
    [
        {"project": "Acme"},
        {"region": "europe"},
        {"labels": {"Cost": "data"}},
        {"labels": {"cost": "Data & Co"}},
        {"encryption_keys": {"storage": "my-key"}},
        {"policy_tags": {"internal": "internal"}},
        {"name_prefix": "Acme"},
        {"name_prefix": "a" * 21},
        {"bigquery_location": "Mars"},
    ],
)
def test_settings_that_google_refuses_are_refused_in_the_platform_file(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        GcpSettings.model_validate({"project": "acme-mesh", "region": "europe-west1", **wrong})
