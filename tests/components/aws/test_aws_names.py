"""Names and tags on AWS: legal, stable and unique for each address."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from alchemesh_components.aws.names import BUCKET, DATABASE, ROLE, RULES, resource_name
from alchemesh_components.aws.settings import AwsSettings
from alchemesh_components.aws.tags import tags_of
from alchemesh_components.cloud_names import NameRule, name_of
from alchemesh_platform.base.names import NAME_MAX, NAME_PATTERN
from alchemesh_platform.sdk.wiring import Wiring
from tests.lanes import examples

SETTINGS = AwsSettings(account="123456789012", region="eu-central-1")
FORMS = {"-": r"[a-z0-9][a-z0-9-]*[a-z0-9]", "_": r"[a-z][a-z0-9_]*"}
# Includes words that S3 refuses, so that examples contain them.
WORDS = st.sampled_from(["xn", "sthree", "amzn", "s3", "demo", "ol", "table", "x", "s3alias", "a", "1"])
NAMES = st.one_of(
    st.from_regex(NAME_PATTERN, fullmatch=True).map(lambda name: name[:NAME_MAX].rstrip("-")),
    st.lists(WORDS, min_size=1, max_size=4).map("-".join).filter(lambda name: name[0].isalpha()),
)
ADDRESSES = st.lists(NAMES, min_size=3, max_size=6).map(tuple)


@settings(max_examples=examples(60), deadline=None)
@given(st.sampled_from(RULES), ADDRESSES)
def test_a_name_is_legal_for_its_service(rule: NameRule, parts: tuple[str, ...]) -> None:
    name = name_of(rule, parts)
    assert re.fullmatch(FORMS[rule.separator], name)
    assert 3 <= len(name) <= rule.max_length
    assert not name.startswith(tuple(rule.reserved_start) or ("/",))
    assert not name.endswith(rule.reserved_end or ("/",))


@settings(max_examples=examples(60), deadline=None)
@given(st.sampled_from(RULES), ADDRESSES, ADDRESSES)
def test_two_addresses_have_two_names(rule: NameRule, one: tuple[str, ...], other: tuple[str, ...]) -> None:
    assert (name_of(rule, one) == name_of(rule, other)) == (one == other)


@pytest.mark.parametrize("port", ["ol-s3", "x-s3", "table-s3"])
def test_a_port_whose_name_s3_reserves_for_aliases_gets_another_ending(port: str) -> None:
    name = resource_name(BUCKET, SETTINGS, Wiring(domain="shop", product="orders", port=port))
    assert re.fullmatch(r"x123456789012--local--shop--orders--[a-z2-7]{10}", name)


def test_only_names_that_are_unique_in_all_of_aws_begin_with_the_account() -> None:
    place = Wiring(environment="prod", domain="shop", product="orders", port="sales-table")
    prefixed = SETTINGS.model_copy(update={"name_prefix": "acme"})
    assert resource_name(BUCKET, SETTINGS, place) == "123456789012--prod--shop--orders--sales-table"
    assert resource_name(ROLE, SETTINGS, place) == "prod--shop--orders--sales-table"
    assert resource_name(DATABASE, SETTINGS, place) == "prod__shop__orders__sales_table"
    assert resource_name(BUCKET, prefixed, place) == "acme--prod--shop--orders--sales-table"


def test_tags_of_the_mesh_take_precedence_over_tags_of_the_platform() -> None:
    given = AwsSettings(account="1" * 12, region="eu-central-1", tags={"product": "another", "cost_center": "data"})
    tags = {each["key"]: each["value"] for each in tags_of(given, Wiring(product="orders"))}
    assert tags["product"] == "orders"
    assert tags["cost_center"] == "data"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"account": "12345"}, "account"),
        ({"region": "Frankfurt"}, "region"),
        ({"tags": {"aws:cost": "x"}}, "expected a key without aws: at its beginning"),
        ({"tags": {"cost": "50 €"}}, "tags"),
        ({"principals": {"team": "{domain}-{team}"}}, "expected role/NAME, user/NAME or group/NAME"),
        ({"principals": {"user": "role/{name}"}}, "expected a text with no other placeholders than {email}"),
        ({"principals": {"team": "group/{team}"}, "lake_formation": True}, "with lake_formation, no group has access"),
        ({"encryption_keys": {"s3": "alias/mesh"}}, "encryption_keys.s3"),
        ({"role": "mesh-deployer"}, "role"),
    ],
)
def test_a_setting_that_aws_refuses_is_refused_before(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(message)):
        AwsSettings.model_validate({"account": "123456789012", "region": "eu-central-1", **wrong})


@pytest.mark.parametrize(
    ("region", "arn"),
    [
        ("eu-central-1", "arn:aws:kinesis:eu-central-1:123456789012:stream/sales"),
        ("cn-north-1", "arn:aws-cn:kinesis:cn-north-1:123456789012:stream/sales"),
        ("us-gov-west-1", "arn:aws-us-gov:kinesis:us-gov-west-1:123456789012:stream/sales"),
    ],
)
def test_arns_have_the_partition_of_the_region(region: str, arn: str) -> None:
    assert AwsSettings(account="123456789012", region=region).arn("kinesis", "stream/sales") == arn
