"""`alchemesh components new`: create a package with a component of one's own."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from alchemesh_platform.base.packages.extras import is_tool

if TYPE_CHECKING:
    from alchemesh_platform.app.components.new import NewComponent
    from alchemesh_platform.scaffold.answers import Pipeline

ROLES = ("storage", "proxy", "input-port", "infrastructure", "code")


@click.command(name="new", short_help="Create a package with a component of your own.")
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), required=True, help="Place in a product that it takes.")
@click.option(
    "--type",
    "component_type",
    metavar="TYPE",
    help="Existing component type to implement, such as columnar-table.  [default: a new type named NAME]",
)
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="Folder to create the package's folder in.  [default: this folder]",
)
@click.option("--owner", default="platform-team", show_default=True, help="Team that maintains the component.")
@click.option(
    "--ci",
    type=click.Choice(["github", "gitlab"]),
    default="github",
    show_default=True,
    help="Service that runs the pipeline of the package.",
)
def command(name: str, role: str, component_type: str | None, into: Path, owner: str, ci: Pipeline) -> None:
    """Create a package with a component of your own, which works on the local platform at once.

    Creates the folder NAME with the component, its tests, a docs page, a pipeline, and an example product. An
    existing folder is not overwritten.

    \b
    Examples:
      alchemesh components new acme-table --role storage --type columnar-table
      alchemesh components new acme-vault --role infrastructure --into components --ci gitlab
    """
    from alchemesh_platform.app.components.new import new_component

    made = new_component(name, role, component_type, into=into, owner=owner, ci=ci)
    click.echo(_created(made))


def _created(made: NewComponent) -> str:
    answers, folder = made.answers, shlex.quote(str(made.folder))
    # A tool of uv or pipx is alone in its environment, so the package needs one.
    environment = "python3 -m venv .venv && . .venv/bin/activate && " if is_tool() else ""
    role = answers.role.replace("-", " ")
    return (
        f"{made.folder}: component {answers.component} of type {answers.component_type}, "
        f"role {role}, {len(made.files)} files\n\n"
        f"next: cd {folder} && {environment}python -m pip install --editable '.[test]' && python -m pytest\n"
        "then: cd example && alchemesh up && alchemesh run"
    )
