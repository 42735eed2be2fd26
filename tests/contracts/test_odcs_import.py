"""Contracts of other tools: the import takes the supported keys and reports all others."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from alchemesh_platform.base.problems import ProblemsFound
from alchemesh_platform.contracts.odcs.import_contract import ImportedPort, import_odcs, manifest_text
from alchemesh_platform.documents.yaml_source import parse

HEAD = """\
apiVersion: v3.1.0
kind: DataContract
id: 53581432-6c55-4ba2-a65f-72344a91553a
version: 1.1.0
status: active
"""
SCHEMA = """\
schema:
  - name: order
    properties:
      - {name: order_id, logicalType: string}
"""


def imported(text: str) -> ImportedPort:
    tree, problems = parse(text, "orders.odcs.yaml")
    assert problems == []
    return import_odcs(tree)


def reported(found: ImportedPort) -> list[str]:
    return [f"{one.location.line} {one.path}: {one.message}" for one in found.problems]


def refused(text: str) -> list[str]:
    with pytest.raises(ProblemsFound) as caught:
        imported(text)
    return [f"{one.location.line}:{one.location.column} {one.path}: {one.message}" for one in caught.value.problems]


def with_property(said: str, more: str = "") -> ImportedPort:
    return imported(f"{HEAD}schema:\n  - name: order\n    properties:\n      - {{name: kept, {said}}}\n{more}")


def with_rule(said: str) -> ImportedPort:
    return imported(
        HEAD
        + "schema:\n  - name: order\n    properties:\n      - name: state\n        logicalType: string\n"
        + f"        quality: [{{{said}}}]\n"
    )


def test_supported_keys_are_imported_without_a_warning() -> None:
    found = imported(
        HEAD
        + """\
name: orders
domain: seller
dataProduct: payments
description: {purpose: Orders of the shop., usage: Predict sales.}
team: {name: sellers, members: [{username: ada@shop.example, role: owner}]}
schema:
  - name: order
    description: One order.
    businessName: Sales order
    logicalType: object
    properties:
      - {name: order_id, logicalType: string, primaryKey: true, primaryKeyPosition: 1, required: true, unique: true}
      - {name: state, logicalType: string, enum: [{value: open}, {value: "no"}], classification: internal}
      - {name: code, logicalType: string, logicalTypeOptions: {pattern: "[A-Z]+"}, partitioned: false, tags: []}
      - name: lines
        logicalType: array
        items: {logicalType: object, properties: [{name: amount, logicalType: number}]}
    quality:
      - {name: enough, metric: rowCount, mustBeGreaterThan: 0}
slaProperties:
  - {property: availability, value: 99.9, unit: percent}
  - {property: frequency, value: 1, unit: days}
  - {property: latency, value: 4, unit: h}
"""
    )
    assert reported(found) == []
    document = yaml.safe_load(manifest_text(found))
    assert document["models"]["order"]["entity"] == "Sales order"
    assert document["models"]["order"]["properties"] == {
        "order_id": {"type": "string", "key": True, "required": True, "unique": True},
        "state": {"type": "string", "enum": ["open", "no"], "classification": "internal"},
        "code": {"type": "string", "pattern": "[A-Z]+"},
        "lines": {"type": "array", "items": {"type": "object", "properties": {"amount": {"type": "number"}}}},
    }
    assert document["output_ports"] == [
        {
            "name": "orders",
            "description": "Orders of the shop.",
            "models": ["order"],
            "storage": {"component": "columnar-table"},
            "contract": {
                "version": "1.1.0",
                "lifecycle": "active",
                "access": "restricted",
                "service_levels": {"uptime": "99.9%", "update_frequency": "1d", "freshness": "4h"},
                "terms": {"usage": "Predict sales."},
                "quality": [{"name": "enough", "metric": "rowCount", "model": "order", "mustBeGreaterThan": 0}],
            },
        }
    ]


def test_unsupported_keys_are_reported_at_their_lines() -> None:
    found = imported(HEAD + "tenant: shop\nservers:\n  - {server: one, type: postgres}\n" + SCHEMA)
    assert reported(found) == [
        "6 tenant: found tenant, for which a manifest has no place: left out",
        "8 servers: found servers, for which a manifest has no place: left out",
    ]
    assert {problem.severity for problem in found.problems} == {"warning"}


def test_an_omission_in_many_places_is_reported_once() -> None:
    columns = "".join(f"      - {{name: c_{n}, logicalType: string, physicalType: text}}\n" for n in range(3))
    found = imported(f"{HEAD}schema:\n  - name: order\n    properties:\n{columns}")
    assert reported(found) == [
        "9 schema[0].properties[0].physicalType: found physicalType, for which a manifest has no place: "
        "left out, here and at 2 more places"
    ]


def test_a_key_outside_the_standard_is_reported() -> None:
    assert reported(with_property("logicalType: string, colour: red")) == [
        "9 schema[0].properties[0].colour: found colour, for which a manifest has no place: left out"
    ]


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ("version: '1.1'", "found '1.1', taken as '1.1.0'"),
        ("version: current", "found 'current', taken as '1.0.0'"),
        ("version: 1.0.0\nstatus: proposed", "found 'proposed', taken as 'draft'"),
        ("version: 1.0.0\nname: Seller Payments", "found 'Seller Payments', taken as 'seller-payments'"),
    ],
)
def test_foreign_terms_are_mapped_to_the_nearest_of_the_manifest(said: str, line: str) -> None:
    head = "apiVersion: v3.2.0\nkind: DataContract\nid: x\n"
    assert [problem.message for problem in imported(f"{head}{said}\n{SCHEMA}").problems] == [line]


def test_names_become_identifiers_and_references_follow() -> None:
    found = imported(
        HEAD
        + """\
schema:
  - name: SalesOrder
    properties:
      - {name: customerId, logicalType: string}
      - name: shopId
        logicalType: integer
        relationships: [{to: Shop.id}]
    relationships: [{from: SalesOrder.customerId, to: Customer.customerId}]
    quality: [{name: filled, type: sql, query: "SELECT count(*) FROM ${table}", mustBeGreaterThan: 0}]
  - {name: Customer, properties: [{name: customerId, logicalType: string}]}
  - {name: Shop, properties: [{name: id, logicalType: integer}]}
"""
    )
    assert list(found.port.models) == ["sales_order", "customer", "shop"]
    first, second = found.port.models["sales_order"].relationships
    assert (first.to, first.properties) == ("customer", {"customer_id": "customer_id"})
    assert (second.to, second.properties) == ("shop", {"shop_id": "id"})
    assert found.port.contract is not None
    assert found.port.contract.quality[0].query == "SELECT count(*) FROM sales_order"
    lines = reported(found)
    assert lines != []
    assert [line for line in lines if "taken as" not in line] == []


def test_a_reference_to_a_missing_property_is_omitted() -> None:
    found = with_property("logicalType: string, relationships: [{to: elsewhere.id}]")
    assert found.port.models["order"].relationships == ()
    assert reported(found) == [
        "9 schema[0].properties[0].relationships[0]: found a reference to what is not taken over, "
        "expected properties of models, by name: left out"
    ]


@pytest.mark.parametrize(
    ("physical", "precision", "scale"),
    [
        ("decimal(10,2)", 10, 2),
        ("NUMERIC(38, 9)", 38, 9),
        ("BIGNUMERIC(38)", 38, None),
        ("Number ( 5 , 0 )", 5, 0),
    ],
)
def test_an_exact_decimal_keeps_its_precision_and_scale(physical: str, precision: int, scale: int | None) -> None:
    found = with_property(f"logicalType: number, physicalType: '{physical}'")
    assert reported(found) == []
    kept = found.port.models["order"].properties["kept"]
    assert (kept.precision, kept.scale) == (precision, scale)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("logicalType: number, physicalType: 'decimal(76,2)'", "found 'decimal(76,2)', expected 1 to 38 digits"),
        ("logicalType: number, physicalType: 'decimal(2,5)'", "found 'decimal(2,5)', expected 1 to 38 digits"),
        ("logicalType: number, physicalType: double", "found physicalType, for which a manifest has no place"),
        ("logicalType: integer, physicalType: 'number(9)'", "found physicalType, for which a manifest has no place"),
    ],
)
def test_a_physical_type_that_is_no_decimal_of_a_manifest_is_reported(said: str, reason: str) -> None:
    found = with_property(said)
    kept = found.port.models["order"].properties["kept"]
    assert (kept.precision, kept.scale) == (None, None)
    [line] = reported(found)
    assert reason in line


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("logicalType: vector, logicalTypeOptions: {dimensions: 3}", "found 'vector', expected one of string, integer"),
        ("physicalType: json", "found no logicalType of 'kept'"),
    ],
)
def test_a_property_of_an_unsupported_type_is_omitted(said: str, reason: str) -> None:
    more = "      - {name: other, logicalType: string}\n"
    found = with_property(said, more)
    assert list(found.port.models["order"].properties) == ["other"]
    [line] = reported(found)
    assert reason in line


@pytest.mark.parametrize(
    ("said", "field"),
    [
        (r"logicalType: string, logicalTypeOptions: {pattern: '\p{L}+'}", "pattern"),
        ("logicalType: integer, enum: [{value: 1}, {value: many}]", "enum"),
        ("logicalType: boolean, enum: [{value: true}]", "enum"),
        ("logicalType: string, enum: [{value: a}, {value: null}]", "enum"),
    ],
)
def test_an_unsupported_limit_is_omitted_whole(said: str, field: str) -> None:
    found = with_property(said)
    assert getattr(found.port.models["order"].properties["kept"], field) is None
    [line] = reported(found)
    assert line.endswith("left out")


def test_a_key_inside_an_object_is_reported() -> None:
    found = with_property("logicalType: object, properties: [{name: id, logicalType: string, primaryKey: true}]")
    assert reported(found) == [
        "9 schema[0].properties[0].properties[0].primaryKey: "
        "found primaryKey, for which a manifest has no place: left out"
    ]


def test_an_object_that_is_unique_is_reported() -> None:
    found = with_property("logicalType: object, unique: true, properties: [{name: id, logicalType: string}]")
    assert not found.port.models["order"].properties["kept"].unique
    assert reported(found) == [
        "9 schema[0].properties[0].unique: found unique, for which a manifest has no place: left out"
    ]


def test_two_names_that_become_one_are_reported() -> None:
    found = with_property("logicalType: string", "      - {name: Kept, logicalType: string}\n")
    assert list(found.port.models["order"].properties) == ["kept"]
    assert reported(found) == [
        "10 schema[0].properties[1]: found 'kept' twice, expected a unique name: left out",
        "10 schema[0].properties[1].name: found 'Kept', taken as 'kept'",
    ]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("type: custom, engine: soda, implementation: x", "found a test of type custom"),
        ("type: sql, mustBe: 0", "found a test of type sql without a query"),
        ("metric: freshness, mustBe: 0", "found the metric 'freshness'"),
        ("metric: rowCount, mustBe: 0", "found the metric rowCount of a property"),
        ("metric: nullValues", "found no comparison"),
        ("metric: nullValues, mustBe: 0, mustNotBe: 1", "found no comparison"),
        ("metric: nullValues, mustBe: [1]", "found a test that no manifest can hold"),
        ("metric: invalidValues, mustBe: 0, arguments: {validValues: [a]}", "found arguments of the metric"),
    ],
)
def test_an_unsupported_test_is_omitted_whole(said: str, reason: str) -> None:
    found = with_rule(said)
    assert found.port.contract is not None and found.port.contract.quality == ()
    [line] = reported(found)
    assert reason in line and line.endswith("left out")


def test_the_metric_of_older_versions_is_imported() -> None:
    found = with_rule("rule: nullValues, mustBe: 0, name: Null Check, severity: high")
    assert found.port.contract is not None
    [rule] = found.port.contract.quality
    assert (rule.name, rule.metric, rule.model, rule.property) == ("null-check", "nullValues", "order", "state")
    assert [line.partition(": ")[2] for line in reported(found)] == [
        "found 'Null Check', taken as 'null-check'",
        "found 'high', expected info, warning or error: left out",
    ]


def test_tests_without_a_name_are_named_after_their_subject() -> None:
    found = imported(
        HEAD
        + "schema:\n  - name: sales_order\n    properties: [{name: state, logicalType: string}]\n"
        + "    quality:\n      - {metric: rowCount, mustBe: 1}\n      - {metric: rowCount, mustBeLessThan: 9}\n"
    )
    assert found.port.contract is not None
    assert [rule.name for rule in found.port.contract.quality] == ["sales-order-rowcount", "sales-order-rowcount-2"]


@pytest.mark.parametrize(
    ("price", "billing", "lines"),
    [
        ("{priceAmount: 5, priceCurrency: EUR, priceUnit: month}", ("flat", 5.0), 1),
        ("{priceAmount: 5, priceCurrency: EUR, priceUnit: megabyte}", ("per_use", 5.0), 1),
        ("{priceAmount: 5, priceCurrency: EUR, priceUnit: 1 million rows}", ("per_use", 5.0), 1),
        ("{priceAmount: 5, priceCurrency: EUR, priceUnit: seat}", None, 1),
        ("{priceAmount: 0}", ("free", 0.0), 1),
        ("{priceAmount: 5, priceUnit: month}", None, 1),
        ("{priceAmount: 5, priceCurrency: EUR}", None, 1),
        ("{priceAmount: -1, priceCurrency: EUR, priceUnit: month}", None, 1),
    ],
)
def test_the_price_is_imported_as_far_as_it_is_clear(price: str, billing: Any, lines: int) -> None:
    found = imported(f"{HEAD}{SCHEMA}price: {price}\n")
    assert found.port.contract is not None
    taken = found.port.contract.terms.billing
    assert (None if taken is None else (taken.model, taken.price)) == billing
    assert len(reported(found)) == lines


@pytest.mark.parametrize(
    "said",
    [
        "{property: retention, value: 4, unit: d}",
        "{property: availability, value: 101, unit: percent}",
        "{property: availability, value: 0.999, unit: ratio}",
        "{property: frequency, value: daily}",
        "{property: frequency, value: 1, unit: m}",
        "{property: frequency, value: 0.0001, unit: s}",
        "{property: frequency, value: 1.0e+300, unit: d}",
        "{property: frequency, value: -1, unit: d}",
        "{property: frequency, value: true, unit: d}",
    ],
)
def test_an_unsupported_service_level_is_reported(said: str) -> None:
    found = imported(f"{HEAD}{SCHEMA}slaProperties: [{said}]\n")
    assert found.port.contract is not None
    assert found.port.contract.service_levels.model_dump(exclude_none=True) == {}
    [line] = reported(found)
    assert "slaProperties[0]: found the service level" in line


def test_foreign_and_invalid_custom_properties_are_reported() -> None:
    found = imported(
        f"{HEAD}{SCHEMA}customProperties:\n"
        "  - {property: accessType, value: everybody}\n"
        "  - {property: noticePeriod, value: 90d, vendor: atlan}\n"
        "  - {property: ruleset, value: strict}\n"
    )
    assert found.port.contract is not None
    assert (found.port.contract.access, found.port.contract.terms.notice_period) == ("restricted", None)
    assert len(reported(found)) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dataContractSpecification: 1.2.0\nid: x\n", "1:1 dataContractSpecification: found a contract of the Data"),
        ("kind: DataProduct\n", "1:7 kind: found 'DataProduct', expected DataContract"),
        ("id: x\n", "1:1 kind: found nothing, expected DataContract"),
        ("kind: DataContract\napiVersion: v2.2.2\n", "2:13 apiVersion: found 'v2.2.2', expected a version of ODCS 3"),
        ("kind: DataContract\n", "1:1 apiVersion: found nothing, expected a version of ODCS 3"),
        (HEAD, "1:1 schema: found no object that can be a model, expected at least one"),
        (HEAD + "schema: [{name: order}]\n", "schema: found no object that can be a model, expected at least one"),
        (HEAD + "schema: 3\n", "6:9 schema: found the number 3, expected a list"),
        (HEAD + "colour: red\n", "6:1 colour: found an unknown key"),
        (HEAD + "schema: [{name: order, properties: [{required: maybe}]}]\n", "found 'maybe', expected true or false"),
    ],
)
def test_an_invalid_contract_is_refused_at_its_place(text: str, expected: str) -> None:
    assert any(expected in line for line in refused(text)), refused(text)


def test_queries_and_rules_of_odcs_3_0_follow_the_names_of_the_manifest() -> None:
    """A query once kept the document's names without a message, and rules of ODCS 3.0 were left out."""
    document = """\
apiVersion: v3.0.2
kind: DataContract
id: c1
name: orders
version: 1.0.0
status: active
schema:
  - name: Orders
    logicalType: object
    properties:
      - name: orderTotal
        logicalType: number
        quality:
          - {rule: nullCheck, mustBe: 0}
          - {rule: duplicateCount, mustBe: 0}
    quality:
      - name: no-refunds
        type: sql
        query: SELECT count(*) FROM Orders WHERE "orderTotal" < 0 AND 'Orders' <> ordertotal
        mustBe: 0
"""
    found = import_odcs(parse(document, "orders.odcs.yaml")[0])
    contract = found.port.contract
    assert contract is not None
    assert {rule.metric for rule in contract.quality} == {None, "nullValues", "duplicateValues"}
    assert [rule.query for rule in contract.quality if rule.query] == [
        "SELECT count(*) FROM orders WHERE order_total < 0 AND 'Orders' <> order_total"
    ]
    told = [problem.message for problem in found.problems]
    assert "found 'nullCheck', taken as 'nullValues'" in told
    assert "found 'duplicateCount', taken as 'duplicateValues'" in told
    assert any(message.startswith("found 'SELECT count(*) FROM Orders") for message in told)
