"""The source of a team's own flow: what the platform adds, and the lines of the file in Kestra's messages."""

from __future__ import annotations

import pytest
import yaml

from alchemesh_platform.systems.kestra.source import Unusable, delivered, explained

LABELS = {"alchemesh-owner": "local:aviation/flights/code"}
VARIABLES = {"alchemesh_connections": '{"inputs": {"a: b": "#"}}'}
FLOW = """\
# The team's own comment.
id: nightly

labels:
  # whose it is
  team: flight-data
tasks:
  - id: hello
    type: io.kestra.plugin.core.log.Log
    mesage: Hello
"""
UNKNOWN = 'Validation error: Unrecognized field "mesage" (class io.kestra.plugin.core.log.Log), not marked as ignorable'


def of(text: str) -> str:
    return delivered(text, namespace="aviation.flights", labels=LABELS, variables=VARIABLES).source


@pytest.mark.parametrize(
    ("labels", "there"),
    [
        ("", {}),
        ("labels: {team: x}\n", {"team": "x"}),
        ("labels: {}\n", {}),
        ("labels:\n  team: x\n", {"team": "x"}),
        ("labels:\n    team: x\n    kind: y\n", {"team": "x", "kind": "y"}),
    ],
)
def test_labels_and_variables_are_added_to_those_of_the_team(labels: str, there: dict[str, str]) -> None:
    source = of(f"{labels}id: nightly\ntasks: []\nvariables: {{folder: /in}}\n")
    found = yaml.safe_load(source)
    assert found["labels"] == {**LABELS, **there}
    assert found["variables"] == {**VARIABLES, "folder": "/in"}
    assert found["namespace"] == "aviation.flights"
    assert found["tasks"] == []


@pytest.mark.parametrize("labels", ["labels:\n  - {key: team, value: x}\n", "labels: [{key: team, value: x}]\n"])
def test_labels_may_be_a_list_of_keys_and_values(labels: str) -> None:
    found = yaml.safe_load(of(f"id: nightly\n{labels}tasks: []\n"))
    assert found["labels"] == [
        {"key": "alchemesh-owner", "value": "local:aviation/flights/code"},
        {"key": "team", "value": "x"},
    ]


def test_the_text_of_the_team_stays_as_it_is() -> None:
    own = [line for line in of(FLOW).splitlines() if not line.endswith("# added by Alchemesh")]
    assert "\n".join(own) + "\n" == FLOW


def test_a_flow_without_an_id_is_named_code() -> None:
    found = delivered("tasks: []\n", namespace="a.b", labels=LABELS)
    assert found.id == "code"
    assert yaml.safe_load(found.source)["id"] == "code"
    assert delivered(FLOW, namespace="a.b", labels=LABELS).id == "nightly"


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("id: a\n tasks: []\n", 2, "it is no YAML: mapping values are not allowed here"),
        ("- a\n", 1, "found no mapping, expected a flow with `tasks`"),
        ("{id: a, tasks: []}\n", 1, "found `{`, expected one key a line"),
        ("id: a\nnamespace: x.y\n", 2, "found the namespace 'x.y', expected 'aviation.flights'"),
        ("tasks: []\nid: a b\n", 2, "found the id 'a b', expected letters, digits, `.`, `_`, `-`"),
        ("id: a\nlabels: night\n", 2, "found no mapping in `labels`, expected one"),
        (
            "id: a\nlabels:\n  alchemesh-owner: me\n",
            3,
            "found 'alchemesh-owner' in `labels`, which the platform sets",
        ),
        (
            "id: a\nlabels:\n  - key: alchemesh-owner\n    value: me\n",
            3,
            "found 'alchemesh-owner' in `labels`, which the platform sets",
        ),
        (
            "variables:\n  alchemesh_connections: x\n",
            2,
            "found 'alchemesh_connections' in `variables`, which the platform sets",
        ),
    ],
)
def test_an_unusable_file_names_its_line(text: str, line: int, reason: str) -> None:
    with pytest.raises(Unusable) as raised:
        of(text)
    assert [(each.line, each.reason) for each in raised.value.problems] == [(line, reason)]


def test_a_message_about_a_field_names_the_line_of_the_file() -> None:
    said = explained(UNKNOWN, of(FLOW), "flows/nightly.yaml")
    assert said == f"flows/nightly.yaml:10: {UNKNOWN.removeprefix('Validation error: ')}"


def test_a_message_about_a_type_names_the_line_of_the_file() -> None:
    source = of(FLOW.replace("core.log.Log", "core.log.Nothing"))
    said = explained("Validation error: Invalid type: io.kestra.plugin.core.log.Nothing", source, "nightly.yaml")
    assert said == "nightly.yaml:9: Invalid type: io.kestra.plugin.core.log.Nothing"


def test_lines_of_the_delivered_source_become_lines_of_the_file() -> None:
    reason = "Illegal Flow source: YAML parsing error: expected <block end> in 'reader', line 11, column 4 (at line 11)"
    assert explained(reason, of(FLOW), "nightly.yaml") == (
        "nightly.yaml:10: Illegal Flow source: YAML parsing error: expected <block end> "
        "in 'reader', line 10, column 4 (at line 10)"
    )


def test_a_message_about_a_generated_flow_names_no_file() -> None:
    assert explained("Validation error: Invalid type: a.B", "id: code\n", None) == "Invalid type: a.B"
