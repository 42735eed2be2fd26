"""A misspelt key inside a port or property is reported before a policy is evaluated."""

from __future__ import annotations

from pathlib import Path

import pytest

from alchemesh_platform.base.problems import ProblemsFound
from alchemesh_platform.policies.keys import misspelt_keys
from alchemesh_platform.policies.load import load_policies
from alchemesh_platform.policies.models import Scope
from tests.policies.writing import POLICY, write


@pytest.mark.parametrize(
    ("text", "scope", "key", "meant"),
    [
        ("has(port.contarct)", Scope.OUTPUT_PORT, "contarct", "'contract'"),
        ("has(port.contract.terms.notice_periode)", Scope.OUTPUT_PORT, "notice_periode", "'notice_period'"),
        ("has(port.from.data_prodct)", Scope.INPUT_PORT, "data_prodct", "'data_product'"),
        ("port.storage.components == 'x'", Scope.OUTPUT_PORT, "components", "'component'"),
        ("model.entty.startsWith('x')", Scope.MODEL, "entty", "'entity'"),
        ("property.clasification == 'secret'", Scope.PROPERTY, "clasification", "'classification'"),
        ("component.maturty == 'beta'", Scope.COMPONENT, "maturty", "'maturity'"),
        ("properties.exists(each, has(each.clasification))", Scope.OUTPUT_PORT, "clasification", "'classification'"),
        ("product.output_ports.all(p, has(p.contrct))", Scope.PRODUCT, "contrct", "'contract'"),
        ("plan.storage.all( c, c.matur == 'x')", Scope.PRODUCT, "matur", "'maturity'"),
    ],
)
def test_a_misspelt_key_is_reported_with_the_intended_key(text: str, scope: Scope, key: str, meant: str) -> None:
    ((found, hint),) = misspelt_keys(text, scope)
    assert found == key
    assert meant in (hint or "")


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("port.name.matches('port.nothing') && port.contract.version != \"it's port.no\"", Scope.OUTPUT_PORT),
        ("port.storage.args.partition_by.deep == 'x'", Scope.OUTPUT_PORT),
        ("port.from.data_product == 'a/b' || port.from.source_system == 'c'", Scope.INPUT_PORT),
        ("property.model == 'flight' && property.items.type == 'string'", Scope.PROPERTY),
        ("model.name == model.entity && model.properties.flight_id.key", Scope.MODEL),
        ("component.port.startsWith('x') && component.args.anything == 1", Scope.COMPONENT),
        ("product.input_ports.all(p, has(p.from)) && product.output_ports.all(p, has(p.contract))", Scope.PRODUCT),
        ("product.models.all(name, product.models[name].anything == 1)", Scope.PRODUCT),
        ("product.name.startsWith(domain.name)", Scope.PRODUCT),
    ],
)
def test_keys_that_can_exist_are_not_reported(text: str, scope: Scope) -> None:
    assert list(misspelt_keys(text, scope)) == []


def test_a_misspelt_key_is_a_problem_of_its_expression(tmp_path: Path) -> None:
    text = POLICY.replace("product.name.startsWith('ac-')", "product.output_ports.all(p, has(p.contarct))")
    with pytest.raises(ProblemsFound) as found:
        load_policies([write(tmp_path, "policy.yaml", text)])
    (problem,) = found.value.problems
    assert (problem.location.line, problem.path) == (7, "require")
    assert "'contarct'" in problem.message
