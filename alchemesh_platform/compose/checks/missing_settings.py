"""Settings that a component needs and the built-in platform lacks, reported where the manifest uses the component."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alchemesh_platform.base.problems import Problem
from alchemesh_platform.compose.uses import Use
from alchemesh_platform.documents.document import listed, quoted, written
from alchemesh_platform.documents.shape import Expected
from alchemesh_platform.platform_file.builtin import BUILTIN_LOCAL

if TYPE_CHECKING:
    from pydantic import BaseModel

    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.sdk.spec import ComponentSpec

PLATFORM_FILE = """\
write it into platform.yaml, beside the manifest or above in its git repository:

    kind: Platform
    name: my-platform
    environments:
      {environment}:
        extends: {builtin}
        settings:
{groups}"""


def missing_settings(
    use: Use, spec: ComponentSpec, model: type[BaseModel], platform: Platform, problems: list[Problem]
) -> list[Problem]:
    """The problems of settings, each with a fix that a person can make, since the built-in platform cannot be edited.

    Args:
        use: The place in the manifest that uses the component.
        spec: The component.
        model: Its settings.
        platform: The environment.
        problems: The problems of the environment's settings.

    Returns:
        The same problems, if a file holds the settings; otherwise one problem at the use, with the lines to add.
    """
    groups = [
        name for name, field in model.model_fields.items() if field.is_required() and name not in platform.settings
    ]
    if platform.tree.location.file != BUILTIN_LOCAL or not groups:
        return problems
    where = f"environments.{platform.environment}.settings"
    lines = (f"          {group}: {Expected(model).below(group)}" for group in groups)
    hint = PLATFORM_FILE.format(environment=platform.environment, builtin=BUILTIN_LOCAL, groups="\n".join(lines))
    message = (
        f"found {quoted(use.component_type)}, whose component {spec.name} needs {listed(groups, 'and')} in {where}, "
        "expected a platform file that has it"
    )
    return [Problem(use.location, written((*use.path, "component")), message, hint)]
