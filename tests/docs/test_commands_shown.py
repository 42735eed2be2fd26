"""Commands that pages and help texts show can be typed: they exist, and take what they are given."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import suppress
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


def shown_in(page: str) -> Iterator[str]:
    """Command lines of blocks, and commands in sentences."""
    for block in BLOCK.findall(page):
        yield from lines_of(block)
    prose = BLOCK.sub("", page)
    yield from (match[0].strip() for match in INDENTED.finditer(prose))
    yield from (match[1].replace("\n", " ") for match in INLINE.finditer(prose))


def lines_of(block: str) -> Iterator[str]:
    for line in block.replace("\\\n", " ").splitlines():
        yield from re.findall(r"(?:^|\$ |&& )(alchemesh (?:(?!&&).)*)", line.strip())
        yield from re.findall(r"\$\((alchemesh [^)]*)\)", line)


def help_of(command: click.Command, name: str) -> Iterator[tuple[str, str]]:
    yield name, command.help or ""
    for each in getattr(command, "commands", {}).values():
        yield from help_of(each, f"{name} {each.name}")


def shown() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for line in dict.fromkeys(shown_in(page.read_text("utf-8"))):
            yield str(page.relative_to(ROOT)), line
    for name in COMMANDS:
        command = alchemesh.get_command(click.Context(alchemesh), name)
        assert command is not None
        for where, text in help_of(command, name):
            for line in lines_of(text):
                yield f"{where} --help", line


def arguments_of(line: str) -> list[str]:
    """What the shell would hand over: without comments, redirections and what comes after a pipe."""
    words = shlex.split(line.removeprefix("$ "), comments=True)
    ends = [at for at, word in enumerate(words) if word in {"|", ">", "&&", ";"}]
    return words[1 : min(ends, default=len(words))]


SHOWN = sorted(set(shown()))


def test_commands_are_found() -> None:
    assert len(SHOWN) > 150


@pytest.mark.parametrize(("where", "line"), SHOWN, ids=[f"{where}: {line}" for where, line in SHOWN])
def test_a_command_that_is_shown_can_be_typed(where: str, line: str) -> None:
    arguments = arguments_of(line)
    if PLACEHOLDERS & set(arguments):
        pytest.fail(f"{where} shows no whole command: {line}")
    context = click.Context(alchemesh)
    command: click.Command = alchemesh
    while isinstance(command, click.Group) and arguments and not arguments[0].startswith("-"):
        _, found, arguments = command.resolve_command(context, arguments)
        assert found is not None
        command = found
    if isinstance(command, click.Group) or not arguments:
        return  # a command in a sentence: named, not typed
    with suppress(click.exceptions.Exit):  # of --help
        command.make_context(command.name, [*arguments])
