"""Commands on pages and in help texts can be typed: they exist, and accept the arguments that are shown with them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from alchemesh_cli.main import COMMANDS, alchemesh

ROOT = Path(__file__).parent.parent.parent
PAGES = [page for page in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")) if page.parent.name != "adr"]
BLOCK = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"^ {4}(\$ )?alchemesh .*$", re.MULTILINE)
INLINE = re.compile(r"`(alchemesh [^`]+)`")
PLACEHOLDERS = {"…", "...", "|"}


def shown_in(page: str) -> Iterator[tuple[str, bool]]:
    """Command lines, and whether a reader types them: those of blocks, where a sentence may only name a command."""
    for block in BLOCK.findall(page):
        yield from ((line, True) for line in lines_of(block))
    prose = BLOCK.sub("", page)
    yield from ((match[0].strip(), True) for match in INDENTED.finditer(prose))
    yield from ((match[1].replace("\n", " "), False) for match in INLINE.finditer(prose))


def lines_of(block: str) -> Iterator[str]:
    for line in block.replace("\\\n", " ").splitlines():
        yield from re.findall(r"(?:^|\$ |&& )(alchemesh (?:(?!&&).)*)", line.strip())
        yield from re.findall(r"\$\((alchemesh [^)]*)\)", line)


def help_of(command: click.Command, name: str) -> Iterator[tuple[str, str]]:
    yield name, command.help or ""
    for each in getattr(command, "commands", {}).values():
        yield from help_of(each, f"{name} {each.name}")


def shown() -> Iterator[tuple[str, str, bool]]:
    for page in PAGES:
        for line, typed in shown_in(page.read_text("utf-8")):
            yield str(page.relative_to(ROOT)), line, typed
    for name in COMMANDS:
        command = alchemesh.get_command(click.Context(alchemesh), name)
        assert command is not None
        for where, text in help_of(command, name):
            for line in lines_of(text):
                yield f"{where} --help", line, True


def arguments_of(line: str) -> list[str]:
    """The arguments that the shell passes on: without comments, redirections and later commands of a pipe."""
    words = shlex.split(line.removeprefix("$ "), comments=True)
    ends = [at for at, word in enumerate(words) if word in {"|", ">", "&&", ";"}]
    return words[1 : min(ends, default=len(words))]


SHOWN = sorted(set(shown()))


def resolved(arguments: list[str]) -> tuple[click.Command, list[str]]:
    """The command that a line names, and the arguments that are left for it.

    Raises:
        click.UsageError: when there is no such command.
    """
    command: click.Command = alchemesh
    while isinstance(command, click.Group) and arguments and not arguments[0].startswith("-"):
        _, found, arguments = command.resolve_command(click.Context(command), arguments)
        assert found is not None
        command = found
    return command, arguments


def accepted(command: click.Command, arguments: list[str]) -> bool:
    """Whether a command accepts arguments; it runs nothing but ``--help`` and ``--version``."""
    try:
        command.make_context(command.name, [*arguments])
    except click.exceptions.Exit as left:
        return left.exit_code == 0
    return True


def test_commands_are_found() -> None:
    assert len([line for _where, line, typed in SHOWN if typed]) > 150
    assert len([line for _where, line, typed in SHOWN if not typed]) > 100


@pytest.mark.parametrize(("where", "line", "typed"), SHOWN, ids=[f"{where}: {line}" for where, line, _typed in SHOWN])
def test_a_command_that_is_shown_can_be_typed(where: str, line: str, typed: bool) -> None:
    arguments = arguments_of(line)
    assert not PLACEHOLDERS & set(arguments), f"{where} does not show the whole command"
    command, rest = resolved(arguments)
    if rest or typed:
        assert accepted(command, rest), f"{where} shows a command that is refused"
    else:
        assert command is not alchemesh, f"{where} names no command"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("alchemesh upp", "No such command 'upp'"),
        ("alchemesh contract notise", "No such command 'notise'"),
        ("alchemesh up --yess", "No such option '--yess'"),
        ("alchemesh contract notice", "Missing argument"),
    ],
)
def test_a_command_that_cannot_be_typed_is_refused(line: str, reason: str) -> None:
    with pytest.raises(click.UsageError) as refused:
        accepted(*resolved(arguments_of(line)))
    assert reason in refused.value.format_message()
