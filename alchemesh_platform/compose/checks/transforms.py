"""Checks for transforms of a platform file that can never apply, because their component does not exist."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from alchemesh_platform.base.problems import Problem, did_you_mean
from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.documents.document import quoted, written

if TYPE_CHECKING:
    from alchemesh_platform.platform_file.models import Platform


def transform_problems(platform: Platform, catalog: Collection[str]) -> Iterator[Problem]:
    """Transforms whose component is not in the catalogue and does not implement any type of the environment.

    A component of the catalogue that implements nothing in this environment may come from an environment that it
    extends.
    """
    here = platform.components.values()
    for index, transform in enumerate(platform.transforms):
        name, path = transform.component, ("transforms", index, "component")
        if name not in catalog and name not in here:
            yield Problem(
                platform.tree.locate(path),
                written(("environments", platform.environment, *path)),
                f"found {quoted(name)}, expected a component",
                did_you_mean(
                    name, sorted({*here, *catalog}), otherwise=remedy("{} shows all", command("components", "list"))
                ),
            )
