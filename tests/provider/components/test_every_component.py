"""Every component of the catalogue, constructed for a program in another language with the inputs of its case."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from pulumi.runtime import rpc

from alchemesh_platform.catalog.page import component_cases
from alchemesh_platform.catalog.program import plain_case
from alchemesh_platform.provider.components.inputs import names_of
from alchemesh_platform.provider.components.types import token_of
from alchemesh_platform.provider.components.wirings import wiring_model
from alchemesh_platform.provider.values import decode_map, reveal
from alchemesh_platform.sdk.system.resource import camel_case
from tests.components.recorder import CATALOG
from tests.provider.components.engine import Constructing, constructing


@pytest.fixture(scope="module")
def provider() -> Iterator[Constructing]:
    with constructing() as made:
        yield made


PLACE = {"environment": "local", "domain": "standalone", "product": "standalone", "port": "standalone"}


def normal(tree: Any) -> Any:
    """A value whose lists and words have one order: maps of the protocol have none, so columns are in another one."""
    if isinstance(tree, dict):
        if rpc._special_sig_key in tree:
            return normal(tree["value"])  # a secret, as Pulumi's mocks record it
        return {name: normal(value) for name, value in tree.items() if value is not None}
    if isinstance(tree, list):
        return sorted((normal(item) for item in tree), key=lambda item: json.dumps(item, sort_keys=True))
    return sorted(re.split(r"[ ,{}\[\]]+", tree)) if isinstance(tree, str) else tree


@pytest.mark.parametrize("name", sorted(CATALOG))
def test_a_component_is_constructed_like_in_python(
    name: str, provider: Constructing, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = CATALOG[name]
    case = json.loads(json.dumps(plain_case(component_cases(spec))).replace("{folder}", "."))
    for variable, value in case.get("secrets", {}).get("environment", {}).items():
        monkeypatch.setenv(variable, value)
    monitor = provider.monitor
    monitor.registered.clear()
    monitor.computed = case.get("computed", {})
    known = {field.alias or key for key, field in wiring_model(spec).model_fields.items()}
    wiring = {key: value for key, value in {**PLACE, **case.get("wiring", {})}.items() if key in known}
    inputs = {**case.get("args", {}), "settings": case.get("settings", {}), "wiring": wiring}
    answer = provider.construct(
        token_of(spec).rpartition(":")[2], case.get("resource_name", "thing"), names_of(spec).to_program(inputs)
    )
    expected = {(each["type"], each["name"]): each["inputs"] for each in case["resources"]}
    for child in monitor.children().values():
        found = normal(reveal(decode_map(child.object)))
        assert found == normal(expected[child.type, child.name]), child.name
    assert monitor.children() or not expected
    if not ("admit" in case or "grant" in case):
        assert {(child.type, child.name) for child in monitor.children().values()} == set(expected)
    state = reveal(decode_map(answer.state))
    assert normal(state["connection"]) == normal(case["outputs"])
    assert {*state} - {"connection"} == {camel_case(key) for key, value in case["outputs"].items() if value is not None}
