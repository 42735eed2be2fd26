"""Consumers as principals of IAM, and the statements of their policies."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from alchemesh_components.aws.access import Principal, allow, principals_of, product_role, role_arn, until_end
from alchemesh_components.aws.settings import AwsSettings, Principals
from alchemesh_platform.clouds.aws.identities import AWS_ROLE
from alchemesh_platform.sdk.code.identity import CodeIdentity
from alchemesh_platform.sdk.consumer import Consumer

SETTINGS = AwsSettings(account="123456789012", region="eu-central-1")
WITH_TEAMS = SETTINGS.model_copy(update={"principals": Principals(team="role/{domain}-{team}")})
TEAM = Consumer(
    "r-1", "technical_team", "operations/desk", users=("bo@acme.example", "cy@acme.example"), teams=("operations/desk",)
)


def test_a_team_is_its_role_where_the_platform_names_one_and_its_people_otherwise() -> None:
    assert principals_of(TEAM, WITH_TEAMS, "prod") == [Principal("role", "operations-desk")]
    assert principals_of(TEAM, SETTINGS, "prod") == [
        Principal("user", "bo@acme.example"),
        Principal("user", "cy@acme.example"),
    ]


def test_a_domain_is_all_of_its_teams() -> None:
    domain = Consumer("r-2", "data_domain", "operations", teams=("operations/desk", "operations/night"))
    assert [each.name for each in principals_of(domain, WITH_TEAMS, "prod")] == ["operations-desk", "operations-night"]


def test_a_product_is_the_role_of_its_code_as_recorded_or_as_it_will_be_named() -> None:
    product = Consumer("r-3", "data_product", "ops/delays", users=("bo@acme.example",), product="ops/delays")
    recorded = Consumer(
        "r-3", "data_product", "ops/delays", product="ops/delays", identity=CodeIdentity(AWS_ROLE, "its-role")
    )
    elsewhere = Consumer(
        "r-3", "data_product", "ops/delays", product="ops/delays", identity=CodeIdentity("google", "x@y.example")
    )
    assert product_role(SETTINGS, "prod", "ops/delays") == "prod--ops--delays--code"
    assert role_arn(SETTINGS, "prod--ops--delays--code") == "arn:aws:iam::123456789012:role/prod--ops--delays--code"
    assert principals_of(product, WITH_TEAMS, "prod") == [Principal("role", "prod--ops--delays--code")]
    assert principals_of(recorded, WITH_TEAMS, "prod") == [Principal("role", "its-role")]
    assert principals_of(elsewhere, WITH_TEAMS, "prod") == [Principal("role", "prod--ops--delays--code")]


def test_each_statement_ends_with_the_access_beside_its_other_conditions() -> None:
    ends_at = datetime(2027, 1, 1, 1, tzinfo=timezone(timedelta(hours=1)))
    consumer = Consumer("r-4", "user", "bo@acme.example", ends_at=ends_at)
    limited = allow(["s3:ListBucket"], "arn", {"StringLike": {"s3:prefix": ["a/*"]}})
    end = {"DateLessThan": {"aws:CurrentTime": "2027-01-01T00:00:00Z"}}
    plain, both = until_end(consumer, [allow(["s3:GetObject"], "arn"), limited])
    assert plain["Condition"] == end
    assert both["Condition"] == {"StringLike": {"s3:prefix": ["a/*"]}, **end}
    assert limited["Condition"] == {"StringLike": {"s3:prefix": ["a/*"]}}
    assert until_end(TEAM, [limited]) == [limited], "access without an end has no such condition"
