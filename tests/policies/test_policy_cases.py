"""Recorded cases: their inputs, and the report of a failing case."""

from __future__ import annotations

from pathlib import Path

from alchemesh_platform.policies.cases import CaseResult, run_cases
from alchemesh_platform.policies.load import load_policies
from alchemesh_platform.policies.models import Outcome
from tests.policies.writing import POLICY, write

PLANNED = """\
kind: Policy
name: our-components
owner: governance
description: Production keeps its data on components that are stable.
when: environment == 'prod'
require: plan.storage.all(component, component.maturity == 'stable') && plan.proxy.size() == 0
effect: deny
message: a storage is not stable
hint: take another
cases:
"""


def ran(folder: Path, text: str) -> list[CaseResult]:
    (loaded,) = load_policies([write(folder, "policy.yaml", text)])
    return run_cases(loaded)


def test_cases_are_reported_in_file_order(tmp_path: Path) -> None:
    results = ran(tmp_path, POLICY)
    assert [(case.case, case.got, case.as_expected) for case in results] == [
        ("a name of ours", Outcome.PASSED, True),
        ("another name", Outcome.VIOLATED, True),
    ]


def test_a_failing_case_is_reported_at_its_line(tmp_path: Path) -> None:
    _, case = ran(tmp_path, POLICY.replace("expect: violated", "expect: passed"))
    assert not case.as_expected
    assert (case.expected, case.got) == (Outcome.PASSED, Outcome.VIOLATED)
    assert case.location.line == 16
    assert case.message == "the name does not begin with ac-"


def test_values_that_a_case_omits_are_unknown(tmp_path: Path) -> None:
    cases = (
        "  - {name: all is known, given: {environment: prod, components: [{maturity: stable}]}, expect: passed}\n"
        "  - {name: no plan, given: {environment: prod}, expect: not_evaluated}\n"
        "  - {name: no environment, given: {components: []}, expect: not_evaluated}\n"
        "  - {name: elsewhere, given: {environment: local}, expect: not_applicable}\n"
        "  - {name: beta, given: {environment: prod, components: [{maturity: beta}]}, expect: violated}\n"
        "  - {name: a proxy, given: {environment: prod, components: [{role: proxy}]}, expect: violated}\n"
    )
    assert [case.case for case in ran(tmp_path, PLANNED + cases) if not case.as_expected] == []


def test_a_case_can_name_the_expected_places(tmp_path: Path) -> None:
    text = POLICY.replace("applies_to: product", "applies_to: model")
    text = text.replace("product.name.startsWith", "model.name.startsWith").partition("cases:")[0]
    text = text.replace("'ac-'", "'ac_'")
    models = "{ac_a: {properties: {x: {type: string}}}, b: {properties: {x: {type: string}}}}"
    given = f"given: {{product: {{lifecycle: stable, models: {models}}}}}, expect: violated"
    cases = f"  - {{name: right, {given}, at: [models.b]}}\n  - {{name: wrong, {given}, at: [models.ac_a]}}\n"
    right, wrong = ran(tmp_path, f"{text}cases:\n{cases}")
    assert right.as_expected
    assert (wrong.as_expected, wrong.at) == (False, ("models.b",))


def test_an_error_in_one_place_outweighs_the_other_results(tmp_path: Path) -> None:
    text = POLICY.replace("applies_to: product", "applies_to: output_port").partition("cases:")[0]
    text = text.replace("product.name.startsWith('ac-')", "port.contract.version == '1.0.0'")
    first = "{name: a, models: [m], storage: {component: x}, contract: {version: 2.0.0}}"
    second = "{name: b, models: [m], storage: {component: x}}"
    models = "{m: {properties: {x: {type: string}}}}"
    product = f"{{lifecycle: stable, models: {models}, output_ports: [{first}, {second}]}}"
    (case,) = ran(tmp_path, f"{text}cases:\n  - {{name: both, given: {{product: {product}}}, expect: error}}\n")
    assert case.as_expected
    assert case.at == ("output_ports[1]",)


def test_a_policy_without_cases_has_no_results(tmp_path: Path) -> None:
    assert ran(tmp_path, POLICY.partition("cases:")[0]) == []
