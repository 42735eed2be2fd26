"""Events of engine 3.259 are read, and unknown ones are skipped."""

from __future__ import annotations

import json
from typing import Any

import pytest

from alchemesh_platform.engine.run.event_log import EventLog
from alchemesh_platform.engine.run.events import (
    UNKNOWN,
    Cancel,
    Diagnostic,
    Prelude,
    PropertyDiff,
    ResourceFailed,
    ResourceOutputs,
    ResourcePre,
    Summary,
    parse_event,
    plain,
)
from alchemesh_platform.engine.run.property_path import at_path
from alchemesh_platform.engine.run.result import Record, clean
from alchemesh_platform.engine.urn import name_of, package_of, type_of

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = {SIGNATURE: "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "[secret]"}
UNKNOWN_STRING = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
URN = "urn:pulumi:dev::shop.orders::alchemesh:stacks:DataProduct$alchemesh:mesh:Port::table"
PARENT = "urn:pulumi:dev::shop.orders::alchemesh:stacks:DataProduct::orders"


def step(**changes: Any) -> dict[str, Any]:
    return {
        "op": "update",
        "urn": URN,
        "type": "alchemesh:mesh:Port",
        "old": {"urn": URN, "custom": True, "parent": PARENT, "inputs": {"a": 1}, "outputs": {"a": 1, "id": "x"}},
        "new": {"urn": URN, "custom": True, "parent": PARENT, "inputs": {"a": 2}, "outputs": {}},
        "detailedDiff": None,
        **changes,
    }


def parsed(kind: str, body: dict[str, Any], **options: bool) -> Any:
    return parse_event(json.dumps({"sequence": 1, "timestamp": 2, kind: body}), **options)


def test_a_step_has_its_resource_with_old_and_new_state() -> None:
    event = parsed("resourcePreEvent", {"metadata": step(), "planning": True})
    assert isinstance(event, ResourcePre)
    assert (event.urn, event.type, event.name, event.parent) == (URN, "alchemesh:mesh:Port", "table", PARENT)
    assert (event.op, event.custom, event.planning) == ("update", True, True)
    assert (event.old_inputs, event.new_inputs) == ({"a": 1}, {"a": 2})
    assert (event.old_outputs, event.new_outputs) == ({"a": 1, "id": "x"}, {})


def test_a_deleted_resource_has_its_old_state_and_parent() -> None:
    event = parsed("resOutputsEvent", {"metadata": step(op="delete", new=None)})
    assert isinstance(event, ResourceOutputs)
    assert event.parent == PARENT
    assert event.new_inputs is None
    assert event.new_outputs is None


def test_a_failed_step_is_reported() -> None:
    assert isinstance(parsed("resOpFailedEvent", {"metadata": step(), "status": 0, "steps": 2}), ResourceFailed)


def test_property_diffs_have_path_kind_and_values() -> None:
    old = {"inputs": {"tags": {"team": "a", "gone": 1}, "rows": [{"n": 1}]}, "outputs": {"size": 3}}
    new = {"inputs": {"tags": {"team": "b"}, "rows": [{"n": 2}], "extra": True, "size": 4}, "outputs": {}}
    detailed = {
        "tags.team": {"diffKind": "update", "inputDiff": True},
        "tags.gone": {"diffKind": "delete", "inputDiff": True},
        "rows[0].n": {"diffKind": "update-replace", "inputDiff": True},
        "extra": {"diffKind": "add", "inputDiff": True},
        "size": {"diffKind": "update", "inputDiff": False},
    }
    event = parsed("resourcePreEvent", {"metadata": step(old=old, new=new, detailedDiff=detailed)})
    assert event.diffs == (
        PropertyDiff("extra", "add", True, None, True),
        PropertyDiff("rows[0].n", "update-replace", True, 1, 2),
        PropertyDiff("size", "update", False, 3, 4),
        PropertyDiff("tags.gone", "delete", True, 1, None),
        PropertyDiff("tags.team", "update", True, "a", "b"),
    )
    assert [diff.replaces for diff in event.diffs] == [False, True, False, False, False]


def test_a_refresh_compares_deployed_resources() -> None:
    old = {"inputs": {"a": 1}, "outputs": {"a": 1}}
    new = {"inputs": {"a": 1}, "outputs": {"a": 5}}
    body = {"metadata": step(old=old, new=new, detailedDiff={"a": {"diffKind": "update", "inputDiff": False}})}
    assert parsed("resOutputsEvent", body, refresh=True).diffs == (PropertyDiff("a", "update", False, 1, 5),)


def test_a_provider_without_detailed_diff_still_names_properties() -> None:
    event = parsed("resourcePreEvent", {"metadata": step(diffs=["a"])})
    assert event.diffs == (PropertyDiff("a", "update", True, 1, 2),)


def test_an_unchanged_resource_has_no_differences() -> None:
    event = parsed("resourcePreEvent", {"metadata": step(op="same", diffs=["a"])})
    assert event.diffs == ()


def test_secrets_are_masked_and_unknown_values_marked() -> None:
    value = {
        "password": SECRET,
        "list": [SECRET, UNKNOWN_STRING],
        "later": UNKNOWN_STRING,
        "output": {SIGNATURE: "d0e6a833031e9bbcd3f4e8bde6ca49a4", "value": "v"},
        "secret_output": {SIGNATURE: "d0e6a833031e9bbcd3f4e8bde6ca49a4", "value": "v", "secret": True},
        "unknown_output": {SIGNATURE: "d0e6a833031e9bbcd3f4e8bde6ca49a4"},
        "reference": {SIGNATURE: "5cf8f73096256a8f31e491e813e4eb8e", "urn": URN, "id": "x"},
        "asset": {SIGNATURE: "c44067f5952c0a294b673a41bacd8c17", "hash": "abc"},
    }
    assert plain(value) == {
        "password": "[secret]",
        "list": ["[secret]", UNKNOWN],
        "later": UNKNOWN,
        "output": "v",
        "secret_output": "[secret]",
        "unknown_output": UNKNOWN,
        "reference": URN,
        "asset": {"hash": "abc"},
    }


def test_prelude_summary_and_end() -> None:
    assert parsed("preludeEvent", {"config": {"a:b": "c"}}) == Prelude({"a:b": "c"})
    body = {"result": "failed", "resourceChanges": {"create": 2}, "isPreview": False, "maybeCorrupt": True}
    assert parsed("summaryEvent", body) == Summary("failed", {"create": 2}, False, True)
    assert parsed("cancelEvent", {}) == Cancel()


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{",
        "[]",
        "null",
        '{"sequence": 1, "progressEvent": {"type": "plugin-download"}}',
        '{"sequence": 1, "somethingNew": {"a": 1}}',
        '{"resourcePreEvent": null}',
        '{"resourcePreEvent": {}}',
        '{"resourcePreEvent": {"metadata": {"urn": 5}}}',
    ],
)
def test_unknown_events_are_skipped(line: str) -> None:
    assert parse_event(line) is None


@pytest.mark.parametrize(
    "metadata",
    [
        {"urn": URN},
        {"urn": URN, "op": 5, "type": None, "old": [], "new": "x", "detailedDiff": [], "diffs": [5, None]},
        {"urn": URN, "new": {"inputs": [], "outputs": None, "parent": 5}, "detailedDiff": {"a": None, "b": {}}},
    ],
)
def test_odd_fields_of_a_step_do_no_harm(metadata: dict[str, Any]) -> None:
    event = parsed("resourcePreEvent", {"metadata": metadata})
    assert isinstance(event, ResourcePre)
    assert event.type == "alchemesh:mesh:Port"


def test_the_log_can_be_read_while_it_is_written(tmp_path: Any) -> None:
    path = tmp_path / "events"
    log = EventLog(path)
    assert list(log.read()) == []
    first, second = '{"cancelEvent": {}}\n', '{"preludeEvent": {"config": {"sign": "€"}}}\n'.encode()
    path.write_text(first + "not json\n", "utf-8")
    assert list(log.read()) == [Cancel()]
    cut = second.index("€".encode()) + 1  # in the middle of a character
    with path.open("ab") as file:
        file.write(second[:cut])
    assert list(log.read()) == []
    with path.open("ab") as file:
        file.write(second[cut:])
    assert list(log.read()) == [Prelude({"sign": "€"})]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a", {"b": [{"c": 1}], "d.e": 2}),
        ("a.b[0].c", 1),
        ('a["d.e"]', 2),
        ("a.b[3]", None),
        ("a.b.c", None),
        ("x.y", None),
        ("a[", None),
        ("top.level", 7),
    ],
)
def test_property_paths(path: str, expected: object) -> None:
    assert at_path({"a": {"b": [{"c": 1}], "d.e": 2}, "top.level": 7}, path) == expected


def test_urns_are_split_into_their_parts() -> None:
    assert (type_of(URN), name_of(URN), package_of(URN)) == ("alchemesh:mesh:Port", "table", "alchemesh")
    assert name_of("urn:pulumi:dev::p::a:b:C::with::colons") == "with::colons"
    assert (type_of("no urn"), name_of("no urn"), package_of("no urn")) == ("", "no urn", "")


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("an unhandled error occurred: boom\n", "boom"),
        ("Exception calling application: disk is full", "disk is full"),
        ("1 error occurred:\n\t* it is half there\n\nhint: mend it\n\n", "it is half there\n\nhint: mend it"),
        ("Preview failed: NiFi does not answer", "NiFi does not answer"),
        ("rpc error: code = Unknown desc = Unexpected <class 'ValueError'>: no", "no"),
        ("<{%fg 1%}>red<{%reset%}> \x1b[31mtoo\x1b[0m", "red too"),
        ("error in the middle: stays", "error in the middle: stays"),
    ],
)
def test_messages_lose_the_prefix_of_the_engine(said: str, shown: str) -> None:
    assert clean(said) == shown


def test_debug_closing_words_and_repetitions_are_not_shown() -> None:
    record = Record()
    events = [
        Diagnostic("debug", "beginning rpc"),
        Diagnostic("info", "spinning", ephemeral=True),
        Diagnostic("error", "disk is full", URN),
        Diagnostic("error", "disk is full", URN),
        Diagnostic("info#err", "told on stderr"),
        Diagnostic("error", "update failed"),
    ]
    shown = [record.take(event) for event in events]
    assert [event for event in shown if event is not None] == record.diagnostics
    assert record.diagnostics == [Diagnostic("error", "disk is full", URN), Diagnostic("info", "told on stderr")]
    record.take(Diagnostic("error", "update canceled"))
    assert record.canceled


def test_a_value_that_becomes_a_secret_is_masked_on_both_sides() -> None:
    """The old value of a property that is a secret now is the same password, in plain text."""
    marked = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "value": "hunter2"}
    old = {"inputs": {"password": "hunter2", "users": [{"name": "ada", "key": "k1"}], "sasl": {"key": "k2", "port": 1}}}
    new = {
        "inputs": {"password": marked, "users": [{"name": "ada", "key": marked}], "sasl": {"key": marked, "port": 2}}
    }
    detailed = {path: {"diffKind": "update", "inputDiff": True} for path in ("password", "users", "sasl")}
    event = parsed("resourcePreEvent", {"metadata": step(old=old, new=new, detailedDiff=detailed)})
    assert event.diffs == (
        PropertyDiff("password", "update", True, "[secret]", "[secret]"),
        PropertyDiff("sasl", "update", True, {"key": "[secret]", "port": 1}, {"key": "[secret]", "port": 2}),
        PropertyDiff(
            "users", "update", True, [{"name": "ada", "key": "[secret]"}], [{"name": "ada", "key": "[secret]"}]
        ),
    )
