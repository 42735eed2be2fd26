"""Renders the files of a pipeline for a forge.

Placeholders are ``<< >>`` and blocks ``<% %>``: GitHub and GitLab have their own in double braces and brackets. Each
answer fits a narrow pattern, so no answer can add a line or an expression to a pipeline.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.names import ENVIRONMENT_PATTERN
from alchemesh_platform.scaffold.templates import sandbox

Forge = Literal["github", "gitlab"]

HERE = Path(__file__).parent
COMPONENT = "templates/alchemesh.yml"
OWN_PIPELINE = ".gitlab-ci.yml"  # other jobs may be in it
# Forge: the template of each file.
FILES: Mapping[Forge, Mapping[str, str]] = {
    "github": {
        ".github/actions/alchemesh/action.yml": "action.yml.jinja",
        ".github/workflows/alchemesh-preview.yml": "preview.yml.jinja",
        ".github/workflows/alchemesh-comment.yml": "comment.yml.jinja",
        ".github/workflows/alchemesh-deploy.yml": "deploy.yml.jinja",
        ".github/workflows/alchemesh-drift.yml": "watch.yml.jinja",
    },
    "gitlab": {COMPONENT: "component.yml.jinja", OWN_PIPELINE: "pipeline.yml.jinja"},
}
_PATTERNS = {
    "branch": (re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,99}"), "the name of a branch, such as main"),
    "extras": (re.compile(r"[a-z][a-z-]*(?:,[a-z][a-z-]*)*"), "names of extras, such as gcp,oidc"),
    "audience": (re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,199}"), "an audience, such as alchemesh"),
    "version": (re.compile(r"[0-9][0-9a-z.+]*"), "a version"),
}


class BadAnswer(Failure):
    """Raised for an answer that cannot be part of a pipeline."""

    exit_code = ExitCode.USAGE


@dataclass(frozen=True, slots=True)
class Answers:
    """The parts of a pipeline that differ from repository to repository.

    Args:
        environments: Names of the environments, in the order of their deployment.
        branch: The default branch, which is deployed.
        extras: Extras of the package, separated by commas.
        audience: Audience of the identity token of deployments, as the platform file has it.
        version: Version of the package.
        verify: Whether this version has `contract verify`.
        minute: Minute of the hour at which scheduled jobs start.
    """

    environments: tuple[str, ...]
    branch: str
    extras: str
    audience: str
    version: str
    verify: bool = False
    minute: int = 17


def pipeline(forge: Forge, answers: Answers) -> dict[str, str]:
    """The files of a pipeline, by path.

    Raises:
        BadAnswer: for an answer that cannot be part of a pipeline.
    """
    for name, (pattern, expected) in _PATTERNS.items():
        found = str(getattr(answers, name))
        if not pattern.fullmatch(found):
            raise BadAnswer(f"found {found!r}, expected {expected}")
    for environment in answers.environments:
        if not re.fullmatch(ENVIRONMENT_PATTERN, environment):
            raise BadAnswer(f"found {environment!r}, expected the name of an environment, such as prod")
    made = sandbox(
        "ci",
        variable_start_string="<<",
        variable_end_string=">>",
        block_start_string="<%",
        block_end_string="%>",
        comment_start_string="<#",
        comment_end_string="#>",
    )
    return {
        path: made.from_string((HERE / forge / template).read_text("utf-8")).render(asdict(answers))
        for path, template in FILES[forge].items()
    }
