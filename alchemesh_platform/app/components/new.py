"""Create a package with a component of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from alchemesh_platform import __version__

if TYPE_CHECKING:
    from alchemesh_platform.scaffold.answers import Answers, Pipeline

SOURCE = "https://github.com/alchemesh/alchemesh-platform.git"  # has the template at a tag for each version


class NewComponent(NamedTuple):
    """A package that was created.

    Args:
        folder: The folder of the package.
        answers: The answers that it was rendered with.
        files: The paths of its files, relative to the folder.
    """

    folder: Path
    answers: Answers
    files: tuple[str, ...]


def new_component(
    name: str, role: str, component_type: str | None = None, *, into: Path, owner: str, ci: Pipeline
) -> NewComponent:
    """Create a package with a component that works on the local platform.

    Args:
        name: Name of the component, and of the package's folder.
        role: Its role: ``storage``, ``proxy``, ``input-port``, ``infrastructure`` or ``code``.
        component_type: The existing component type that it implements; None for a type of its own.
        into: The folder to create the package in.
        owner: Name of the team that maintains it.
        ci: The service that runs the package's pipeline.

    Raises:
        BadAnswer: when a name is not valid or taken, or when the type does not fit the role.
        FolderTaken: when the folder has files already.
        NotWritten: when the folder cannot be written.
    """
    from alchemesh_platform.catalog.discover import discover
    from alchemesh_platform.scaffold.answers import answers_of
    from alchemesh_platform.scaffold.rendering import render, write_folder

    answers = answers_of(name, role, component_type, discover(), owner=owner, ci=ci, version=__version__)
    files = render(answers.as_dict(), source=SOURCE, commit=f"v{__version__}")
    folder = into / name
    write_folder(folder, files)
    return NewComponent(folder, answers, tuple(files))
