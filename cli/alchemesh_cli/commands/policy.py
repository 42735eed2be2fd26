"""`alchemesh policy`: show and test the policies of the mesh."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alchemesh_cli.context import json_option
from alchemesh_cli.documents import echo_json
from alchemesh_cli.terminal.printing import styled
from alchemesh_platform.base.failure import ExitCode, Failure

if TYPE_CHECKING:
    from alchemesh_platform.policies.cases import CaseResult
    from alchemesh_platform.policies.load import LoadedPolicy
    from alchemesh_platform.policies.models import Policy

PATHS = click.argument("paths", nargs=-1, metavar="[FILES]...", type=click.Path(path_type=Path))


class UnknownPolicy(Failure):
    """Raised when there is no policy of a given name."""

    exit_code = ExitCode.USAGE


@click.group(short_help="Show and test the policies of the mesh.")
def command() -> None:
    """Show and test the policies of the mesh.

    A policy is a rule of the governance group: a CEL expression over the product, its domain and its plan. A violation
    forbids the deployment, is a warning, or reduces the value score. Other policies approve access requests on behalf
    of the owner.

    \b
    Examples:
      alchemesh policy list
      alchemesh policy show stable-contract
      alchemesh policy test policies/
    """


@command.command(name="list", short_help="List policies.")
@PATHS
@json_option
def list_policies(paths: tuple[Path, ...], as_json: bool) -> None:
    """List the policies of the platform, and those of FILES, which replace policies of the same name.

    FILES are policy files, or folders with policy files.

    \b
    Examples:
      alchemesh policy list
      alchemesh policy list policies/
      alchemesh policy list --json | jq '.[] | select(.effect == "deny")'
    """
    from alchemesh_cli.render.text.table import table_lines, terminal_width
    from alchemesh_platform.policies.load import load_policies, with_shipped

    policies = with_shipped([loaded.policy for loaded in load_policies(paths)])
    if as_json:
        echo_json("policies", [_document(policy) for policy in policies])
        return
    heads = ("policy", "effect", "applies to", "owner", "description")
    rows = [
        (policy.name, _effect(policy), policy.applies_to.value, policy.owner, policy.description) for policy in policies
    ]
    click.echo("\n".join(table_lines(heads, rows, terminal_width())))


@command.command(short_help="Show a policy, and the variables of its expressions.")
@click.argument("name")
@PATHS
@json_option
def show(name: str, paths: tuple[Path, ...], as_json: bool) -> None:
    """Show a policy, and the variables of its expressions.

    NAME is a policy of the platform, or one of FILES.

    \b
    Examples:
      alchemesh policy show stable-contract
      alchemesh policy show our-naming policies/
    """
    from alchemesh_cli.render.text.table import hanging, pair_lines, terminal_width
    from alchemesh_platform.policies.load import load_policies, with_shipped
    from alchemesh_platform.policies.variables import VARIABLES

    named = {policy.name: policy for policy in with_shipped([loaded.policy for loaded in load_policies(paths)])}
    if name not in named:
        from alchemesh_platform.base.problems import did_you_mean
        from alchemesh_platform.base.remedy import Command, remedy

        hint = did_you_mean(name, list(named), otherwise=remedy("{} shows all", Command(("policy", "list"))))
        raise UnknownPolicy(f"no policy {name!r}", hint=hint)
    policy, variables = named[name], VARIABLES[named[name].applies_to]
    if as_json:
        described = {variable: each.description for variable, each in variables.items()}
        echo_json("policy", {**_document(policy), "variables": described})
        return
    facts = (
        ("applies to", policy.applies_to.value),
        ("when", policy.when),
        ("require", policy.require),
        ("message", policy.message),
        ("hint", policy.hint or None),
        ("cases", str(len(policy.cases))),
    )
    may_name = (
        (variable, f"{each.description} May be unknown: {each.source}." if each.source else each.description)
        for variable, each in variables.items()
    )
    width = terminal_width()
    lines = [f"{policy.name}  {_effect(policy)}  {policy.owner}", "", *hanging("", policy.description, width), ""]
    lines += pair_lines(((key, text) for key, text in facts if text is not None), width)
    lines += ["", "Variables of its expressions:", "", *pair_lines(may_name, width)]
    click.echo("\n".join(lines))


@command.command(short_help="Run policies against their recorded cases.")
@PATHS
@json_option
def test(paths: tuple[Path, ...], as_json: bool) -> ExitCode | None:
    """Run policies against their recorded cases.

    FILES are policy files, or folders with policy files; by default the policies of the platform. Exit code 1 means
    that a result differs from its recorded case, 3 that a file has problems.

    \b
    Examples:
      alchemesh policy test
      alchemesh policy test policies/
      alchemesh policy test policies/our-naming.yaml --json
    """
    from alchemesh_platform.policies.cases import run_cases
    from alchemesh_platform.policies.load import SHIPPED, load_policies

    results = [(loaded, run_cases(loaded)) for loaded in load_policies(paths or (SHIPPED,))]
    cases = [case for _, ran in results for case in ran]
    failed = sum(not case.as_expected for case in cases)
    if as_json:
        document = {
            "policies": [
                {"policy": loaded.policy.name, "file": loaded.tree.file, "cases": [case.as_json() for case in ran]}
                for loaded, ran in results
            ],
            "cases": len(cases),
            "failed": failed,
        }
        echo_json("policy-cases", document)
    else:
        for loaded, ran in results:
            _print_cases(loaded, ran)
        click.echo(
            f"{_counted(len(results), 'policy', 'policies')}, {_counted(len(cases), 'case', 'cases')}, {failed} failed"
        )
    return ExitCode.FAILED if failed else None


def _print_cases(loaded: LoadedPolicy, ran: list[CaseResult]) -> None:
    from alchemesh_platform.policies.cases import hint_on_literals

    click.echo(f"{styled(loaded.policy.name, bold=True)}  {_effect(loaded.policy)}")
    if not ran:
        click.echo("  no cases are recorded")
    hint = hint_on_literals(loaded.policy)
    for case in ran:
        mark, colour = ("✓", "green") if case.as_expected else ("✗", "red")
        click.echo(f"  {styled(mark, fg=colour)} {case.case}: {_words(case.got, case.at)}")
        if not case.as_expected:
            click.echo(f"      {case.location}  expected {_words(case.expected, case.expected_at or ())}")
            if case.message:
                click.echo(f"      the policy says: {case.message}")
            if hint is not None:
                click.echo(f"      hint: {hint}")
    click.echo("")


def _words(outcome: str, at: tuple[str, ...]) -> str:
    places = ", ".join(place for place in at if place)
    return f"{outcome.replace('_', ' ')}{f' at {places}' if places else ''}"


def _effect(policy: Policy) -> str:
    return f"{policy.effect.value} {policy.points}" if policy.points is not None else policy.effect.value


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def _document(policy: Policy) -> dict[str, Any]:
    return policy.model_dump(mode="json", exclude={"kind", "cases"})
