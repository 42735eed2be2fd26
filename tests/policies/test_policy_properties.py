"""Every policy gives an answer or a typed error for every input, and never passes by accident."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alchemesh_platform.base.problems import Problem
from alchemesh_platform.documents.document import node_of
from alchemesh_platform.policies.evaluate import evaluate
from alchemesh_platform.policies.expression import (
    EvaluationFailed,
    NotKnown,
    WrongExpression,
    bind,
    compiled,
)
from alchemesh_platform.policies.load import check_policy
from alchemesh_platform.policies.models import Outcome, Scope
from alchemesh_platform.policies.results import value_score
from alchemesh_platform.policies.variables import VARIABLES
from tests.lanes import examples
from tests.policies.writing import facts, policy, port

PROFILE = settings(max_examples=examples(150), deadline=None, suppress_health_check=[HealthCheck.too_slow])

NAMES = sorted({name for variables in VARIABLES.values() for name in variables})
ATOMS = st.sampled_from(
    [*NAMES, "true", "false", "null", "1", "2.5", "''", "'stable'", "[]", "[1]", "{}", "{'a': 1}", "x"]
)


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    operators = st.sampled_from(["==", "!=", "<", ">=", "&&", "||", "+", "-", "*", "/", "%", "in"])
    return st.one_of(
        st.builds("({} {} {})".format, inner, operators, inner),
        st.builds("!{}".format, inner),
        st.builds("({} ? {} : {})".format, inner, inner, inner),
        st.builds("{}.{}".format, inner, st.sampled_from(["name", "contract", "x", "size()", "matches('a')"])),
        st.builds("{}[{}]".format, inner, inner),
        st.builds("has({}.{})".format, inner, st.sampled_from(["name", "contract"])),
        st.builds("{}.{}(x, {})".format, inner, st.sampled_from(["all", "exists", "map", "filter"]), inner),
        st.builds("{}({})".format, st.sampled_from(["size", "string", "int", "duration", "dyn"]), inner),
    )


EXPRESSIONS = st.one_of(st.recursive(ATOMS, _larger, max_leaves=6), st.text(max_size=40))
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=10)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=8,
)
IDENTIFIERS = st.sampled_from(["flight", "airport", "carrier", "name"])
PROPERTIES = st.dictionaries(
    IDENTIFIERS,
    st.fixed_dictionaries(
        {"type": st.sampled_from(["string", "array", "object"])},
        optional={
            "key": st.booleans(),
            "description": st.text(max_size=5),
            "classification": st.sampled_from(["public", "internal", "secret", ""]),
            "properties": st.just({"part": {"type": "string", "classification": "secret"}}),
            "items": st.just({"type": "object", "properties": {"part": {"type": "string"}}}),
        },
    ),
    min_size=1,
    max_size=3,
)
CONTRACTS = st.fixed_dictionaries(
    {"version": st.just("1.0.0")},
    optional={
        "access": st.sampled_from(["restricted", "internal", "public"]),
        "lifecycle": st.sampled_from(["draft", "active"]),
        "terms": st.fixed_dictionaries({}, optional={"notice_period": st.sampled_from(["0d", "30d", "36500d"])}),
    },
)
PRODUCTS = st.fixed_dictionaries(
    {"models": st.dictionaries(IDENTIFIERS, st.fixed_dictionaries({"properties": PROPERTIES}), max_size=2)},
    optional={
        "lifecycle": st.sampled_from(["development", "discovery", "stable", "decommissioned"]),
        "description": st.text(max_size=10),
        "source_systems": st.lists(st.sampled_from(["dispatch", "registers"]), max_size=2),
        "code": st.fixed_dictionaries({"component": st.just("python-job"), "args": st.dictionaries(st.text(), VALUES)}),
        "output_ports": st.lists(
            st.one_of(st.just(port("a-table")), st.builds(lambda contract: port("b", contract=contract), CONTRACTS)),
            max_size=3,
        ),
    },
)
KNOWN = st.fixed_dictionaries(
    {},
    optional={
        "domain_type": st.sampled_from(["source_aligned", "aggregated", "consumer_aligned"]),
        "environment": st.sampled_from(["local", "prod"]),
        "components": st.just(()),
    },
)


@PROFILE
@given(text=EXPRESSIONS, scope=st.sampled_from(list(Scope)), values=st.dictionaries(st.sampled_from(NAMES), VALUES))
def test_an_expression_gives_an_answer_or_a_typed_error(text: str, scope: Scope, values: dict[str, Any]) -> None:
    try:
        expression = compiled(text, scope)
    except WrongExpression as wrong:
        assert wrong.message
        return
    try:
        answer = expression.holds(bind(scope, values))
    except NotKnown as unknown:
        assert unknown.variable not in values
    except EvaluationFailed as failed:
        assert str(failed)
    else:
        assert answer is True or answer is False


@PROFILE
@given(
    require=EXPRESSIONS,
    when=st.none() | EXPRESSIONS,
    scope=st.sampled_from(list(Scope)),
    effect=st.sampled_from(["deny", "warn", "devalue"]),
    product=PRODUCTS,
    known=KNOWN,
)
def test_a_policy_has_a_result_for_every_input(
    require: str, when: str | None, scope: Scope, effect: str, product: dict[str, Any], known: dict[str, Any]
) -> None:
    asked = policy(require, when=when, applies_to=scope, effect=effect, points=10 if effect == "devalue" else None)
    results = evaluate([asked], facts(product, **known))
    assert results
    for result in results:
        json.dumps(result.as_json())
        assert bool(result.places) == bool(result.message)
        assert (result.outcome in {Outcome.PASSED, Outcome.NOT_APPLICABLE}) == (not result.message)
        assert (result.outcome is Outcome.VIOLATED and effect == "devalue") == (result.points == 10)
    violated = any(result.outcome is Outcome.VIOLATED for result in results)
    assert value_score(results).value == (90 if violated and effect == "devalue" else 100)


@PROFILE
@given(product=PRODUCTS, known=KNOWN)
def test_the_negation_of_a_policy_passes_exactly_where_it_is_violated(
    product: dict[str, Any], known: dict[str, Any]
) -> None:
    texts = ["has(port.contract)", "domain.type == 'aggregated'", "port.contract.access == 'public'"]
    for text in texts:
        policies = [
            policy(text, applies_to="output_port"),
            policy(f"!({text})", name="other", applies_to="output_port"),
        ]
        results = evaluate(policies, facts(product, **known))
        reported = {
            name: {
                place.path
                for result in results
                if result.policy == name and result.outcome is Outcome.VIOLATED
                for place in result.places
            }
            for name in ("our-rule", "other")
        }
        assert not reported["our-rule"] & reported["other"]
        without_answer = [
            {
                place.path
                for result in results
                if result.policy == name and result.outcome in {Outcome.ERROR, Outcome.NOT_EVALUATED}
                for place in result.places
            }
            for name in ("our-rule", "other")
        ]
        assert without_answer[0] == without_answer[1]
        ports = {f"output_ports[{index}]" for index in range(len(product.get("output_ports", ())))}
        assert reported["our-rule"] | reported["other"] | without_answer[0] == ports


KEYS = st.sampled_from(["kind", "name", "require", "when", "effect", "points", "cases", "applies_to", "given", "x"])
DOCUMENTS = st.dictionaries(
    KEYS,
    st.one_of(
        VALUES,
        EXPRESSIONS,
        st.sampled_from(["Policy", "deny", "devalue", "model"]),
        st.lists(st.dictionaries(st.sampled_from(["name", "given", "expect", "at"]), VALUES | PRODUCTS), max_size=2),
    ),
)


@PROFILE
@given(document=DOCUMENTS)
def test_a_document_is_a_policy_or_has_problems(document: dict[str, Any]) -> None:
    found, problems = check_policy(node_of(document, "policy.yaml"))
    assert (found is None) == bool(problems)
    assert all(isinstance(problem, Problem) and problem.message for problem in problems)
