"""Every shipped policy gives the expected result on each of its recorded cases."""

from __future__ import annotations

import pytest

from alchemesh_platform.policies.cases import CaseResult, run_cases
from alchemesh_platform.policies.given import PolicyFile
from alchemesh_platform.policies.load import SHIPPED, LoadedPolicy, load_policies, shipped_policies
from alchemesh_platform.policies.models import Effect, Outcome

LOADED = {loaded.policy.name: loaded for loaded in load_policies([SHIPPED])}
CASES = {f"{name}: {case.case}": case for name, loaded in LOADED.items() for case in run_cases(loaded)}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_recorded_case_passes(case: CaseResult) -> None:
    assert case.as_expected, f"{case.location}: {case.got} at {case.at}: {case.message}"


@pytest.mark.parametrize("loaded", LOADED.values(), ids=LOADED)
def test_a_policy_has_passing_violating_and_not_applicable_cases(loaded: LoadedPolicy) -> None:
    expected = {case.expect for case in loaded.policy.cases}
    assert {Outcome.PASSED, Outcome.VIOLATED} <= expected
    assert Outcome.NOT_APPLICABLE in expected or loaded.policy.when is None
    assert Outcome.ERROR not in expected


@pytest.mark.parametrize("loaded", LOADED.values(), ids=LOADED)
def test_a_policy_is_in_the_file_of_its_name(loaded: LoadedPolicy) -> None:
    assert loaded.path.name == f"{loaded.policy.name}.yaml"


@pytest.mark.parametrize("loaded", LOADED.values(), ids=LOADED)
def test_a_policy_that_reads_unknown_values_has_a_case_for_them(loaded: LoadedPolicy) -> None:
    expressions = f"{loaded.policy.when} {loaded.policy.require}"
    needs = any(name in expressions for name in ("domain.type", "environment", "plan", "component."))
    assert needs == (Outcome.NOT_EVALUATED in {case.expect for case in loaded.policy.cases})


def test_the_shipped_policies_are_those_of_the_files() -> None:
    shipped = {policy.name: PolicyFile.model_validate(policy.model_dump()) for policy in shipped_policies()}
    assert shipped == {name: loaded.policy for name, loaded in LOADED.items()}


def test_the_shipped_policies_deny_and_devalue_violations_of_mesh_essentials() -> None:
    effects = {name: loaded.policy.effect for name, loaded in LOADED.items()}
    assert {name for name, effect in effects.items() if effect is Effect.DENY} == {
        "apply-mesh",
        "change-of-owner",
        "classified-restricted",
        "operate-domain",
        "operate-platform",
        "operate-product",
        "stable-contract",
    }
    assert {name for name, effect in effects.items() if effect is Effect.DEVALUE} == {"source-aligned-source-system"}
