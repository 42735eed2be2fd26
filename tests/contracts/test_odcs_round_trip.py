"""Export to ODCS and import again: no value is lost, and the export is valid ODCS."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema.validators import Draft201909Validator

from alchemesh_platform.contracts.odcs.export import PortIdentity, export_odcs, odcs_text
from alchemesh_platform.contracts.odcs.import_contract import ImportedPort, import_odcs, manifest_text
from alchemesh_platform.contracts.odcs.yaml_text import yaml_text
from alchemesh_platform.contracts.port import PromisedPort, promised_port
from alchemesh_platform.documents.validate import validate
from alchemesh_platform.documents.yaml_source import parse
from alchemesh_platform.manifest.checks import check
from alchemesh_platform.manifest.load import load_manifest
from alchemesh_platform.manifest.models import Contract, DataProduct, SemanticModel
from tests.contracts.promises import promised_ports_with_contract
from tests.lanes import examples

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
IDENTITY = PortIdentity(
    "aviation", "flights", "flights-table", "Description of the outgoing data.", "flight-data", "amelia@airport.example"
)
HEADER = """\
kind: DataProduct
name: flights
domain: aviation
team: flight-data
owner: amelia@airport.example
version: 1.0.0
"""

thorough = settings(
    max_examples=examples(30), deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)


def exported(port: PromisedPort, identity: PortIdentity = IDENTITY) -> str:
    return odcs_text(export_odcs(port, identity))


def imported(text: str) -> ImportedPort:
    tree, problems = parse(text, "contract.odcs.yaml")
    assert problems == []
    return import_odcs(tree)


@cache
def validator() -> Any:
    schema = files("open_data_contract_standard").joinpath("schema.json")
    return Draft201909Validator(json.loads(schema.read_text("utf-8")))


def lint(text: str) -> list[str]:
    """The problems that `datacontract lint` reports for a file."""
    from datacontract.data_contract import DataContract

    run = DataContract(data_contract_str=text, all_errors=True).lint()
    return [f"{one.name}: {one.reason}" for one in run.checks if one.result not in {"passed", "warning"}]


@thorough
@given(promised_ports_with_contract())
def test_a_promise_survives_a_round_trip(port: PromisedPort) -> None:
    back = imported(exported(port))
    assert back.port == port
    assert list(back.port.models) == list(port.models)
    assert [list(model.properties) for model in back.port.models.values()] == [
        list(model.properties) for model in port.models.values()
    ]
    assert (back.name, back.description) == (IDENTITY.port, IDENTITY.description)
    assert back.problems == ()


@thorough
@given(promised_ports_with_contract())
def test_an_export_follows_the_schema_of_the_standard(port: PromisedPort) -> None:
    document = yaml.safe_load(exported(port))
    assert [error.message for error in validator().iter_errors(document)] == []
    assert document["apiVersion"] == "v3.2.0"


@pytest.mark.slow
@settings(thorough, max_examples=examples(10))
@given(promised_ports_with_contract())
def test_an_export_passes_datacontract_lint(port: PromisedPort) -> None:
    assert lint(exported(port)) == []


@thorough
@given(promised_ports_with_contract())
def test_an_import_can_be_pasted_into_a_manifest(port: PromisedPort) -> None:
    """A manifest with only this port cannot hold a relationship to a model of another port."""
    models = {
        name: model.model_copy(
            update={"relationships": tuple(each for each in model.relationships if refers(each, name, port))}
        )
        for name, model in port.models.items()
    }
    port = PromisedPort(port.contract, models, port.protocols)
    text = manifest_text(imported(exported(port)))
    tree, problems = parse(HEADER + text, "alchemesh.yaml")
    product, more = validate(tree, DataProduct)
    assert [str(problem) for problem in [*problems, *more, *check(tree)] if problem.severity == "error"] == []
    assert product is not None
    [output] = product.output_ports
    assert promised_port(product, output) == port


def refers(relationship: Any, model: str, port: PromisedPort) -> bool:
    target = port.models.get(relationship.to)
    return target is not None and set(relationship.properties.values()) <= set(target.properties)


ODD = """\
models:
  order:
    entity: ""
    properties:
      order_id: {type: integer, key: true, enum: []}
      shop_id: {type: integer, key: true}
      share: {type: number, enum: [1, 1.0, 2, 0.5]}
      rank: {type: string, enum: ["1", "no", "1e5", "~"]}
      lines: {type: array, items: {type: object, properties: {}}}
    relationships:
      - {to: parcel, description: Of another port., properties: {order_id: order_id}}
      - {to: shop, description: Where it was made., properties: {shop_id: shop_id}}
      - {to: shop}
  shop:
    properties:
      shop_id: {type: integer}
contract:
  version: 0.0.1
  access: public
  service_levels: {uptime: 99.99999%, update_frequency: 36h, response_time: 0ms}
  terms:
    usage: "line\n  another line \n"
    billing: {model: flat, price: 0, currency: EUR, per: 30d}
    notice_period: 0d
  quality:
    - {name: last, type: text, description: All is well., mustBe: 0}
    - {name: between, type: sql, query: SELECT 1, mustBeBetween: [3, 3]}
    - {name: outside, type: sql, query: SELECT 1, model: shop, mustNotBeBetween: [-1, -1]}
    - {name: invalid, metric: invalidValues, model: order, property: rank, unit: percent, mustBeLessThan: 0.5}
    - {name: text, type: sql, query: "SELECT '${table}'", mustNotBe: "no"}
    - {name: unknown-property, type: sql, query: SELECT 1, model: shop, property: gone, mustBe: 1}
"""

SHARES = ["1", "1.0", "2", "0.5"]  # 1 and 1.0 are equal to Python, and two values of a manifest's enum


def test_values_outside_the_standard_survive_a_round_trip() -> None:
    document = yaml.safe_load(ODD)
    port = PromisedPort(
        Contract.model_validate(document["contract"]),
        {name: SemanticModel.model_validate(model) for name, model in document["models"].items()},
        ("object-storage",),
    )
    text = exported(port)
    assert lint(text) == []
    back = imported(text)
    assert back.port == port
    assert back.problems == ()
    assert [str(value) for value in back.port.models["order"].properties["share"].enum or ()] == SHARES
    pasted = yaml.safe_load(manifest_text(back))["models"]["order"]["properties"]["share"]["enum"]
    assert [str(value) for value in pasted] == SHARES


@pytest.mark.slow
def test_the_examples_pass_datacontract_lint_and_survive_a_round_trip() -> None:
    products = [load_manifest(file).product for file in sorted(EXAMPLES.glob("*/alchemesh.yaml"))]
    ports = [(product, output) for product in products for output in product.output_ports]
    assert {output.name for _product, output in ports} >= {"flights-table", "punctuality-table"}
    for product, output in ports:
        port = promised_port(product, output)
        identity = PortIdentity(product.domain, product.name, output.name, output.description, product.team)
        text = exported(port, identity)
        assert lint(text) == []
        assert imported(text).port == port


@settings(max_examples=examples(150), deadline=None, database=None)
@given(
    st.one_of(
        st.text(st.characters(exclude_categories=("Cs",)), max_size=8),
        st.text("\n \r\x85\u2028ab:#-'\"|>{}", max_size=8),
        st.from_regex(r"[-+0-9._:eEonxyOX]{1,6}", fullmatch=True),
        st.floats(allow_nan=False, allow_infinity=False),
        st.integers(-(2**63) + 1, 2**63 - 1),
    )
)
def test_both_versions_of_yaml_read_the_export_the_same(value: Any) -> None:
    text = yaml_text({"key": [value]})
    tree, problems = parse(text, "any.yaml")
    assert problems == []
    assert not set(text) & set("\r\x85\u2028\u2029"), "line breaks of one version only are escaped"
    for read in (yaml.safe_load(text), tree.plain()):
        assert read == {"key": [value]}
        assert type(read["key"][0]) is type(value)
