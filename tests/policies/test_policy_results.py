"""The results of policies: forbidden, warned, devalued or open."""

from __future__ import annotations

import json

import pytest

from alchemesh_platform.policies.evaluate import evaluate
from alchemesh_platform.policies.models import Effect, Outcome
from alchemesh_platform.policies.results import Deduction, PolicyResult, value_score
from tests.policies.writing import FLIGHT, facts, one, policy, port

STABLE = {
    "lifecycle": "stable",
    "models": FLIGHT,
    "output_ports": [port("a-table"), port("b-table", contract={"version": "1.0.0"}), port("c-table")],
}


def result(outcome: Outcome, effect: Effect = Effect.DEVALUE, points: int = 0, name: str = "ours") -> PolicyResult:
    return PolicyResult(name, effect, outcome, "why", points=points)


def test_a_violated_policy_names_every_place_once() -> None:
    found = one(policy("has(port.contract)", applies_to="output_port"), facts(STABLE))
    assert (found.outcome, found.message, found.hint) == (Outcome.VIOLATED, "the rule is broken", "mend it")
    assert [place.path for place in found.places] == ["output_ports[0]", "output_ports[2]"]


def test_a_policy_without_a_matching_place_does_not_apply() -> None:
    assert one(policy("false", applies_to="input_port"), facts(STABLE)).outcome is Outcome.NOT_APPLICABLE


def test_a_policy_passes_when_one_place_passes_and_the_others_are_out_of_scope() -> None:
    asked = policy("true", applies_to="output_port", when="has(port.contract)")
    assert one(asked, facts(STABLE)).outcome is Outcome.PASSED


def test_a_policy_can_be_both_violated_and_failing() -> None:
    asked = policy("port.contract.version == '2.0.0'", applies_to="output_port", effect="deny")
    error, violated = evaluate([asked], facts(STABLE))
    assert (error.outcome, [place.path for place in error.places]) == (
        Outcome.ERROR,
        ["output_ports[0]", "output_ports[2]"],
    )
    assert error.message.startswith("require: there is no key 'contract'")
    assert "governance" in error.hint
    assert (violated.outcome, [place.path for place in violated.places]) == (Outcome.VIOLATED, ["output_ports[1]"])


def test_an_error_names_its_expression() -> None:
    assert one(policy("true", when="product.code.component == 'x'"), facts()).message == (
        "when: it reads a key of a value without keys"
    )


@pytest.mark.parametrize("text", ["product.lifecycel == 'x'", "product.name", "", "(", "port.name == 'x'", "\ud800"])
def test_an_expression_that_was_never_checked_is_an_error(text: str) -> None:
    """An older version may have written the policy to the registry."""
    found = one(policy(text, effect="deny"), facts())
    assert found.outcome is Outcome.ERROR
    assert found.message.startswith("require: ")
    assert found.forbids


def test_an_unknown_value_is_reported_with_its_source() -> None:
    found = one(policy("domain.type == 'aggregated'", effect="deny"), facts())
    assert (found.outcome, found.message) == (Outcome.NOT_EVALUATED, "domain.type is not known here")
    assert "registry" in found.hint
    assert not found.forbids
    assert one(policy("component.stateful", applies_to="component"), facts()).outcome is Outcome.NOT_EVALUATED


def test_results_come_in_the_order_of_the_policies() -> None:
    asked = [
        policy("true", name="one", applies_to="output_port"),
        policy("true", name="two"),
        policy("false", name="three", applies_to="model"),
        policy("true", name="four", applies_to="output_port"),
    ]
    assert [found.policy for found in evaluate(asked, facts(STABLE))] == ["one", "two", "three", "four"]


@pytest.mark.parametrize(
    ("effect", "outcome", "forbids", "severity"),
    [
        (Effect.DENY, Outcome.VIOLATED, True, "error"),
        (Effect.DENY, Outcome.ERROR, True, "error"),
        (Effect.DENY, Outcome.NOT_EVALUATED, False, None),
        (Effect.DENY, Outcome.PASSED, False, None),
        (Effect.WARN, Outcome.VIOLATED, False, "warning"),
        (Effect.WARN, Outcome.ERROR, False, "warning"),
        (Effect.DEVALUE, Outcome.VIOLATED, False, "warning"),
        (Effect.DEVALUE, Outcome.ERROR, False, "warning"),
        (Effect.DEVALUE, Outcome.NOT_APPLICABLE, False, None),
    ],
)
def test_only_a_denying_policy_forbids_and_a_failing_one_forbids_too(
    effect: Effect, outcome: Outcome, forbids: bool, severity: str | None
) -> None:
    require = {
        Outcome.VIOLATED: "false",
        Outcome.ERROR: "product.code.component == 'x'",
        Outcome.NOT_EVALUATED: "environment == 'prod'",
    }.get(outcome, "true")
    asked = policy(
        require,
        effect=effect,
        points=10 if effect is Effect.DEVALUE else None,
        when="false" if outcome is Outcome.NOT_APPLICABLE else None,
    )
    found = one(asked, facts())
    assert (found.outcome, found.forbids) == (outcome, forbids)
    assert [problem.severity for problem in found.problems()] == ([severity] if severity else [])


def test_a_problem_names_the_policy_the_place_and_the_fix() -> None:
    (problem,) = one(policy("model.description != ''", applies_to="model"), facts({"models": FLIGHT})).problems()
    assert (problem.location.file, problem.path) == ("alchemesh.yaml", "models.flight")
    assert (problem.message, problem.hint) == ("policy our-rule: the rule is broken", "mend it")


def test_a_result_is_plain_json() -> None:
    found = one(policy("has(port.contract)", applies_to="output_port"), facts(STABLE)).as_json()
    assert json.loads(json.dumps(found)) == found
    assert (found["outcome"], found["places"][1]["path"]) == ("violated", "output_ports[2]")


def test_the_value_score_is_a_hundred_minus_the_points_of_violated_policies() -> None:
    score = value_score([result(Outcome.VIOLATED, points=30), result(Outcome.PASSED, name="other")])
    assert score.value == 70
    assert score.deductions == (Deduction("ours", 30, "why"),)
    assert score.open == ()


def test_the_value_score_never_falls_below_zero() -> None:
    score = value_score([result(Outcome.VIOLATED, points=70), result(Outcome.VIOLATED, points=60, name="other")])
    assert score.value == 0
    assert len(score.deductions) == 2


def test_a_policy_takes_its_points_once_for_any_number_of_places() -> None:
    asked = policy("false", applies_to="output_port", effect="devalue", points=20)
    score = value_score(evaluate([asked], facts(STABLE)))
    assert score.value == 80


def test_denying_and_warning_policies_take_no_points() -> None:
    results = [result(Outcome.VIOLATED, Effect.DENY), result(Outcome.VIOLATED, Effect.WARN)]
    assert value_score(results).value == 100


@pytest.mark.parametrize("outcome", [Outcome.NOT_EVALUATED, Outcome.ERROR])
def test_a_devaluing_policy_without_an_answer_is_left_open(outcome: Outcome) -> None:
    score = value_score([result(outcome)])
    assert (score.value, score.open) == (100, ("ours",))


def test_a_policy_that_took_its_points_is_not_open_as_well() -> None:
    score = value_score([result(Outcome.ERROR), result(Outcome.VIOLATED, points=30)])
    assert (score.value, score.open) == (70, ())
