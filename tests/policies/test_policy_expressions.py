"""The language of expressions, unknown values, and failures."""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from alchemesh_platform.policies.expression import (
    ITERATIONS_MAX,
    EvaluationFailed,
    NotKnown,
    WrongExpression,
    bind,
    compiled,
)
from alchemesh_platform.policies.models import Outcome, Scope
from alchemesh_platform.policies.variables import VARIABLES
from tests.policies.writing import FLIGHT, facts, one, policy, port

ROOT = Path(__file__).parents[2]
DURATIONS = {"version": "1.0.0", "service_levels": {"response_time": "300ms", "uptime": "99.5%"}}


def holds(text: str, scope: Scope = Scope.PRODUCT, **values: Any) -> bool:
    return compiled(text, scope).holds(bind(scope, {name.replace("__", "."): value for name, value in values.items()}))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("product.lifecycle == 'stable' || domain.type == 'aggregated'", True),
        ("domain.type == 'aggregated' || product.lifecycle == 'stable'", True),
        ("domain.type == 'aggregated' && product.lifecycle == 'discovery'", False),
        ("product.source_systems.exists(one, one == 'dispatch' || one == environment)", True),
        ("product.lifecycle == 'stable' ? true : environment == 'prod'", True),
    ],
)
def test_an_unknown_value_is_ignored_when_the_rest_decides(text: str, expected: bool) -> None:
    known = {"product__lifecycle": "stable", "product__source_systems": ["registers", "dispatch"]}
    assert holds(text, **known) is expected


@pytest.mark.parametrize(
    ("text", "variable"),
    [
        ("product.lifecycle == 'stable' && domain.type == 'aggregated'", "domain.type"),
        ("environment == 'prod'", "environment"),
        ("environment in ['prod', 'test']", "environment"),
        ("plan.storage.all(each, each.stateful)", "plan"),
        ("size(plan['code']) == 0", "plan"),
    ],
)
def test_an_unknown_value_is_named_when_it_decides(text: str, variable: str) -> None:
    with pytest.raises(NotKnown) as unknown:
        holds(text, product__lifecycle="stable")
    assert unknown.value.variable == variable


@pytest.mark.parametrize("scope", Scope)
def test_every_unknown_variable_of_a_scope_is_reported_by_name(scope: Scope) -> None:
    for name in VARIABLES[scope]:
        with pytest.raises(NotKnown) as unknown:
            holds(f"dyn({name}) == 1", scope)
        assert unknown.value.variable == name


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("product.code.args.schedule == 'x'", "there is no key 'schedule'; check with has() first"),
        ("product.code.component.name == 'x'", "it reads a key of a value without keys"),
        ("product.code.args.retries + 'a' == 'b'", "no matching overloads found: +(int64, string)"),
        ("product.code.args.retries / 0 == 1", "divide by zero"),
        ("product.code.args.retries + 9223372036854775807 > 0", "integer overflow"),
        ("product.code.args", "it gave a map"),
        ("product.code.component", "it gave a text, expected true or false"),
        ("product.code.args.retries", "it gave a whole number, expected true or false"),
        ("product.code.args.nothing", "it gave nothing (null), expected true or false"),
        ("product.source_systems[3] == 'x'", "index error: index=3 size=1"),
        ("duration(product.name) > duration('1h')", "conversion failed"),
    ],
)
def test_a_failing_expression_gives_its_reason(text: str, message: str) -> None:
    values = {
        "product__name": "flights",
        "product__source_systems": ["dispatch"],
        "product__code": {"component": "python-job", "args": {"retries": 3, "nothing": None}},
    }
    with pytest.raises(EvaluationFailed, match=r"^[^A-Z]") as failed:
        holds(text, **values)
    assert message in str(failed.value)


def test_an_invalid_pattern_fails() -> None:
    with pytest.raises(EvaluationFailed, match="invalid regular expression"):
        holds("product.name.matches('[')", product__name="flights")


def test_a_runaway_expression_is_stopped_early() -> None:
    numbers = [str(number) for number in range(100)]
    text = (
        "product.source_systems.all(a, product.source_systems.all(b, product.source_systems.all(c, a + b + c != '')))"
    )
    begin = time.process_time()  # other load of the machine does not count
    with pytest.raises(EvaluationFailed, match=f"more than {ITERATIONS_MAX:,} times"):
        holds(text, product__source_systems=numbers)
    assert time.process_time() - begin < 5


def test_loops_are_allowed_up_to_the_bound() -> None:
    few = [str(number) for number in range(ITERATIONS_MAX - 1)]
    assert holds("product.source_systems.all(each, each != '')", product__source_systems=few)
    with pytest.raises(EvaluationFailed):
        holds("product.source_systems.all(each, each != '')", product__source_systems=[*few, *few])


@pytest.mark.parametrize(
    "text", ["(" * 5000, "!" * 100_000 + "true", " + ".join(["1"] * 20_000), "[" * 2000 + "]" * 2000]
)
def test_an_expression_that_is_too_long_or_too_deep_is_refused(text: str) -> None:
    with pytest.raises(WrongExpression, match="this is not CEL"):
        compiled(text, Scope.PRODUCT)


@pytest.mark.parametrize(
    ("text", "product"),
    [
        ("port.name == 'flights-table' && port.models == ['flight']", {}),
        ("!has(port.contract) && !has(port.proxy) && port.description == ''", {}),
        ("duration(port.contract.service_levels.response_time) < duration('1s')", {"contract": DURATIONS}),
        ("port.contract.service_levels.uptime > 99", {"contract": DURATIONS}),
        ("port.contract.lifecycle == 'draft' && port.contract.access == 'restricted'", {"contract": DURATIONS}),
        ("!has(port.contract.terms.notice_period)", {"contract": DURATIONS}),
        ("properties.map(property, property.name) == ['flight_id']", {}),
        ("domain.name == product.domain && product.address == 'example/example'", {}),
    ],
)
def test_an_expression_sees_a_port_as_in_the_manifest(text: str, product: dict[str, Any]) -> None:
    known = facts({"models": FLIGHT, "output_ports": [port("flights-table", **product)]})
    assert one(policy(text, applies_to="output_port"), known).outcome is Outcome.PASSED


@pytest.mark.parametrize(
    "text",
    [
        "product.input_ports.all(port, port.component == 'file-ingestion' && port.from.source_system == 'dispatch')",
        "product.models.all(name, product.models[name].properties.flight_id.key)",
        "product.output_ports.size() == 1 && product.infrastructure[0].args.retention == '7d'",
        "product.code != null && product.code.args.entrypoint == 'a:b'",
        "properties.exists(property, property.model == 'flight' && property.name == 'flight_id')",
    ],
)
def test_an_expression_sees_a_product_as_in_the_manifest(text: str) -> None:
    known = facts(
        {
            "source_systems": ["dispatch"],
            "models": FLIGHT,
            "input_ports": [{"name": "in", "from": {"source_system": "dispatch"}, "component": "file-ingestion"}],
            "output_ports": [port("flights-table")],
            "infrastructure": [{"name": "space", "component": "object-storage", "args": {"retention": "7d"}}],
            "code": {"component": "python-job", "args": {"entrypoint": "a:b"}},
        }
    )
    assert one(policy(text), known).outcome is Outcome.PASSED


def test_expressions_serve_several_threads() -> None:
    def ask(number: int) -> bool:
        text = f"product.source_systems.all(each, each.matches('^a+$')) && size(product.name) == {number % 7}"
        return holds(text, product__name="n" * (number % 7), product__source_systems=["a" * (number % 5 + 1)])

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(ask, range(2000)))


IMPORTS = """
import sys
import alchemesh_platform.policies.cases, alchemesh_platform.policies.evaluate as evaluate
assert not [name for name in sys.modules if name.startswith("cel_expr_python")], "imported before it is needed"
from alchemesh_platform.policies.load import shipped_policies
from tests.policies.writing import facts
results = evaluate.evaluate(shipped_policies(), facts({}, domain_type="source_aligned"))
assert len(results) == len(shipped_policies())
heavy = {"google.protobuf.descriptor_pool", "pulumi", "grpc", "sqlalchemy"} & sys.modules.keys()
assert not heavy, heavy
import google.protobuf.descriptor_pool  # nothing of what kept it away is left
"""
TOGETHER = """
import pulumi, grpc, google.protobuf.descriptor_pool
from alchemesh_platform.policies.evaluate import evaluate
from alchemesh_platform.policies.load import shipped_policies
from tests.policies.writing import facts
results = evaluate(shipped_policies(), facts({}, domain_type="source_aligned"))
violated = [result.policy for result in results if result.outcome == "violated"]
assert violated == ["source-aligned-source-system"], results
assert not [result for result in results if result.outcome == "error"], results
"""


@pytest.mark.parametrize("code", [IMPORTS, TOGETHER], ids=["without protobuf", "beside pulumi"])
def test_policies_need_no_heavy_import_and_work_with_one(code: str) -> None:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.timeout(60)
@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|a)*b", "(.*)*x"])
def test_a_catastrophic_pattern_of_a_policy_is_matched_in_bounded_time(pattern: str) -> None:
    assert holds(f"product.name.matches('^{pattern}$')", product__name="a" * 40_000) is False


def test_the_help_of_a_port_says_how_a_span_of_time_and_a_percentage_are_written() -> None:
    """`policy show` once said: as the manifest writes it. The value of 30d is another text."""
    from datetime import timedelta

    from alchemesh_platform.policies.facts import plain
    from alchemesh_platform.policies.models import Scope
    from alchemesh_platform.policies.variables import VARIABLES

    about = VARIABLES[Scope.OUTPUT_PORT]["port"].description
    assert f"30d is '{plain(timedelta(days=30))}'" in about
    assert "99.5% is 99.5" in about
