"""The example products, checked against the shipped policies and against broken promises."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from alchemesh_platform.base.packages.reference import load_reference
from alchemesh_platform.compose.compose import compose
from alchemesh_platform.compose.plan import Plan
from alchemesh_platform.manifest.load import LoadedManifest, load_manifest
from alchemesh_platform.platform_file.load import load_platform
from alchemesh_platform.policies.evaluate import policies_for
from alchemesh_platform.policies.load import shipped_policies
from alchemesh_platform.policies.models import Outcome
from alchemesh_platform.policies.results import PolicyResult, unanswered, value_score
from alchemesh_platform.sdk.spec import ComponentSpec
from tests.policies.writing import policy

ROOT = Path(__file__).parents[2]
DOMAINS = {"flights": "source_aligned", "punctuality": "consumer_aligned"}


def manifest(name: str) -> LoadedManifest:
    return load_manifest(ROOT / "examples" / name / "alchemesh.yaml", "local")


def plan(loaded: LoadedManifest, home: Path) -> Plan:
    references = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["alchemesh.components"]
    catalog = {name: cast("ComponentSpec", load_reference(reference)) for name, reference in references.items()}
    return compose(loaded, load_platform(None, "local", home), catalog)


def by_policy(results: list[PolicyResult]) -> dict[str, Outcome]:
    assert len({result.policy for result in results}) == len(results)
    return {result.policy: result.outcome for result in results}


@pytest.mark.parametrize("name", DOMAINS)
def test_an_example_breaks_no_policy_that_denies_or_devalues(name: str, tmp_path: Path) -> None:
    loaded = manifest(name)
    results = policies_for(loaded, shipped_policies(), plan=plan(loaded, tmp_path), domain_type=DOMAINS[name])
    assert not [result for result in results if result.forbids]
    assert not [result for result in results if result.outcome in {Outcome.ERROR, Outcome.NOT_EVALUATED}]
    assert value_score(results).value == 100


def test_a_policy_does_not_pass_on_values_unknown_without_plan_and_registry() -> None:
    results = policies_for(manifest("flights"), shipped_policies())
    assert unanswered(results) == {
        "domain.type is not known here": ("consumer-aligned-input", "source-aligned-source-system"),
        "component is not known here": ("stable-components",),
    }


def test_a_product_in_the_wrong_domain_is_devalued_at_its_line() -> None:
    results = policies_for(manifest("punctuality"), shipped_policies(), domain_type="source_aligned")
    (broken,) = [result for result in results if result.policy == "source-aligned-source-system"]
    assert broken.outcome is Outcome.VIOLATED
    (problem,) = broken.problems()
    assert (Path(problem.location.file).name, problem.severity) == ("alchemesh.yaml", "warning")
    score = value_score(results)
    assert (score.value, [deduction.policy for deduction in score.deductions]) == (70, ["source-aligned-source-system"])


CHANGES: dict[str, tuple[Callable[[str], str], str, str]] = {
    "a contract goes": (
        lambda text: text.partition("    contract:\n      version: 2.0.0")[0],
        "stable-contract",
        "output_ports[0]",
    ),
    "access is opened": (
        lambda text: text.replace("access: restricted", "access: public").replace(
            "      carrier:\n        type: string\n",
            "      carrier:\n        type: string\n        classification: secret\n",
            1,
        ),
        "classified-restricted",
        "output_ports[0]",
    ),
}


@pytest.mark.parametrize(("change", "name", "path"), CHANGES.values(), ids=CHANGES)
def test_a_broken_promise_is_refused_at_the_line_of_the_port(
    change: Callable[[str], str], name: str, path: str, tmp_path: Path
) -> None:
    text = (ROOT / "examples" / "flights" / "alchemesh.yaml").read_text()
    changed = tmp_path / "alchemesh.yaml"
    changed.write_text(change(text))
    assert changed.read_text() != text
    results = policies_for(load_manifest(changed), shipped_policies(), domain_type="source_aligned")
    (refusal,) = [result for result in results if result.forbids]
    assert refusal.policy == name
    (problem,) = refusal.problems()
    lines = changed.read_text().splitlines()
    assert (problem.path, problem.severity) == (path, "error")
    assert lines[problem.location.line - 1] == "  - name: flights-table"


def test_components_are_seen_by_role_with_their_arguments(tmp_path: Path) -> None:
    loaded = manifest("flights")
    asked = [
        policy("plan.input_port.size() == 4 && plan.input_port.all(one, one.type == 'file-ingestion')", name="inputs"),
        policy("plan.code[0].args.schedule == '15 5 * * *' && plan.code[0].port == 'code'", name="code"),
        policy("plan.infrastructure.all(one, one.stateful)", name="needs"),
        policy("plan.storage.size() == 2 && plan.proxy.map(one, one.name) == ['postgresql-serving']", name="outputs"),
        policy("environment == 'local'", name="environment"),
        policy("component.role != 'proxy'", name="places", applies_to="component"),
    ]
    results = policies_for(loaded, asked, plan=plan(loaded, tmp_path))
    assert by_policy(results) == {one.name: Outcome.PASSED for one in asked} | {"places": Outcome.VIOLATED}
    (place,) = results[-1].places
    assert place.path == "output_ports[0].proxy"
    assert place.location.line > 1


def test_every_place_of_an_example_has_a_line_of_its_own() -> None:
    (result,) = policies_for(manifest("flights"), [policy("false", applies_to="property")])
    lines = [place.location.line for place in result.places]
    assert lines == sorted(set(lines))
    assert len(lines) > 50
