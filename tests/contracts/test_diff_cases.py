"""The effect of each change of a promise on its consumers: one case for each rule, in both directions."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from alchemesh_platform.contracts.compatibility.changes import PortDiff
from alchemesh_platform.contracts.compatibility.diff import diff_port
from alchemesh_platform.contracts.port import PromisedPort
from alchemesh_platform.manifest.models import Contract, SemanticModel

DOCUMENT: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "cases" / "diff.yml").read_text(encoding="utf-8"))
GOLDEN = Path(__file__).parent / "golden" / "changes.txt"
CASES: list[dict[str, Any]] = DOCUMENT["cases"]


def promise(document: dict[str, Any]) -> PromisedPort:
    contract = document.get("contract")
    return PromisedPort(
        Contract.model_validate(contract) if contract is not None else None,
        {name: SemanticModel.model_validate(model) for name, model in document["models"].items()},
        tuple(document["protocols"]),
    )


def edited(case: dict[str, Any]) -> dict[str, Any]:
    document = copy.deepcopy(DOCUMENT["base"])
    for place, value in case.get("set", {}).items():
        holder, key = at(document, place)
        holder[key] = value
    for place in case.get("remove", []):
        holder, key = at(document, place)
        del holder[key]
    return document


def at(document: Any, place: str) -> tuple[Any, Any]:
    *steps, last = [int(step) if step.isdecimal() else step for step in place.split(".")]
    for step in steps:
        document = document[step]
    return document, last


def said(diff: PortDiff) -> list[str]:
    return [f"{change.kind} {change.change} {change.place}" for change in diff.changes]


@pytest.mark.parametrize("case", CASES, ids=[case["name"].replace(" ", "-") for case in CASES])
def test_a_change_has_the_kind_of_its_case(case: dict[str, Any]) -> None:
    before, after = promise(DOCUMENT["base"]), promise(edited(case))
    assert edited(case) != DOCUMENT["base"], "the case changes nothing"
    assert said(diff_port(before, after)) == case["there"]
    assert said(diff_port(after, before)) == case["back"]


def test_the_message_of_a_change_matches_its_golden_line(update: bool) -> None:
    """A reviewer reads the message of a change; the cases above compare its kind and place only."""
    before = promise(DOCUMENT["base"])
    lines = []
    for case in CASES:
        after = promise(edited(case))
        for way, diff in (("there", diff_port(before, after)), ("back", diff_port(after, before))):
            lines += [f"{case['name']}, {way}: {change.place}: {change.message}\n" for change in diff.changes]
    worded = "".join(lines)
    if update:
        GOLDEN.write_text(worded, "utf-8")
    assert worded == GOLDEN.read_text("utf-8")


def test_a_change_of_many_values_names_five_and_counts_the_others() -> None:
    before = promise(edited({"set": {"models.flight.properties.seats.enum": [0]}}))
    after = promise(edited({"set": {"models.flight.properties.seats.enum": list(range(8))}}))
    [more] = diff_port(before, after).changes
    assert more.message == "consumers can now get 1, 2, 3, 4, 5 and 2 more"
    without = promise(edited({"set": {"models.flight.properties.seats.enum": [0, 1]}}))
    [two] = diff_port(promise(DOCUMENT["base"]), without).changes
    assert two.message == "only 0 and 1, was any value"


def test_a_removed_port_is_breaking_and_an_added_one_is_not() -> None:
    port = promise(DOCUMENT["base"])
    assert said(diff_port(port, None)) == ["breaking removed port"]
    assert said(diff_port(None, port)) == ["compatible added port"]
    assert diff_port(None, None) == PortDiff()


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("c3", None, "compatible"),
        ("c3", "Public", "compatible"),
        ("c3", "C3", "documentation"),
        ("c3", "c1", "breaking"),
        (None, "c3", "breaking"),
        ("public", "secret", "breaking"),
        ("secret", "restricted", "compatible"),
    ],
)
def test_the_lowest_sensitivity_is_below_every_classification(
    before: str | None, after: str | None, expected: str
) -> None:
    place = "models.flight.properties.carrier.classification"
    changes = diff_port(promise(edited({"set": {place: before}})), promise(edited({"set": {place: after}}))).changes
    assert [(change.place, change.kind) for change in changes] == [(place, expected)]


def test_a_company_has_its_own_scale_of_sensitivity() -> None:
    before = promise(DOCUMENT["base"])
    after = promise(edited({"set": {"models.flight.properties.carrier.classification": "c3"}}))
    [change] = diff_port(before, after, classifications=("c1", "c3", "internal")).changes
    assert change.kind == "compatible"


def test_the_scale_of_a_company_applies_inside_objects_and_arrays() -> None:
    before = promise(DOCUMENT["base"])
    place = "models.flight.properties.crew.items.properties.name.classification"
    after = promise(edited({"set": {place: "c3"}}))
    for scale, kind in ((("c1", "c3", "confidential"), "compatible"), (("confidential", "c3"), "breaking")):
        [change] = diff_port(before, after, classifications=scale).changes
        assert change.kind == kind


def test_the_most_severe_kind_is_the_kind_of_the_whole_difference() -> None:
    before = promise(DOCUMENT["base"])
    after = promise(edited({"set": {"protocols": ["rest", "graphql"], "models.flight.entity": "departure"}}))
    diff = diff_port(before, after)
    assert diff.kind == "breaking"
    assert [change.place for change in diff.of("compatible")] == ["protocols.graphql"]
    assert PortDiff().kind is None


def test_a_change_has_the_value_before_and_after() -> None:
    before = promise(DOCUMENT["base"])
    after = promise(edited({"set": {"contract.service_levels.response_time": "500ms"}}))
    [change] = diff_port(before, after).changes
    assert change.as_json() == {
        "path": "contract.service_levels.response_time",
        "kind": "breaking",
        "change": "changed",
        "message": "500ms, was 300ms",
    }


@pytest.mark.parametrize(
    ("before", "after", "place", "kind", "message"),
    [
        ({"model": "flat", "price": 5}, None, "", "compatible", "no billing, was 5 (flat)"),
        (
            {"model": "flat", "price": 5, "currency": "EUR"},
            {"model": "flat", "price": 5, "currency": "EUR", "per": "month"},
            "",
            "documentation",
            "5 EUR per month (flat), was 5 EUR (flat): the same price in another notation",
        ),
        (
            {"model": "flat", "price": 5, "currency": "EUR", "per": "month"},
            {"model": "flat", "price": 5, "currency": "EUR", "per": "30d"},
            "",
            "breaking",
            "5 EUR per 30d (flat), was 5 EUR per month (flat)",
        ),
        (
            {"model": "per_use", "price": 0.4, "currency": "EUR", "per": "1000 requests"},
            {"model": "per_use", "price": 400, "currency": "EUR", "per": "1 million requests"},
            "",
            "documentation",
            "400 EUR per 1 million requests (per_use), was 0.40 EUR per 1000 requests (per_use): "
            "the same price in another notation",
        ),
        (
            {"model": "per_use", "price": 0.1, "currency": "EUR", "per": "GB"},
            {"model": "per_use", "price": 0.1, "currency": "EUR", "per": "GiB"},
            ".price",
            "compatible",
            "0.10 EUR per GiB (per_use), was 0.10 EUR per GB (per_use)",
        ),
        (
            {"model": "per_use", "price": 0.1, "currency": "EUR", "per": "seat"},
            {"model": "per_use", "price": 0.1, "currency": "EUR", "per": "1000 requests"},
            "",
            "breaking",
            "0.10 EUR per 1000 requests (per_use), was 0.10 EUR per seat (per_use)",
        ),
        (
            {"model": "flat", "price": 5, "currency": "EUR"},
            {"model": "flat", "price": 5, "currency": "EUR", "time_zone": "Europe/Berlin"},
            ".time_zone",
            "breaking",
            "months are those of Europe/Berlin, were those of UTC",
        ),
        (
            {"model": "flat", "price": 5, "currency": "EUR", "credits": {"uptime": "10%"}},
            {"model": "flat", "price": 5, "currency": "EUR", "credits": {"uptime": "5%"}},
            ".credits.uptime",
            "breaking",
            "5%, was 10%",
        ),
        (
            {"model": "flat", "price": 5, "currency": "EUR"},
            {"model": "flat", "price": 5, "currency": "EUR", "credits": {"uptime": "5%"}},
            ".credits.uptime",
            "compatible",
            "5% is promised, nothing was",
        ),
        (
            {"model": "free", "price": 5},
            None,
            "",
            "documentation",
            "no billing, was free: consumption is free before and after",
        ),
        ({"model": "free", "price": 5}, {"model": "flat", "price": 5}, "", "breaking", "5 (flat), was free"),
        (
            {"model": "flat", "price": 5},
            {"model": "flat", "price": 4.5},
            ".price",
            "compatible",
            "4.5 (flat), was 5 (flat)",
        ),
    ],
)
def test_a_price_is_compared_by_its_unit_and_free_consumption_has_none(
    before: dict[str, Any], after: dict[str, Any] | None, place: str, kind: str, message: str
) -> None:
    """Mutants of the price survived: a free port with a price, and prices without a currency or a unit."""
    was, now = ({"set": {"contract.terms.billing": billing}} for billing in (before, after))
    [change] = diff_port(promise(edited(was)), promise(edited(now))).changes
    assert (change.place, change.kind, change.message) == (f"contract.terms.billing{place}", kind, message)


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ({"mustBeLessThan": 6}, "loosened: passes where it failed"),
        ({"mustBeLessThan": 5, "severity": "warning"}, "loosened: a failure weighs less"),
    ],
)
def test_a_loosened_test_names_another_that_is_as_strict(rule: dict[str, Any], change: str) -> None:
    few_empty, *others = DOCUMENT["base"]["contract"]["quality"]
    weaker = {"name": few_empty["name"], "metric": "nullValues", "model": "flight", "property": "seats", **rule}
    before = promise(DOCUMENT["base"])
    [lost] = diff_port(before, promise(edited({"set": {"contract.quality": [weaker, *others]}}))).changes
    assert (lost.kind, lost.message) == ("breaking", change)
    covered = [weaker, {**few_empty, "name": "as-strict"}, *others]
    changes = diff_port(before, promise(edited({"set": {"contract.quality": covered}}))).changes
    [kept] = [each for each in changes if each.place == lost.place]
    assert (kept.kind, kept.message) == ("documentation", f"{change}; another is as strict")


@pytest.mark.parametrize(
    ("before", "after", "kind", "message"),
    [
        ({"requests": "10000/day"}, {"requests": "20000/day"}, "compatible", "20,000 a day, was 10,000 a day"),
        ({"requests": "10000/day"}, {"requests": "9999/day"}, "breaking", "9,999 a day, was 10,000 a day"),
        ({"requests": "10000/day"}, {"requests": "999999/month"}, "breaking", "999,999 a month, was 10,000 a day"),
        ({}, {"requests": "10/hour"}, "breaking", "10 an hour, was unlimited"),
        ({"requests": "10/hour"}, {}, "compatible", "unlimited"),
    ],
)
def test_a_usage_limit_is_compared_in_its_period(
    before: dict[str, Any], after: dict[str, Any], kind: str, message: str
) -> None:
    (found,) = diff_port(limited(before), limited(after)).changes

    assert (found.kind, found.message) == (kind, message)


def test_the_same_size_in_another_unit_is_no_change() -> None:
    assert diff_port(limited({"bytes": "5GB/day"}), limited({"bytes": "5000 MB/day"})).changes == ()


def limited(limits: dict[str, Any]) -> PromisedPort:
    contract = Contract.model_validate({"version": "1.0.0", "terms": {"limits": limits}})
    return PromisedPort(contract, {}, ("sql",))
