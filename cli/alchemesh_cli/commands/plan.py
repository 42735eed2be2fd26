"""`alchemesh plan`: the components and assets of a manifest, offline."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alchemesh_cli.brief import brief
from alchemesh_cli.context import json_option, where_options
from alchemesh_cli.terminal.seen import warned
from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.base.problems import Problem, ProblemsFound

if TYPE_CHECKING:
    from alchemesh_platform.app.where import Where
    from alchemesh_platform.compose.plan import Plan
    from alchemesh_platform.manifest.load import LoadedManifest
    from alchemesh_platform.policies.results import PolicyResult
    from alchemesh_stacks.declared import Declared


@click.command(short_help="Show the components and assets of a manifest, offline.")
@click.argument("paths", nargs=-1, metavar="[PATHS]...", type=click.Path(path_type=Path))
@where_options
@json_option
@click.option(
    "--resources",
    "with_resources",
    is_flag=True,
    help="List each Pulumi resource of a first deployment. Takes seconds.",
)
@brief()
def command(
    paths: tuple[Path, ...],
    where: Where,
    as_json: bool,
    with_resources: bool,
) -> ExitCode | None:
    """Show the components and assets of a manifest, offline.

    For each port and need: the component type of the manifest, the component that implements it in the environment,
    and its assets. Needs no engine, no network and no credentials. To compare with the deployed resources, use
    `alchemesh preview`. Evaluates the policies of the platform, and those of the mesh as this machine last read them;
    exit code 4 means that one of them forbids the product.

    With --resources, the product's program runs in this process, without the engine, and lists each resource by name
    and type, as on a first `alchemesh preview`. Grants are not known offline.

    PATHS are manifests, or folders with a manifest; by default the product of this folder.

    \b
    Examples:
      alchemesh plan
      alchemesh plan -e prod
      alchemesh plan -e prod --resources    # in a merge request from a fork
      alchemesh plan products/*
      alchemesh plan --json | jq .outputs[].assets
    """
    code: ExitCode | None = None
    problems: list[Problem] = []
    documents: list[dict[str, Any]] = []
    for number, path in enumerate(paths or (where.directory,)):
        try:
            loaded, plan, results = _composed(replace(where, directory=path), require_extras=with_resources)
        except ProblemsFound as found:
            problems += found.problems
            code = ExitCode.PROBLEMS
            documents.append({"problems": [problem.as_json() for problem in found.problems]})
            continue
        resources = _resources(plan) if with_resources else None
        reported = [*loaded.warnings, *(problem for result in results for problem in result.problems())]
        if any(result.forbids for result in results):
            code = code or ExitCode.FORBIDDEN
        if as_json:
            from alchemesh_platform.compose.plan_document import plan_document
            from alchemesh_platform.policies.results import value_score

            document = {
                **plan_document(plan),
                "emulated": plan.emulated,
                "problems": [problem.as_json() for problem in reported],
                **({} if resources is None else {"resources": [resource.as_json() for resource in resources]}),
            }
            documents.append({**document, "value": value_score(results).as_json()})
            continue
        from alchemesh_cli.render.plan import plan_lines

        click.echo("\n" * bool(number) + "\n".join(plan_lines(plan, resources)))
        for problem in reported:
            click.echo(f"\n{warned(problem)}", err=True)
    if as_json:
        _echo(documents)
    from alchemesh_platform.policies.expression import CelMissing, cel_is_installed

    if not cel_is_installed():
        missing = CelMissing()
        click.echo(f"\nnot evaluated: {missing.message}: {missing.hint}", err=True)
    if problems and not as_json:
        raise ProblemsFound(problems)
    return code


def _composed(where: Where, *, require_extras: bool) -> tuple[LoadedManifest, Plan, tuple[PolicyResult, ...]]:
    from alchemesh_platform.app.manifest.offline import plan

    planned = plan(where, require_extras=require_extras)
    return planned.product.manifest, planned.product.plan, planned.results


def _resources(plan: Plan) -> list[Declared]:
    from alchemesh_stacks.declared import declared  # Pulumi and the SDKs of clouds are large

    return declared(plan)


def _echo(documents: list[dict[str, Any]]) -> None:
    """Print one document: the plan or the problems of one manifest, or those of several."""
    from alchemesh_cli.documents import echo_json

    if len(documents) > 1:
        echo_json("plans", {"plans": documents})
        return
    [document] = documents
    echo_json("plan" if "product" in document else "problems", document)
