"""The template engine, Jinja2, which an extra installs: templates see their answers and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.packages.extras import PACKAGE, install_command

if TYPE_CHECKING:
    from jinja2.sandbox import SandboxedEnvironment


class TemplatesMissing(Failure):
    """Raised when the template engine is not installed."""


def sandbox(extra: str, **options: Any) -> SandboxedEnvironment:
    """An environment of Jinja2 in which an unknown name is an error.

    Args:
        extra: The extra that installs Jinja2 for this use: ``testing`` or ``ci``.
        options: Options of the environment.

    Raises:
        TemplatesMissing: when Jinja2 is not installed; gives the command that installs it.
    """
    try:
        from jinja2 import StrictUndefined
        from jinja2.sandbox import SandboxedEnvironment
    except ModuleNotFoundError as error:
        raise TemplatesMissing(
            "the template engine, Jinja2, is not installed here", hint=f"`{install_command(f'{PACKAGE}[{extra}]')}`"
        ) from error
    return SandboxedEnvironment(keep_trailing_newline=True, undefined=StrictUndefined, **options)
