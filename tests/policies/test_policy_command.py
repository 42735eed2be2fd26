"""`alchemesh policy`: list, show, test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from alchemesh_cli.commands.policy import UnknownPolicy, command
from alchemesh_cli.main import invoke
from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.base.problems import ProblemsFound
from alchemesh_platform.policies.load import shipped_policies
from tests.policies.writing import POLICY, write


def run(*arguments: object) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments], standalone_mode=False)


def test_list_shows_every_policy_with_effect_scope_and_owner() -> None:
    lines = run("list").stdout.splitlines()
    assert len(lines) == len(shipped_policies()) + 1
    (line,) = [line for line in lines if line.startswith("source-aligned-source-system")]
    assert line.split()[1:5] == ["devalue", "30", "product", "mesh-governance"]


def test_list_shows_custom_policies_and_the_ones_they_replace(tmp_path: Path) -> None:
    own = write(tmp_path, "naming.yaml", POLICY)
    replaced = write(tmp_path, "mine.yaml", POLICY.replace("our-naming", "stable-contract"))
    listed = json.loads(run("list", own, replaced, "--json").stdout)
    assert len(listed) == len(shipped_policies()) + 1
    assert {policy["name"]: policy["owner"] for policy in listed}["stable-contract"] == "governance"


def test_show_gives_the_expression_of_a_policy_and_its_variables() -> None:
    shown = run("show", "stable-contract").stdout
    assert "has(port.contract)" in shown
    assert "product.lifecycle == 'stable'" in shown
    assert "domain.type" in shown
    assert "May be unknown" in shown


def test_show_supports_json(tmp_path: Path) -> None:
    shown = json.loads(run("show", "our-naming", write(tmp_path, "naming.yaml", POLICY), "--json").stdout)
    assert (shown["require"], shown["points"]) == ("product.name.startsWith('ac-')", 10)
    assert "product.name" in shown["variables"]


def test_show_of_an_unknown_policy_names_the_closest() -> None:
    failure = run("show", "stabel-contract").exception
    assert isinstance(failure, UnknownPolicy)
    assert failure.exit_code is ExitCode.USAGE
    assert "stable-contract" in (failure.hint or "")


def test_test_runs_the_shipped_policies_and_all_cases_pass() -> None:
    result = run("test")
    assert result.return_value is None
    assert result.stdout.splitlines()[-1].endswith("0 failed")
    assert "✗" not in result.stdout


def test_test_shows_expected_and_actual_results_and_exits_with_status_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, "naming.yaml", POLICY.replace("expect: violated", "expect: not_applicable"))
    assert invoke(["policy", "test", str(path)]) == ExitCode.FAILED
    shown = capsys.readouterr().out
    assert "  ✓ a name of ours: passed" in shown
    assert "  ✗ another name: violated" in shown
    assert "naming.yaml:16:5  expected not applicable" in shown
    assert "the policy says: the name does not begin with ac-" in shown
    assert shown.splitlines()[-1] == "1 policy, 2 cases, 1 failed"


SPAN = """\
kind: Policy
name: thirty-days
owner: gov
description: Contracts give thirty days.
applies_to: output_port
require: port.contract.terms.notice_period == '30d'
effect: deny
message: the notice period is not 30 days
hint: write 30d
cases:
  - name: thirty days, as the manifest writes it
    given: {product: {models: {m: {properties: {id: {type: string}}}}, output_ports: [{name: t, models: [m], \
storage: {component: columnar-table}, contract: {version: 1.0.0, terms: {notice_period: 30d}}}]}}
    expect: passed
"""


def test_a_text_that_no_value_is_equal_to_has_a_hint_and_show_has_the_form(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The case failed without a reason: a policy does not see 30d as the manifest writes it."""
    path = write(tmp_path, "span.yaml", SPAN)
    assert invoke(["policy", "test", str(path)]) == ExitCode.FAILED
    hint = "a span of time has milliseconds here: 30d is '2592000000ms'. Compare duration(…) with duration('2592000s')"
    assert f"      hint: {hint}" in capsys.readouterr().out
    assert not invoke(["policy", "show", "thirty-days", str(path)])
    assert "in milliseconds: 30d is '2592000000ms'. A percentage is a number: 99.5% is 99.5." in " ".join(
        capsys.readouterr().out.split()
    )

    right = SPAN.replace(
        "port.contract.terms.notice_period == '30d'",
        "duration(port.contract.terms.notice_period) == duration('2592000s')",
    )
    assert not invoke(["policy", "test", str(write(tmp_path, "span.yaml", right))])
    assert "hint:" not in capsys.readouterr().out
    percent = SPAN.replace("port.contract.terms.notice_period == '30d'", "port.name == '99.5%'")
    assert invoke(["policy", "test", str(write(tmp_path, "span.yaml", percent))]) == ExitCode.FAILED
    assert "      hint: a percentage is a number here: 99.5% is 99.5\n" in capsys.readouterr().out


@pytest.mark.parametrize(("expect", "code", "failed"), [("violated", None, 0), ("passed", ExitCode.FAILED, 1)])
def test_test_supports_json(expect: str, code: ExitCode | None, failed: int, tmp_path: Path) -> None:
    result = run("test", write(tmp_path, "naming.yaml", POLICY.replace("violated", expect)), "--json")
    assert result.return_value is code
    document: dict[str, Any] = json.loads(result.stdout)
    assert (document["cases"], document["failed"]) == (2, failed)
    (policy,) = document["policies"]
    assert policy["policy"] == "our-naming"
    assert policy["cases"][1]["got"] == "violated"
    assert policy["cases"][1]["expected"] == expect
    assert policy["cases"][1]["line"] == 16


def test_test_names_policies_without_recorded_cases(tmp_path: Path) -> None:
    result = run("test", write(tmp_path, "naming.yaml", POLICY.partition("cases:")[0]))
    assert "no cases are recorded" in result.stdout
    assert result.return_value is None


@pytest.mark.parametrize("arguments", [("test",), ("list",), ("show", "our-naming")])
def test_a_mistake_in_a_file_is_a_problem_with_its_line(arguments: tuple[str, ...], tmp_path: Path) -> None:
    failure = run(*arguments, write(tmp_path, "naming.yaml", POLICY.replace("==", "="))).exception
    assert isinstance(failure, ProblemsFound)
    (problem,) = failure.problems
    assert (problem.location.line, problem.path) == (6, "when")
