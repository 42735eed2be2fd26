"""Does what a page of documentation says: runs its commands and writes its files, in one shell and one folder.

A block of commands begins with ``$``. Lines without it are output, which the command prints. The sentence before
another block says what to do with it:

- ```FILE` has these lines:`` the file contains them already.
- ``In `FILE`, above `TEXT`:`` insert them above the first line that begins so; ``instead of``: in its place.
- ``In `FILE`, remove this line:`` remove the line of the block.
- ``Write `FILE`:`` the whole file.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_CODE = r"(?:`` ?(?P<{0}2>.+?) ?``|`(?P<{0}>[^`]+)`)"
BLOCK = re.compile(r"(?P<before>[^\n]*)\n\n^```\w*\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
SENTENCE = re.compile(
    rf"(?:In {_CODE.format('in')}, (?:(?P<how>above|instead of)(?: the first)? {_CODE.format('text')}|remove this line)"
    rf"|{_CODE.format('has')} has these lines|Write {_CODE.format('whole')}):$"
)
LONGEST = 300.0  # seconds of one page


@dataclass(frozen=True, slots=True)
class Step:
    """A block of a page.

    Args:
        sentence: The line before the block.
        body: The lines of the block.
    """

    sentence: str
    body: str

    @property
    def commands(self) -> list[tuple[str, str]]:
        """Each command, and the output that the page shows for it."""
        parts = re.split(r"^\$ ", self.body.replace("\\\n", " "), flags=re.MULTILINE)[1:]
        return [(command, shown) for command, _, shown in (part.partition("\n") for part in parts)]


def steps_of(page: str) -> Iterator[Step]:
    """The blocks of a page, in their order."""
    yield from (Step(found["before"], found["body"]) for found in BLOCK.finditer(page))


class Shell:
    """A shell that keeps its folder and its variables between commands."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self.home = folder
        self._process = subprocess.Popen(
            ["bash", "--norc"],
            cwd=folder,
            env=dict(environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, command: str) -> str:
        """Run a command that must succeed, and return its output."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        mark = f"--- done {os.urandom(8).hex()}"
        self._process.stdin.write(f"{{ {command}\n}} </dev/null\ncode=$?; echo; echo '{mark}' $code \"$PWD\"\n")
        self._process.stdin.flush()
        lines: list[str] = []
        for line in self._process.stdout:
            if line.startswith(mark):
                code, _, folder = line.removeprefix(mark).strip().partition(" ")
                self.home = Path(folder)
                output = "".join(lines).removesuffix("\n")
                assert code == "0", f"`{command}` left with {code}\n{output}"
                return output
            lines.append(line)
        raise AssertionError(f"the shell ended at `{command}`\n{''.join(lines)}")

    def close(self) -> None:
        """End the shell."""
        self._process.communicate("exit\n", timeout=30)


def follow(page: str, shell: Shell) -> list[str]:
    """Do what a page says, from its first block to its last.

    Returns:
        The commands that ran.
    """
    ran: list[str] = []
    for step in steps_of(page):
        if step.body.startswith("$ "):
            for command, shown in step.commands:
                output = shell.run(command)
                assert shown.strip() in output, f"`{command}` printed\n{output}"
                ran.append(command)
        else:
            _edit(step, shell.home)
    return ran


def _edit(step: Step, folder: Path) -> None:
    found = SENTENCE.search(step.sentence)
    assert found is not None, f"the sentence before a block names no file: {step.sentence}"
    names = {verb: found[verb] or found[f"{verb}2"] for verb in ("in", "has", "whole")}
    file = folder / next(filter(None, names.values()))
    if names["whole"]:
        file.write_text(step.body, "utf-8")
        return
    text = file.read_text("utf-8")
    if found["how"] is None:
        assert step.body in text, f"{file} does not have\n{step.body}"
        if names["in"]:
            file.write_text(text.replace(step.body, "", 1), "utf-8")
        return
    lines, begin = text.splitlines(keepends=True), found["text"] or found["text2"]
    at = next((number for number, line in enumerate(lines) if line.strip().startswith(begin)), None)
    assert at is not None, f"no line of {file} begins with {begin}"
    lines[at : at + (found["how"] == "instead of")] = [step.body]
    file.write_text("".join(lines), "utf-8")
