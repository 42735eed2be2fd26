"""Every command has a line in the list, a help text with examples, and a page in the docs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from alchemesh_cli.main import COMMANDS, alchemesh, invoke
from alchemesh_platform.base.failure import EXIT_CODES, ExitCode

ROOT = Path(__file__).parent.parent.parent


def command(name: str) -> click.Command:
    found = alchemesh.get_command(click.Context(alchemesh), name)
    assert found is not None
    return found


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_has_the_summary_of_each_command(name: str) -> None:
    assert command(name).short_help == COMMANDS[name]
    assert (command(name).help or "").startswith(COMMANDS[name].rstrip(".").split(";")[0].split(",")[0])


def test_an_exit_in_the_middle_of_a_command_is_no_success(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def leave(**_options: object) -> None:
        raise SystemExit(0)

    monkeypatch.setattr(command("doctor"), "callback", leave)
    assert invoke(["doctor"]) == ExitCode.FAILED
    assert "error: unexpected error: SystemExit: 0\n\nhint: " in capsys.readouterr().err


@pytest.mark.parametrize("name", COMMANDS)
def test_help_gives_examples_and_explains_every_option(name: str) -> None:
    found = command(name)
    below = list(found.commands.values()) if isinstance(found, click.Group) else []
    for leaf in [found, *below]:
        assert "Examples:" in (leaf.help or ""), f"{name} {leaf.name} shows no example"
        for option in leaf.params:
            if isinstance(option, click.Option):
                assert option.help, f"{name} {option.opts[0]} says nothing"


def test_every_command_module_is_in_the_list() -> None:
    modules = {path.stem for path in (ROOT / "cli" / "alchemesh_cli" / "commands").glob("[a-z]*.py")}
    assert modules == set(COMMANDS)


def test_an_unknown_command_names_the_closest(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["statsu"]) == ExitCode.USAGE
    assert "No such command 'statsu'; did you mean 'status'?" in capsys.readouterr().err


def test_an_unknown_option_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["plan", "--jsn"]) == ExitCode.USAGE
    assert "--json" in capsys.readouterr().err


def test_every_exit_code_has_a_meaning() -> None:
    assert set(EXIT_CODES) == set(ExitCode)


@pytest.mark.slow
def test_the_generated_docs_are_fresh() -> None:
    checked = subprocess.run(
        [sys.executable, ROOT / "docs" / "generate.py", "--check"], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_for_the_shell(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["completion", shell]) == 0
    assert "_ALCHEMESH_COMPLETE" in capsys.readouterr().out


def test_a_closed_pipe_is_no_traceback() -> None:
    shell = f"{sys.executable} -m alchemesh_cli components list | head -c 1"
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr


def test_an_interrupt_while_the_program_still_loads_is_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "click.py").write_text("raise KeyboardInterrupt\n")  # as if the key was pressed at this moment
    stopped = subprocess.run(
        [sys.executable, "-m", "alchemesh_cli", "validate"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (stopped.returncode, stopped.stdout, stopped.stderr) == (ExitCode.FAILED, "", "error: stopped\n")
