"""Rules for versions and lifecycles of contracts."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from alchemesh_platform.contracts.compatibility.changes import ChangeKind
from alchemesh_platform.contracts.compatibility.diff import diff_port
from alchemesh_platform.contracts.compatibility.rules import (
    TRANSITIONS,
    Finding,
    check_change,
    next_version,
    problems_of,
)
from alchemesh_platform.contracts.port import PromisedPort
from alchemesh_platform.documents.yaml_source import parse
from alchemesh_platform.manifest.models import Contract, ContractLifecycle, Property, SemanticModel

# An edit for each kind of change to the promise below.
CHANGES: dict[ChangeKind | None, dict[str, Any]] = {
    "breaking": {"access": "restricted"},
    "compatible": {"access": "public"},
    "documentation": {"terms": {"usage": "Freely, in the company."}},
    None: {},
}


def port(version: str, lifecycle: str = "active", **said: Any) -> PromisedPort:
    document = {"access": "internal", "terms": {"usage": "Freely,  in the company."}, **said}
    contract = Contract.model_validate({"version": version, "lifecycle": lifecycle, **document})
    return PromisedPort(contract, {"flight": SemanticModel(properties={"seats": Property(type="integer")})}, ("sql",))


def found(before: PromisedPort | None, after: PromisedPort | None) -> list[Finding]:
    return list(check_change(before, after, diff_port(before, after)))


@pytest.mark.parametrize(
    ("version", "kind", "expected"),
    [
        ("2.1.4", "breaking", "3.0.0"),
        ("2.1.4", "compatible", "2.2.0"),
        ("2.1.4", "documentation", "2.1.5"),
        ("0.9.9", "breaking", "1.0.0"),
        ("9.9.9", "compatible", "9.10.0"),
    ],
)
def test_the_next_version_raises_the_part_that_the_change_requires(
    version: str, kind: ChangeKind, expected: str
) -> None:
    assert next_version(version, kind) == expected


@pytest.mark.parametrize("lifecycle", ["active", "deprecated"])
@pytest.mark.parametrize(
    ("kind", "version", "expected"),
    [
        ("breaking", "2.1.4", "3.0.0"),
        ("breaking", "2.1.5", "3.0.0"),
        ("breaking", "2.9.0", "3.0.0"),
        ("compatible", "2.1.4", "2.2.0"),
        ("compatible", "2.1.9", "2.2.0"),
    ],
)
def test_a_version_that_is_too_low_for_the_change_is_refused_with_the_one_to_use(
    lifecycle: str, kind: ChangeKind, version: str, expected: str
) -> None:
    [finding] = found(port("2.1.4", lifecycle), port(version, lifecycle, **CHANGES[kind]))
    assert (finding.rule, finding.path, finding.severity) == ("version", ("contract", "version"), "error")
    assert f"expected {expected} or higher" in finding.message
    assert f"`version: {expected}`" in finding.hint
    assert "contract.access" in finding.hint


@pytest.mark.parametrize(
    ("kind", "version"),
    [
        ("breaking", "3.0.0"),
        ("breaking", "10.0.0"),
        ("compatible", "2.2.0"),
        ("compatible", "3.0.0"),
        ("documentation", "2.1.5"),
        (None, "2.1.4"),
        (None, "2.1.5"),
        (None, "4.0.0"),
    ],
)
def test_a_version_that_is_high_enough_passes(kind: ChangeKind | None, version: str) -> None:
    assert found(port("2.1.4"), port(version, **CHANGES[kind])) == []


def test_a_version_in_force_does_not_change() -> None:
    [finding] = found(port("2.1.4"), port("2.1.4", **CHANGES["compatible"]))
    assert finding.message == (
        "found 2.1.4 with another promise, expected 2.2.0 or higher: a version that is active does not change"
    )
    assert finding.hint == "write `version: 2.2.0`. Compatible: contract.access: public, was internal"


def test_a_version_is_refused_by_the_part_that_the_change_needs() -> None:
    [finding] = found(port("2.1.4"), port("2.1.5", **CHANGES["breaking"]))
    assert finding.message == "found 2.1.5, expected 3.0.0 or higher: a breaking change needs a new major version"
    [finding] = found(port("2.1.4"), port("2.1.5", **CHANGES["compatible"]))
    assert finding.message == "found 2.1.5, expected 2.2.0 or higher: a compatible change needs a new minor version"


def test_a_hint_names_the_first_of_several_changes_and_counts_the_others() -> None:
    less = PromisedPort(port("2.1.4", **CHANGES["breaking"]).contract, {}, ("sql",))
    [finding] = found(port("2.1.4"), less)
    assert finding.hint == "write `version: 3.0.0`. Breaking: contract.access: restricted, was internal and 1 more"


def test_documentation_under_the_same_version_is_a_warning_only() -> None:
    [finding] = found(port("2.1.4"), port("2.1.4", **CHANGES["documentation"]))
    assert finding.severity == "warning"
    assert "expected 2.1.5 or higher" in finding.message
    assert finding.hint == (
        "write `version: 2.1.5`. Documentation: contract.terms.usage: only spaces and line ends changed"
    )


@pytest.mark.parametrize("kind", CHANGES)
@pytest.mark.parametrize("lifecycle", ["draft", "active", "deprecated"])
def test_versions_only_go_up(kind: ChangeKind | None, lifecycle: str) -> None:
    [finding] = found(port("2.1.4", lifecycle), port("2.0.9", lifecycle, **CHANGES[kind]))
    assert "2.1.4 is recorded, and versions only go up" in finding.message
    least = "2.1.4" if kind is None or lifecycle == "draft" else next_version("2.1.4", kind)
    assert f"expected {least} or higher" in finding.message
    assert (finding.rule, finding.path) == ("version", ("contract", "version"))
    assert finding.hint == f"write `version: {least}`"


def test_a_part_with_more_digits_is_higher() -> None:
    assert found(port("2.9.0"), port("2.10.0")) == []
    assert len(found(port("2.10.0"), port("2.9.0"))) == 1


@pytest.mark.parametrize("kind", CHANGES)
def test_a_draft_may_change_freely(kind: ChangeKind | None) -> None:
    assert found(port("0.1.0", "draft"), port("0.1.0", "draft", **CHANGES[kind])) == []
    assert found(port("0.1.0", "draft"), port("0.1.0", "active", **CHANGES[kind])) == []


NOT_A_DRAFT_AGAIN = "what was promised does not become a draft again: write `lifecycle: deprecated` to end it"
NOT_BACK = "a retired version does not come back: write `version: 2.0.0`"
# Lifecycle before and after: the expected one, and the remedy.
REFUSED = {
    ("draft", "deprecated"): (
        "draft or active",
        "a draft was never promised: write `lifecycle: active`, or leave it a draft",
    ),
    ("draft", "retired"): ("draft or active", "a draft was never promised: leave the contract out instead"),
    ("active", "draft"): ("active or deprecated", NOT_A_DRAFT_AGAIN),
    ("active", "retired"): (
        "active or deprecated",
        "write `lifecycle: deprecated` first, which warns consumers while the port still works",
    ),
    ("deprecated", "draft"): ("deprecated, active or retired", NOT_A_DRAFT_AGAIN),
    ("retired", "draft"): ("retired", NOT_BACK),
    ("retired", "active"): ("retired", NOT_BACK),
    ("retired", "deprecated"): ("retired", NOT_BACK),
}


@pytest.mark.parametrize(("before", "after"), list(itertools.product(ContractLifecycle, ContractLifecycle)))
def test_a_lifecycle_follows_its_transitions(before: ContractLifecycle, after: ContractLifecycle) -> None:
    findings = found(port("1.0.0", before), port("1.0.0", after))
    if after in TRANSITIONS[before]:
        assert findings == []
    else:
        [finding] = findings
        assert (finding.rule, finding.path) == ("lifecycle", ("contract", "lifecycle"))
        expected, hint = REFUSED[before.value, after.value]
        assert finding.message == f"found {after}, expected {expected}: version 1.0.0 is {before}"
        assert finding.hint == hint


def test_a_lifecycle_is_draft_active_deprecated_retired_and_a_deprecation_can_be_reversed() -> None:
    allowed = {(before.value, after.value) for before, ways in TRANSITIONS.items() for after in ways if after != before}
    assert allowed == {
        ("draft", "active"),
        ("active", "deprecated"),
        ("deprecated", "active"),
        ("deprecated", "retired"),
    }


def test_a_new_version_after_a_retired_one_starts_its_own_lifecycle() -> None:
    assert found(port("1.0.0", "retired"), port("2.0.0", "draft", **CHANGES["breaking"])) == []
    assert found(port("1.0.0", "retired"), port("2.0.0", "active", **CHANGES["breaking"])) == []
    assert [finding.rule for finding in found(port("1.0.0", "retired"), port("2.0.0", "deprecated"))] == ["lifecycle"]


def test_a_retired_version_returns_only_under_a_new_number() -> None:
    [finding] = found(port("1.0.0", "retired"), port("1.0.0", "active"))
    assert "version: 2.0.0" in finding.hint


def test_a_contract_in_force_cannot_be_removed() -> None:
    [finding] = found(port("1.0.0"), PromisedPort(None, {}, ()))
    assert (finding.rule, finding.path) == ("contract", ("contract",))
    assert finding.message == "found no contract, expected one: version 1.0.0 is active"
    assert finding.hint == "set `lifecycle: retired` before leaving it out, and `lifecycle: deprecated` before that"
    [finding] = found(port("1.0.0", "deprecated"), PromisedPort(None, {}, ()))
    assert finding.hint == "set `lifecycle: retired` before leaving it out"


@pytest.mark.parametrize("lifecycle", ["draft", "retired"])
def test_a_contract_that_is_not_in_force_can_be_removed(lifecycle: str) -> None:
    assert found(port("1.0.0", lifecycle), PromisedPort(None, {}, ())) == []


def test_added_and_removed_ports_need_no_version_change() -> None:
    assert found(None, port("0.3.0", "deprecated")) == []
    assert found(port("1.0.0"), None) == []
    assert found(PromisedPort(None, {}, ()), port("1.0.0")) == []
    assert found(None, None) == []


MANIFEST = """\
kind: DataProduct
output_ports:
  - name: other
  - name: flights-table
    models: [flight]
    contract:
      version: 2.1.4
      lifecycle: draft
"""


def test_a_finding_becomes_a_problem_at_the_line_of_the_manifest() -> None:
    tree, _ = parse(MANIFEST, "alchemesh.yaml")
    findings = found(port("2.1.4"), port("2.1.4", "draft", **CHANGES["breaking"]))
    lifecycle, version = problems_of(findings, tree, "flights-table")
    assert (str(lifecycle.location), lifecycle.path) == ("alchemesh.yaml:8:18", "output_ports[1].contract.lifecycle")
    assert (str(version.location), version.path) == ("alchemesh.yaml:7:16", "output_ports[1].contract.version")
    assert version.severity == "error"
    assert [(problem.message, problem.hint) for problem in (lifecycle, version)] == [
        (finding.message, finding.hint) for finding in findings
    ]


def test_a_warning_stays_a_warning_as_a_problem() -> None:
    tree, _ = parse(MANIFEST, "alchemesh.yaml")
    [problem] = problems_of(found(port("2.1.4"), port("2.1.4", **CHANGES["documentation"])), tree, "flights-table")
    assert problem.severity == "warning"


def test_a_finding_of_a_removed_contract_has_the_place_of_its_port() -> None:
    tree, _ = parse(MANIFEST.partition("    contract:")[0], "alchemesh.yaml")
    [problem] = problems_of(found(port("1.0.0"), PromisedPort(None, {}, ())), tree, "flights-table")
    assert (str(problem.location), problem.path) == ("alchemesh.yaml:4:5", "output_ports[1]")


def test_a_finding_is_one_flat_json_object() -> None:
    [finding] = found(port("2.1.4"), port("2.1.4", **CHANGES["documentation"]))
    assert finding.as_json() == {
        "rule": "version",
        "path": "contract.version",
        "severity": "warning",
        "message": finding.message,
        "hint": finding.hint,
    }
