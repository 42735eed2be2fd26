"""The output of commands is cleaned, and a display that fails fails no deployment."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from pathlib import Path
from typing import TextIO, cast

import click
import pytest

import alchemesh_cli
from alchemesh_cli.main import COMMANDS, ONLY_PRINT, alchemesh, invoke
from alchemesh_cli.render.run.events import Shown
from alchemesh_cli.terminal import printing
from alchemesh_platform.app.events import Noted
from alchemesh_platform.app.where import Where
from alchemesh_platform.base.failure import ExitCode

CLI = Path(alchemesh_cli.__file__).parent


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


def test_only_one_module_writes_styles_and_makes_consoles() -> None:
    """One place cleans what is printed."""
    around = re.compile(r"click\.(style|secho)\(|(?<!\w)Console\(|sys\.std(out|err)\.(write|buffer)|(?<![\w.])print\(")
    found = [
        f"{file.relative_to(CLI)}: {line.strip()}"
        for file in sorted(CLI.rglob("*.py"))
        if file.name not in ("printing.py", "__main__.py")
        for line in file.read_text("utf-8").splitlines()
        if around.search(line)
    ]
    assert found == []


def test_a_text_of_others_is_escaped_and_our_styles_stay() -> None:
    terminal = Terminal()
    stream = printing.Stream(cast("TextIO", terminal))
    port = printing.styled("a\x1b[8mport", bold=True)
    click.echo(f"{port}  \x1b[31mred\u202e", file=cast("TextIO", stream))
    assert terminal.getvalue() == "\x1b[1ma\\u001b[8mport\x1b[0m  \\u001b[31mred\\u202e\n"


def test_a_pipe_gets_no_styles() -> None:
    pipe = io.StringIO()
    click.echo(printing.styled("port", bold=True, fg="red"), file=cast("TextIO", printing.Stream(cast("TextIO", pipe))))
    assert pipe.getvalue() == "port\n"


def test_a_forged_style_is_escaped() -> None:
    terminal = Terminal()
    printing.Stream(cast("TextIO", terminal)).write("\ufdd00000000000000000" + "31\ufdd1")
    assert "\x1b" not in terminal.getvalue()


def test_rich_prints_cleaned_text(monkeypatch: pytest.MonkeyPatch) -> None:
    from rich.text import Text

    pipe = io.StringIO()
    monkeypatch.setattr(sys, "stdout", printing.Stream(cast("TextIO", pipe)))
    printing.console().print(Text("purpose \x1b]0;root \u202edesrever"), soft_wrap=True)
    assert pipe.getvalue() == "purpose \\u001b]0;root \\u202edesrever\n"


@pytest.mark.parametrize("encoding", ["ascii", "iso8859-1", "cp437"])
def test_a_terminal_that_is_not_utf_8_gets_marks_in_ascii(tmp_path: Path, encoding: str) -> None:
    """`up` ended with UnicodeEncodeError and exit code 1 after a deployment that had succeeded."""
    (tmp_path / "alchemesh.yaml").write_text("kind: DataProduct\nname: ✓é\n", "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "alchemesh_cli", "validate"],
        cwd=tmp_path,
        env={"PYTHONIOENCODING": encoding, "PATH": "", "LC_ALL": "C"},
        capture_output=True,
        check=False,
    )
    printed = (done.stdout + done.stderr).decode(encoding)
    assert done.returncode == ExitCode.PROBLEMS, printed
    assert "Error" not in printed


def test_a_mark_keeps_its_meaning_in_ascii() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    printing.Stream(stream).write("├─ ✓ a → b ± ✗ é\n")
    stream.flush()
    assert cast("io.BytesIO", stream.buffer).getvalue().decode() == "|- ok a -> b +/- x \\u00e9\n"


class Closed(io.StringIO):
    """A pipe that nobody reads."""

    def write(self, text: str) -> int:
        raise BrokenPipeError

    def fileno(self) -> int:
        raise OSError


@pytest.mark.parametrize(("arguments", "code"), [(["components", "list"], 1), (["unlock", "--help"], 0)])
def test_a_closed_pipe_fails_only_a_command_whose_output_is_its_result(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int
) -> None:
    monkeypatch.setattr(sys, "stdout", Closed())
    assert invoke(arguments) == code


def test_every_command_that_only_prints_exists() -> None:
    context = click.Context(alchemesh)
    for words in sorted(ONLY_PRINT):
        first, *more = words.split()
        assert first in COMMANDS
        found = alchemesh.get_command(context, first)
        assert not more or (isinstance(found, click.Group) and found.get_command(context, more[0]) is not None), words


def test_a_display_that_fails_is_noted_once_and_does_not_stop_the_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A listener that raised stopped the engine in the middle of a deployment."""
    shown = Shown(Where(tmp_path), as_json=False, operation="up")

    def broken(_self: Shown, _event: object) -> None:
        raise ZeroDivisionError("no width")

    monkeypatch.setattr(Shown, "_show", broken)
    shown(Noted("one"))
    shown(Noted("two"))
    assert capsys.readouterr().err == "note: the display failed, and the run continues: ZeroDivisionError: no width\n"
