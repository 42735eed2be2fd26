"""Commands that messages name, with what was typed of where to work: so that they can be typed as they are shown."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from typing import Any

import click

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.problems import ProblemsFound

NAMED = re.compile(r"(`|next: )alchemesh ([a-z][^`\n·]*[^`\n· ])")
DIRECTORY = "-C"

_TYPED = "alchemesh.typed"


def remember(context: click.Context, option: click.Parameter, value: Any) -> Any:
    """Callback of an option that says where to work: keeps what was typed of it; variables of the shell stay set."""
    if context.get_parameter_source(option.name or "") is click.core.ParameterSource.COMMANDLINE:
        flag = min(option.opts, key=len)
        context.meta.setdefault(_TYPED, {})[flag] = flag if value is True else f"{flag} {shlex.quote(str(value))}"
    return value


def with_context_options(text: str, *, here: bool = False) -> str:
    """A message whose commands say where to work as the command that is running does.

    Args:
        text: The message; commands are between backticks, or after ``next:``.
        here: Whether they are of the same product, and so want its folder too.
    """
    context = click.get_current_context(silent=True)
    typed = dict(context.meta.get(_TYPED, {})) if context is not None else {}
    if not here:
        typed.pop(DIRECTORY, None)
    if context is None or not typed:
        return text
    root = context.find_root()
    return NAMED.sub(lambda found: f"{found[1]}alchemesh {_completed(root, found[2], typed)}", text)


def complete_error(error: Failure | ProblemsFound) -> None:
    """Complete the commands that the hints of an error name."""
    if isinstance(error, ProblemsFound):
        error.problems = tuple(replace(one, hint=one.hint and with_context_options(one.hint)) for one in error.problems)
    elif error.hint:
        error.hint = with_context_options(error.hint)


def _completed(root: click.Context, words: str, typed: dict[str, str]) -> str:
    """Words of a command, and what was typed that it takes and does not say itself."""
    said = words.split()
    command: click.Command | None = root.command
    for word in said:
        if not isinstance(command, click.Group):
            break
        command = command.get_command(root, word)
    taken = {flag for option in command.params for flag in option.opts} if command is not None else set()
    return " ".join([words, *(value for flag, value in typed.items() if flag in taken and flag not in said)])
