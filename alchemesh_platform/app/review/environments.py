"""The environments that the platform files of a repository have."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from alchemesh_platform.app.review.repository import NoRepository, Repository
from alchemesh_platform.base.files.home import home
from alchemesh_platform.base.problems import ProblemsFound
from alchemesh_platform.platform_file.load import (
    PLATFORM_FILE,
    UnknownEnvironment,
    find_platform_file,
    load_platform,
)


def check_environments(
    folder: Path, environments: Sequence[str], platform_file: Path | None = None, *, may_be_first: bool = False
) -> bool:
    """Check that each environment is in one of the platform files that products of a repository use.

    A platform file with problems counts as one that has them all: the preview of a product reports the problems.

    Args:
        folder: A folder of the repository.
        environments: Names of the environments.
        platform_file: The platform file of all products; by default, each of the repository.
        may_be_first: Whether a repository without a platform file is accepted, because it gets one later.

    Returns:
        Whether there is a platform file.

    Raises:
        UnknownEnvironment: for the first environment that none of them has.
    """
    files: Sequence[Path | None] = [platform_file] if platform_file is not None else _platform_files(folder)
    if not files and not may_be_first:
        files = [None]
    for environment in environments:
        refused: list[UnknownEnvironment] = []
        for file in files:
            try:
                load_platform(file, environment, home())
                break
            except ProblemsFound:
                break
            except UnknownEnvironment as unknown:
                refused.append(unknown)
        else:
            if refused:
                raise refused[0]
    return any(file is not None for file in files)


def _platform_files(folder: Path) -> list[Path]:
    nearest = find_platform_file(folder.resolve())
    found = [] if nearest is None else [nearest]
    try:
        repository = Repository.of(folder)
    except NoRepository:
        return found
    return [*found, *(repository.root / path for path in repository.files_named(PLATFORM_FILE))]
