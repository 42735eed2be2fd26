"""Names in Google Cloud: legal, stable and unique for each address."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alchemesh_components.gcp.labels import labels_of
from alchemesh_components.gcp.names import (
    BUCKET,
    DATASET,
    RULES,
    RUN_JOB,
    SERVICE_ACCOUNT,
    NameRule,
    name_of,
    resource_name,
)
from alchemesh_components.gcp.settings import LABEL_KEY_PATTERN, LABEL_VALUE_PATTERN, GcpSettings
from alchemesh_platform.base.names import NAME_MAX, NAME_PATTERN
from alchemesh_platform.sdk.wiring import Wiring
from tests.lanes import examples

SETTINGS = GcpSettings(project="acme-mesh", region="europe-west1")
# The rules of each service for its names, apart from their length.
FORMS = {"-": r"[a-z][a-z0-9-]*[a-z0-9]", "_": r"[a-z][a-z0-9_]*"}
# Includes words that services refuse, so that examples contain them.
WORDS = st.sampled_from(["google", "goog", "g00gle", "goo", "gle", "gogoogleogle", "a", "1"])
NAMES = st.one_of(
    st.from_regex(NAME_PATTERN, fullmatch=True).map(lambda name: name[:NAME_MAX].rstrip("-")),
    st.lists(WORDS, min_size=1, max_size=4).map("-".join).filter(lambda name: name[0].isalpha()),
)
ADDRESSES = st.lists(NAMES, min_size=3, max_size=6).map(tuple)
ANY_RULE = st.sampled_from(RULES)


@settings(max_examples=examples(60), deadline=None)
@given(ANY_RULE, ADDRESSES)
def test_a_name_is_legal_for_its_service(rule: NameRule, parts: tuple[str, ...]) -> None:
    name = name_of(rule, parts)
    assert re.fullmatch(FORMS[rule.separator], name)
    assert 6 <= len(name) <= rule.max_length
    assert not any(text in name for text in rule.reserved)
    assert not (rule.reserved_start and name.startswith(rule.reserved_start))


@settings(max_examples=examples(60), deadline=None)
@given(ANY_RULE, ADDRESSES, ADDRESSES)
def test_two_addresses_have_two_names(rule: NameRule, one: tuple[str, ...], other: tuple[str, ...]) -> None:
    assert (name_of(rule, one) == name_of(rule, other)) == (one == other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("prod", "a-b", "c"), ("prod", "a", "b-c")),
        (("prod", "a", "b", "c"), ("prod", "a-b", "c")),
        (("prod", "x" * 63, "y" * 63, "a"), ("prod", "x" * 63, "y" * 63, "b")),
    ],
)
def test_parts_of_a_name_are_separated(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    for rule in RULES:
        assert name_of(rule, one) != name_of(rule, other)


def test_a_name_at_the_limit_is_kept_and_one_over_it_is_cut() -> None:
    for rule in RULES:
        joint = 2 * rule.separator
        at = rule.max_length - len(f"prod{joint}aviation{joint}")
        kept = name_of(rule, ("prod", "aviation", "f" * at))
        assert kept == f"prod{joint}aviation{joint}{'f' * at}"
        cut = name_of(rule, ("prod", "aviation", "f" * (at + 1)))
        assert len(cut) == rule.max_length
        assert cut != kept[:-1] + "f"


def test_names_are_readable_and_stable() -> None:
    """A changed name creates another resource, without the data of the first."""
    place = Wiring(environment="prod", domain="aviation", product="flights", port="flights-table")
    assert resource_name(DATASET, SETTINGS, place) == "prod__aviation__flights__flights_table"
    assert resource_name(DATASET, SETTINGS, place, "views") == "prod__aviation__flights__flights_table__views"
    assert resource_name(BUCKET, SETTINGS, place) == "acme-mesh--prod--aviation--flights--flights-table"
    assert resource_name(RUN_JOB, SETTINGS, place) == "prod--aviation--flights--flights-table"
    assert resource_name(SERVICE_ACCOUNT, SETTINGS, place) == "prod--aviation--fl--yilvafep3m"
    prefixed = SETTINGS.model_copy(update={"name_prefix": "acme"})
    assert resource_name(BUCKET, prefixed, place) == "acme--prod--aviation--flights--flights-table"
    assert resource_name(DATASET, prefixed, place) == "acme__prod__aviation__flights__flights_table"


@settings(max_examples=examples(30), deadline=None)
@given(NAMES, NAMES, NAMES, NAMES)
def test_labels_are_legal_and_name_the_owner(environment: str, domain: str, product: str, port: str) -> None:
    labels = labels_of(
        SETTINGS.model_copy(update={"labels": {"cost_center": "data", "domain": "mine"}}),
        Wiring(environment=environment, domain=domain, product=product, port=port),
    )
    assert labels["cost_center"] == "data"
    assert labels["domain"] == domain
    for key, value in labels.items():
        assert re.match(LABEL_KEY_PATTERN, key)
        assert re.match(LABEL_VALUE_PATTERN, value)
