"""Commands in messages, completed with the typed context options: `-C`, `-e`, `--platform`, `--emulate`.

A user can run such a command without changing it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar

import click

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.problems import Problem, ProblemsFound
from alchemesh_platform.base.remedy import Command, Remedy, remedy

DIRECTORY = "-C"

_TYPED = "alchemesh.typed"
_JSON = "alchemesh.json"

Message = TypeVar("Message", str, Problem)


def remember(context: click.Context, option: click.Parameter, value: Any) -> Any:
    """Callback of a context option: stores the typed value. Variables of the shell stay set and need no option."""
    if context.get_parameter_source(option.name or "") is click.core.ParameterSource.COMMANDLINE:
        flag = min(option.opts, key=len)
        context.meta.setdefault(_TYPED, {})[flag] = (flag,) if value is True else (flag, str(value))
    return value


def remember_each(context: click.Context, option: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Callback of a context option that is repeatable: stores a single typed value. Several fit no other command."""
    if len(values) == 1:
        remember(context, option, values[0])
    return values


def remember_json(context: click.Context, _option: click.Parameter, value: bool) -> bool:
    """Callback of ``--json``: stores it, so that errors are a JSON document, too."""
    context.meta[_JSON] = value
    return value


def wants_json(context: click.Context) -> bool:
    """Whether the running command has ``--json``."""
    return bool(context.meta.get(_JSON))


def with_context_options(message: Message) -> Message:
    """A message, or a problem, whose commands have the context options of the running command."""
    if isinstance(message, Problem):
        return replace(message, hint=message.hint and with_context_options(message.hint))
    return message.with_commands(complete) if isinstance(message, Remedy) else message


def next_line(*commands: Command) -> Remedy:
    """``next: alchemesh up``, with the context options of the running command."""
    return remedy("next: {}", " && ".join(complete(each).line for each in commands))


def complete_error(error: Failure | ProblemsFound) -> None:
    """Complete the commands that an error names."""
    if isinstance(error, ProblemsFound):
        error.problems = tuple(with_context_options(one) for one in error.problems)
    else:
        error.message = with_context_options(error.message)
        error.hint = error.hint and with_context_options(error.hint)


def complete(command: Command) -> Command:
    """A command with the context options of the running command that it accepts and does not have yet."""
    context = click.get_current_context(silent=True)
    typed: dict[str, tuple[str, ...]] = context.meta.get(_TYPED, {}) if context is not None else {}
    if context is None or not typed:
        return command
    accepted = _flags(context.find_root(), command.words)
    for flag, words in typed.items():
        if flag in accepted and flag not in command.words and (flag != DIRECTORY or command.about_product):
            command = command.with_words(*words)
    return command


def _flags(root: click.Context, words: tuple[str, ...]) -> set[str]:
    """Flags of the subcommand that words lead to."""
    found: click.Command | None = root.command
    for word in words:
        if not isinstance(found, click.Group):
            break
        found = found.get_command(root, word)
    return {flag for option in found.params for flag in option.opts} if found is not None else set()
