"""Laws of comparison: an installed dataflow matches its declaration, and one manual edit is one deviation."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from alchemesh_platform.systems.nifi.flow.apply import apply
from alchemesh_platform.systems.nifi.flow.canvas import find
from alchemesh_platform.systems.nifi.flow.definition import Dataflow
from alchemesh_platform.systems.nifi.flow.deviation import Deviation, deviations
from alchemesh_platform.systems.nifi.flow.parameters import Written
from alchemesh_platform.systems.nifi.flow.reading import as_deployed
from alchemesh_platform.systems.nifi.installed import choose
from alchemesh_platform.systems.nifi.server import NotFound, Server
from tests.lanes import examples
from tests.systems.nifi.simulated.constructed import ConstructedNifi, Refused, Type

SECRET = "hunter2-hunter2"
KNOWN = ("Topic", "Batch Size", "Log Level")  # properties of the type; others are the user's own
TYPES = (
    Type(
        "org.example.Work",
        "work-nar",
        {name.lower(): name for name in KNOWN},
        ("success", "failure"),
        takes_any=True,
    ),
)
SERVICES = (Type("org.example.Service", "work-nar", {"url": "URL", "password": "Password"}, sensitive=("password",)),)

FEW = settings(max_examples=examples(25))  # each installs a dataflow, and keys its secrets' digests slowly

texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=8)
names = st.sampled_from(("consume", "check", "batch", "write failed"))
periods = st.builds(lambda number, unit: f"{number} {unit}", st.integers(1, 90), st.sampled_from(("sec", "mins", "ms")))
properties = st.fixed_dictionaries(
    {
        "properties": st.dictionaries(st.sampled_from(KNOWN), texts, max_size=3),
        "optional": st.dictionaries(st.sampled_from(("Not There", "nor this")), texts, max_size=2),
        "dynamic": st.dictionaries(st.sampled_from(("event", "an.other")), texts, max_size=2),
    }
)


class Direct(Server):
    """A connection to a constructed NiFi in this process, without a network."""

    def __init__(self, nifi: ConstructedNifi) -> None:
        self.nifi, self.url, self.changed, self.stop = nifi, "nifi", False, threading.Event()
        self.version = nifi.version

    def _call(self, method: str, path: str, *, body: Any = None, **_: Any) -> Any:
        try:
            return json.loads(json.dumps(self.nifi.answer(method, path, body or {}, None)))
        except Refused as error:
            assert error.status == 404, error
            raise NotFound(error.message) from error


@st.composite
def dataflows(draw: st.DrawFn) -> Dataflow:
    """Any dataflow: processors that lead anywhere, properties and parameters of any text, a service."""
    chosen = draw(st.lists(names, min_size=1, max_size=4, unique=True))

    def processor() -> dict[str, Any]:
        targets = st.lists(st.sampled_from(chosen), max_size=2, unique=True)
        declared = {"type": "org.example.Work", **draw(properties)}
        return {
            "variants": [{"type": "org.example.NotThere"}, declared],
            "routes": {"success": draw(targets), "failure": draw(targets), "not there": draw(targets)},
            "schedule": draw(periods),
            "tasks": draw(st.integers(1, 4)),
            "retried": draw(st.sampled_from(((), ("failure",), ("failure", "success")))),
        }

    return Dataflow.model_validate(
        {
            "name": "flow",
            "owner": "a/b/c",
            "parameters": draw(st.dictionaries(st.sampled_from(("a", "b.c", "d e")), texts)),
            "sensitive": draw(st.dictionaries(st.sampled_from(("p", "q.r")), st.just(SECRET))),
            "services": {
                "kafka": {"variants": [{"type": "org.example.Service", "properties": {"URL": "x", "Password": "#{p}"}}]}
            },
            "processors": {
                name: processor() | ({"variants": [_referring(draw(properties))]} if at == 0 else {})
                for at, name in enumerate(chosen)
            },
            "state": draw(st.sampled_from(("running", "stopped"))),
        }
    )


def _referring(given: dict[str, Any]) -> dict[str, Any]:
    return {"type": "org.example.Work", **given, "properties": {**given["properties"], "Topic": {"service": "kafka"}}}


def installed(wanted: Dataflow) -> tuple[Direct, ConstructedNifi]:
    nifi = ConstructedNifi(types=TYPES, services=SERVICES)
    server = Direct(nifi)
    apply(server, wanted, Written(), 1)
    return server, nifi


def found_in(server: Direct, wanted: Dataflow) -> list[Deviation]:
    deployed = find(server, wanted)
    assert deployed is not None
    return deviations(deployed, wanted, choose(server, wanted))


@FEW
@given(dataflows())
def test_an_installed_dataflow_matches_its_declaration(wanted: Dataflow) -> None:
    server, _ = installed(wanted)
    assert found_in(server, wanted) == []
    assert as_deployed(wanted, choose(server, wanted), []) == wanted
    apply(server, wanted, Written(), 1)
    assert found_in(server, wanted) == []


@FEW
@given(dataflows(), st.randoms())
def test_the_order_of_declarations_does_not_matter(wanted: Dataflow, random: Any) -> None:
    server, _ = installed(wanted)

    def shuffled(tree: Any) -> Any:
        if isinstance(tree, dict):
            items = list(tree.items())
            random.shuffle(items)
            return {name: shuffled(value) for name, value in items}
        return [shuffled(item) for item in tree] if isinstance(tree, list | tuple) else tree

    assert found_in(server, Dataflow.model_validate(shuffled(wanted.model_dump()))) == []


def _component(nifi: ConstructedNifi, name: str, kind: str = "processor") -> dict[str, Any]:
    (found,) = (
        entity["component"]
        for entity in nifi.entities.values()
        if entity["kind"] == kind and entity["component"]["name"] == name
    )
    return dict(found)


def _edit_property(nifi: ConstructedNifi, wanted: Dataflow) -> str:
    """Another value for a declared property; else a value for one that is not declared."""
    name, declared = next(iter(wanted.processors.items()))
    key = next(iter(declared.variants[-1].properties))
    values = _component(nifi, name)["config"]["properties"]
    values[key.lower()] = "by hand"
    return f"processors.{name}.properties.{key}"


def _edit_dynamic_property(nifi: ConstructedNifi, wanted: Dataflow) -> str:
    """Another value for a declared user property; else for one that is declared."""
    name, declared = next(iter(wanted.processors.items()))
    dynamic = declared.variants[-1].dynamic
    if not dynamic:
        return _edit_property(nifi, wanted)
    key = next(iter(dynamic))
    _component(nifi, name)["config"]["properties"][key] = "by hand"
    return f"processors.{name}.dynamic.{key}"


def _add_property(nifi: ConstructedNifi, wanted: Dataflow) -> str:
    name = next(iter(wanted.processors))
    config = _component(nifi, name)["config"]
    config["properties"]["mine"] = "by hand"
    config["descriptors"]["mine"] = {"name": "mine", "displayName": "mine", "dynamic": True}
    return f"processors.{name}.properties.mine"


def _edit_setting(nifi: ConstructedNifi, wanted: Dataflow) -> str:
    name = next(iter(wanted.processors))
    _component(nifi, name)["config"]["schedulingPeriod"] = "99 days"
    return f"processors.{name}.schedule"


def _stop_or_start(nifi: ConstructedNifi, wanted: Dataflow) -> str:
    name = next(iter(wanted.processors))
    for entity in nifi.entities.values():
        if entity["kind"] == "processor" and entity["component"]["name"] == name:
            entity["component"]["state"] = "STOPPED" if wanted.state == "running" else "RUNNING"
    return "state"


def _disable_service(nifi: ConstructedNifi, wanted: Dataflow) -> str:
    for entity in nifi.entities.values():
        if entity["kind"] == "service":
            entity["component"]["state"] = "DISABLED"
    return "services.kafka.state"


def _add_parameter(nifi: ConstructedNifi, wanted: Dataflow) -> str:
    context = _component(nifi, wanted.context_name, "context")
    context["parameters"].append({"parameter": {"name": "mine", "value": "by hand", "sensitive": False}})
    return "parameters.mine"


def _remove_processor(nifi: ConstructedNifi, wanted: Dataflow) -> str:
    """The last one, with its connections: their processors report them, if those exist."""
    name = list(wanted.processors)[-1]
    gone = {key for key, entity in nifi.entities.items() if entity["component"].get("name") == name}
    for key, entity in list(nifi.entities.items()):
        ends = {entity["component"].get(end, {}).get("id") for end in ("source", "destination")}
        if key in gone or ends & gone:
            del nifi.entities[key]
    return f"processors.{name}"


EDITS = (
    _edit_property,
    _edit_dynamic_property,
    _add_property,
    _edit_setting,
    _stop_or_start,
    _disable_service,
    _add_parameter,
)


@pytest.mark.parametrize("edit", EDITS, ids=[edit.__name__.strip("_") for edit in EDITS])
@FEW
@given(wanted=dataflows())
def test_one_manual_edit_is_one_deviation_and_is_corrected(
    edit: Callable[[ConstructedNifi, Dataflow], str], wanted: Dataflow
) -> None:
    server, nifi = installed(wanted)
    path = edit(nifi, wanted)
    found = found_in(server, wanted)
    assert [one.path for one in found] == [path]
    read = as_deployed(wanted, choose(server, wanted), found)
    assert (read == wanted) == path.startswith("services.")  # the state of a service is not an input
    assert SECRET not in f"{found} {[str(one) for one in found]} {read!r}"
    apply(server, wanted, Written(), 1)
    assert found_in(server, wanted) == []


@FEW
@given(dataflows())
def test_a_connection_removed_by_hand_is_one_deviation(wanted: Dataflow) -> None:
    server, nifi = installed(wanted)
    ways = [key for key, entity in nifi.entities.items() if entity["kind"] == "connection"]
    assume(ways)
    ids = {entity["id"]: entity["component"]["name"] for entity in nifi.entities.values()}
    gone = nifi.entities.pop(ways[0])["component"]
    (relationship,) = gone["selectedRelationships"]
    source, target = ids[gone["source"]["id"]], ids[gone["destination"]["id"]]
    assert found_in(server, wanted) == [Deviation(f"processors.{source}.routes.{relationship}", target, None)]
    apply(server, wanted, Written(), 1)
    assert found_in(server, wanted) == []


@FEW
@given(dataflows())
def test_a_processor_removed_by_hand_is_reported_and_re_created(wanted: Dataflow) -> None:
    server, nifi = installed(wanted)
    path = _remove_processor(nifi, wanted)
    found = found_in(server, wanted)
    assert Deviation(path, "org.example.Work", None) in found
    assert {one.path for one in found if ".routes." not in one.path} <= {path, "services.kafka"}
    apply(server, wanted, Written(), 1)
    assert found_in(server, wanted) == []
