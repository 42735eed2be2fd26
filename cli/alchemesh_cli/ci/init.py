"""`alchemesh ci init`: the pipeline of a repository."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from alchemesh_cli.context import directory_option
from alchemesh_cli.options import yes_option

if TYPE_CHECKING:
    from alchemesh_platform.scaffold.pipelines.render import Forge

EXTRAS = "gcp,policies,oidc,object-state,postgresql"


@click.command(short_help="Write the pipeline of a repository, for GitHub or GitLab.")
@click.argument("forge", type=click.Choice(["github", "gitlab"]))
@directory_option
@click.option(
    "-e",
    "--environment",
    "environments",
    multiple=True,
    default=("prod",),
    show_default=True,
    help="Environment to preview and deploy, in the order of deployment; repeatable.",
)
@click.option("--branch", default="main", show_default=True, help="The default branch, which is deployed.")
@click.option("--extras", default=EXTRAS, show_default=True, help="Extras of the package that the jobs install.")
@click.option(
    "--audience",
    default="alchemesh",
    show_default=True,
    help="Audience of the identity token, as in the platform file.",
)
@yes_option
def command(
    forge: Forge,
    directory: Path,
    environments: tuple[str, ...],
    branch: str,
    extras: str,
    audience: str,
    confirmed: bool,
) -> None:
    """Write the pipeline of a repository, for GitHub or GitLab.

    It previews the data products that a merge request affects and comments on it, deploys those that a push to the
    default branch affects, with the approvals of the forge's environments, and looks for drift every day. A job of its
    own runs the business tests of the contracts every day: its identity needs the operation `report` in `pipelines` of
    the platform file. A merge request from a fork gets an offline preview, without secrets and without an identity.
    Jobs sign in with identity tokens of the forge, so the repository holds no keys.

    The command changes no existing file without consent. It never changes an existing .gitlab-ci.yml: it prints the
    lines to add, also after another run with more environments.

    \b
    Examples:
      alchemesh ci init github -e dev -e prod
      alchemesh ci init gitlab -e prod --extras gcp,oidc
    """
    from alchemesh_cli.commands.contract import command as contract
    from alchemesh_cli.context_options import with_context_options
    from alchemesh_cli.terminal.asking import confirm
    from alchemesh_platform.app.review.environments import check_environments
    from alchemesh_platform.app.review.pipelines import check_extras, write_pipeline
    from alchemesh_platform.platform_file.builtin import LOCAL

    def consent(existing: Sequence[str]) -> None:
        for path in existing:
            click.echo(f"! {path} exists and differs", err=True)
        confirm(f"Overwrite {', '.join(existing)}?", confirmed)

    check_extras(extras)
    declared = [name for name in dict.fromkeys(environments) if name != LOCAL]  # `local` is built in
    if not check_environments(directory, environments, may_be_first=True) and declared:
        names = ", ".join(declared)
        click.echo(f"note: no platform file is here: add one with {names} before the first pipeline runs", err=True)
    verify = "verify" in getattr(contract, "commands", {})
    done = write_pipeline(
        forge,
        directory,
        tuple(dict.fromkeys(environments)),
        branch=branch,
        extras=extras,
        audience=audience,
        verify=verify,
        consent=consent,
    )
    for path in done.written:
        click.echo(f"+ {path}")
    for path in done.unchanged:
        click.echo(f"= {path}")
    for path, lines in done.to_add:
        click.echo(f"\n{path} is unchanged. Add these lines to it, to its own `stages` and `include`:\n\n{lines}")
    if not verify:
        click.echo("note: this version has no `contract verify`, so no job verifies contracts", err=True)
    click.echo(f"next: {with_context_options(NEXT[forge])}", err=True)


NEXT = {
    "github": "commit the files. In the settings of the repository, add the environments with required reviewers, "
    "one named alchemesh-preview whose identity can only read, and one named alchemesh-contracts whose identity can "
    "read data and record verdicts",
    "gitlab": "commit the files. Protect the environments with approvals, and schedule a pipeline for drift and "
    "contracts. Comments need the variable GITLAB_TOKEN, a project access token with the scope api",
}
