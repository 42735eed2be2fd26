"""Components for programs in any language: constructed by the provider, for an engine that registers everything."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from unittest.mock import Mock

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2

from alchemesh_platform import __version__
from alchemesh_platform.base.packages.extras import install_command
from alchemesh_platform.catalog.discover import discover
from alchemesh_platform.provider.components.construct import Calls
from alchemesh_platform.provider.components.secrecy import mark_secrets, secrets_in
from alchemesh_platform.provider.components.types import ComponentTypes
from alchemesh_platform.provider.values import UNKNOWN, Secret, decode_map, encode_map, reveal
from tests.provider.components.engine import ORDER, PARENT, SETTINGS, Constructing, constructing
from tests.waiting import LONGEST

TABLE = "urn:pulumi:dev::shop::alchemesh:components:delta-table$alchemesh:local:DeltaTable::orders-order"
COMPONENT = "urn:pulumi:dev::shop::alchemesh:components:delta-table::orders"
URL = "file:///data/standalone/shop/orders/order"


@pytest.fixture
def constructed() -> Iterator[Constructing]:
    with constructing() as made:
        made.monitor.computed["alchemesh:local:DeltaTable"] = {"url": URL}
        made.monitor.computed["alchemesh:local:DataApi"] = {
            "endpoints": {"rest": "http://127.0.0.1:8091/api"},
            "credentialFile": "/run/owner.json",
        }
        yield made


def orders(**more: Any) -> dict[str, Any]:
    """The inputs of a Delta table."""
    return {"settings": SETTINGS, "wiring": {"models": ORDER}, **more}


def test_a_component_is_constructed_with_its_children_and_outputs(constructed: Constructing) -> None:
    answer = constructed.construct("DeltaTable", "orders", orders(partitionBy="order_id", keepOnDestroy=False))
    assert answer.urn == COMPONENT
    assert decode_map(answer.state) == {
        "kind": "tables",
        "format": "delta",
        "tables": {"order": URL},
        "connection": {"kind": "tables", "format": "delta", "tables": {"order": URL}},
    }
    component, child = constructed.monitor.components()["orders"], constructed.monitor.children()["orders-order"]
    assert component.parent == PARENT
    assert child.parent == COMPONENT
    assert child.version == __version__, "another version would start a second plugin"
    inputs = decode_map(child.object)
    assert inputs["path"] == "/data/standalone/shop/orders/order"
    assert inputs["partitionBy"] == ["order_id"]
    assert inputs["keepOnDelete"] is False
    assert constructed.monitor.outputs["orders"] == decode_map(answer.state)


def test_outputs_name_the_resources_that_they_depend_on(constructed: Constructing) -> None:
    answer = constructed.construct("DeltaTable", "orders", orders())
    dependencies = {name: list(found.urns) for name, found in answer.stateDependencies.items()}
    assert dependencies == {"kind": [], "format": [], "tables": [TABLE], "connection": [TABLE]}


def test_children_depend_on_the_resources_behind_the_inputs(constructed: Constructing) -> None:
    bucket, other = "urn:pulumi:dev::shop::aws:s3:Bucket::raw", "urn:pulumi:dev::shop::aws:s3:Bucket::other"
    dependencies = {"settings": provider_pb2.ConstructRequest.PropertyDependencies(urns=[bucket])}
    constructed.construct("DeltaTable", "orders", orders(), inputDependencies=dependencies, dependencies=[other])
    assert {bucket, other} <= set(constructed.monitor.children()["orders-order"].dependencies)


def test_a_secret_stays_secret_in_children_and_outputs(constructed: Constructing) -> None:
    settings = {"local": {"root": Secret("/secret-place"), "run": "/run"}}
    answer = constructed.construct("DeltaTable", "orders", orders(settings=settings))
    child = decode_map(constructed.monitor.children()["orders-order"].object)
    assert child["path"] == Secret("/secret-place/standalone/shop/orders/order")
    assert child["table"] == "order"
    assert reveal(decode_map(answer.state))["tables"] == {"order": URL}


def test_options_of_the_program_reach_the_component(constructed: Constructing) -> None:
    provider = "urn:pulumi:dev::shop::pulumi:providers:gcp::mine"
    constructed.construct(
        "DeltaTable",
        "orders",
        orders(),
        protect=True,
        providers={"gcp": f"{provider}::id"},
        aliases=[{"urn": "urn:pulumi:dev::shop::old::orders"}],
    )
    component = constructed.monitor.components()["orders"]
    assert component.protect
    assert component.providers == {"gcp": f"{provider}::id"}
    assert [alias.urn for alias in component.aliases] == ["urn:pulumi:dev::shop::old::orders"]
    assert constructed.monitor.children()["orders-order"].protect


def test_a_preview_with_unknown_inputs_registers_the_component_alone(constructed: Constructing) -> None:
    wiring = {"models": ORDER, "protocols": ["sql"], "storage": UNKNOWN}
    answer = constructed.construct(
        "PostgresqlServing", "orders-api", {"settings": SETTINGS, "wiring": wiring}, dryRun=True
    )
    assert constructed.monitor.children() == {}
    state = decode_map(answer.state)
    assert state["connection"] is UNKNOWN
    assert state["credentialFile"] is UNKNOWN
    assert constructed.engine.messages() == [
        "wiring.storage of postgresql-serving 'orders-api' is unknown before other resources are deployed: this "
        "preview cannot show the component's resources"
    ]


def test_a_preview_reports_invalid_inputs_beside_unknown_ones(constructed: Constructing) -> None:
    found = constructed.refused(
        "DeltaTable", "orders", orders(retention=UNKNOWN, onIncompatibleChange="ignore"), dryRun=True
    )
    assert found.properties == {"onIncompatibleChange": "input should be 'refuse' or 'replace'"}


def test_an_output_of_one_component_is_the_storage_of_another(constructed: Constructing) -> None:
    tables = decode_map(constructed.construct("DeltaTable", "orders", orders()).state)
    wiring = {"port": "orders", "models": ORDER, "protocols": ["rest"], "storage": tables["connection"]}
    answer = constructed.construct("PostgresqlServing", "orders-api", {"settings": SETTINGS, "wiring": wiring})
    served = decode_map(constructed.monitor.children()["orders-api-server"].object)
    assert served["tables"] == [{"name": "order", "url": URL, "format": "delta", "key": ["order_id"]}]
    state = decode_map(answer.state)
    assert state["credentialFile"] == "/run/owner.json"
    assert state["connection"]["credential_file"] == "/run/owner.json", "the wiring of other components uses it"
    assert "sql" not in state, "the port does not offer it"


@pytest.mark.parametrize(
    ("inputs", "problems"),
    [
        (
            orders(keepOnDestroy="perhaps"),
            {"keepOnDestroy": "input should be a valid boolean, unable to interpret input"},
        ),
        (orders(partitonBy="order_id"), {"partitonBy": "unknown property: did you mean 'partitionBy'?"}),
        (orders(settings={"local": {"root": "/data"}}), {"settings.local.run": "is required"}),
        ({"wiring": {"models": ORDER}}, {"settings": "is required"}),
        (orders(wiring={}), {"wiring.models": "is required"}),
        (
            orders(settings={"local": {**SETTINGS["local"], "postgresqlServr": "x"}}),
            {
                "settings.local.postgresqlServr": "unknown property",
            },
        ),
        (
            orders(wiring={"models": {"order": {"properties": {"order_id": {"type": "text"}}}}}),
            {
                "wiring.models.order.properties.order_id.type": "input should be 'string', 'integer', 'number', "
                "'boolean', 'date', 'time', 'timestamp', 'object' or 'array'"
            },
        ),
        (
            orders(partitionBy=["order_id", "region"]),
            {"partitionBy[1]": "found 'region', expected a property of a model of the port; allowed: amount, order_id"},
        ),
        (
            orders(retention="30 minutes", keepOnDestroy="perhaps"),
            {
                "retention": "expected a duration: a whole number with a unit, such as 300ms, 30s, 5m, 1h, 30d or 2w",
                "keepOnDestroy": "input should be a valid boolean, unable to interpret input",
            },
        ),
    ],
    ids=["type", "unknown", "missing", "no settings", "no models", "unknown setting", "enum", "check", "two"],
)
def test_invalid_inputs_name_their_property(
    constructed: Constructing, inputs: dict[str, Any], problems: dict[str, str]
) -> None:
    found = constructed.refused("DeltaTable", "orders", inputs)
    assert found.code is grpc.StatusCode.INVALID_ARGUMENT
    assert found.properties == problems
    assert found.message.startswith("delta-table 'orders' ")
    assert constructed.monitor.registered == []


def test_no_message_shows_a_secret(constructed: Constructing) -> None:
    """The engine prints the value of each invalid property that an error names."""
    found = constructed.refused("DeltaTable", "orders", orders(retention=Secret("hunter2-is-no-duration")))
    assert found.properties == {}
    assert "property retention has a problem: expected a duration" in found.message
    assert "hunter2" not in found.message


def test_an_unknown_component_is_reported_with_a_similar_one(constructed: Constructing) -> None:
    found = constructed.refused("DeltaTabel", "orders", orders())
    assert found.message.splitlines() == [
        "there is no component alchemesh:components:DeltaTabel",
        "",
        "hint: did you mean 'alchemesh:components:DeltaTable'? `alchemesh components list` shows those that are "
        "installed beside the plugin",
    ]


def test_a_failed_child_is_reported_with_the_component(constructed: Constructing) -> None:
    constructed.monitor.failing.add("orders-order")
    found = constructed.refused("DeltaTable", "orders", orders())
    assert found.message.splitlines() == [
        "delta-table 'orders' is incomplete: orders-order failed",
        "",
        "hint: the error of that resource is above; fix it, and run `pulumi up` again: it resumes",
    ]


def test_a_fault_of_a_component_names_its_package(constructed: Constructing) -> None:
    wiring = {"models": ORDER, "protocols": ["sql"], "storage": {"kind": "tables"}}
    found = constructed.refused("PostgresqlServing", "api", {"settings": SETTINGS, "wiring": wiring})
    assert "component postgresql-serving" in found.message
    assert "of package alchemesh-platform" in found.message
    assert "build() failed" in found.message


def test_many_components_are_constructed_at_the_same_time(constructed: Constructing) -> None:
    """Each has settings of its own, and none waits for another: their children register together."""
    names = [f"orders-{number}" for number in range(12)]
    constructed.monitor.gate.clear()
    with ThreadPoolExecutor(len(names)) as threads:
        answers = [
            threads.submit(constructed.construct, "DeltaTable", name, orders(), stack=f"s{name}") for name in names
        ]
        try:
            for _name in names:
                assert constructed.monitor.waiting.acquire(timeout=LONGEST)
        finally:
            constructed.monitor.gate.set()
        assert {answer.result(LONGEST).urn.rpartition("::")[2] for answer in answers} == set(names)
    paths = {name: decode_map(child.object)["path"] for name, child in constructed.monitor.children().items()}
    assert paths == {f"{name}-order": f"/data/standalone/shop/{name}/order" for name in names}


def test_a_stopped_provider_stops_constructing(constructed: Constructing) -> None:
    constructed.monitor.gate.clear()
    with ThreadPoolExecutor(1) as thread:
        answer = thread.submit(constructed.refused, "DeltaTable", "orders", orders())
        try:
            assert constructed.monitor.waiting.acquire(timeout=LONGEST)
            constructed.provider.cancel_all()
            assert "delta-table 'orders' is incomplete" in answer.result(LONGEST).message
        finally:
            constructed.monitor.gate.set()


def test_a_registration_that_begins_while_the_provider_stops_is_cancelled_too() -> None:
    """The engine had the request before the provider noted it: the construction waited for ever."""
    calls, first, second = Calls(), Mock(), Mock()
    calls["t", "first"] = first
    calls.cancel()
    calls["t", "second"] = second
    assert (first.cancel.call_count, second.cancel.call_count) == (1, 1)


def test_missing_libraries_are_reported_with_their_command(constructed: Constructing) -> None:
    spec = replace(discover()["delta-table"], extras=("alchemesh-platform[lakehouse]",))
    constructed.provider.components = ComponentTypes({"delta-table": spec})
    found = constructed.refused("DeltaTable", "orders", orders())
    assert found.message.splitlines() == [
        "delta-table 'orders' needs libraries that are not installed beside the plugin: alchemesh-platform[lakehouse]",
        "",
        f"hint: run `{install_command('alchemesh-platform[lakehouse]')}` in the Python environment of "
        "pulumi-resource-alchemesh",
    ]


@pytest.mark.parametrize(
    ("secret", "text", "marked"),
    [
        ("correct-horse", "sasl://user:correct-horse@host", True),
        ("abc", "abc", True),
        ("abc", "abcdef", False),
        (4711, 4711, True),
        (4711, 4712, False),
        ("", "anything", False),
    ],
)
def test_a_value_with_the_text_of_a_secret_is_a_secret(secret: Any, text: Any, marked: bool) -> None:
    tree = encode_map({"plain": "x", "parts": [{"value": text}]})
    mark_secrets(tree, secrets_in({"given": [{"deep": Secret({"value": secret})}], "other": text}))
    [part] = decode_map(tree)["parts"]
    assert part["value"] == (Secret(text) if marked else text)
    assert decode_map(tree)["plain"] == "x"


def test_an_sdk_that_is_newer_than_the_plugin_is_refused(constructed: Constructing) -> None:
    newer = f"{int(__version__.partition('.')[0]) + 1}.0.0"
    answers = {
        version: constructed.stub.CheckConfig(provider_pb2.CheckRequest(news=encode_map({"version": version})))
        for version in (newer, __version__, "0.0.1")
    }
    reasons = {version: [failure.reason for failure in answer.failures] for version, answer in answers.items()}
    assert reasons == {
        newer: [
            f"the SDK of the program has the version {newer}, and this plugin is older, {__version__}: run "
            f"`pip install 'alchemesh-platform>={newer}'` in the Python environment of pulumi-resource-alchemesh, or "
            "generate the SDK again with this plugin"
        ],
        __version__: [],
        "0.0.1": [],
    }


def test_an_output_that_does_not_fit_its_model_is_a_fault_of_the_component(constructed: Constructing) -> None:
    constructed.monitor.computed["alchemesh:local:DeltaTable"] = {"url": 5}
    found = constructed.refused("DeltaTable", "orders", orders())
    assert "output 'tables.order' does not fit alchemesh_platform.connections:TablesConnection" in found.message
    assert "of package alchemesh-platform" in found.message
