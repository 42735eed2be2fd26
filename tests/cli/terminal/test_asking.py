"""Questions at a terminal, and the signals that end them."""

from __future__ import annotations

import signal
import sys

import click
import pytest

from alchemesh_cli.terminal.asking import confirm
from alchemesh_cli.terminal.interrupts import interruptible


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_question_of_a_command_that_is_interruptible(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first Ctrl-C once left the question open: it announced that it finishes started steps, and kept waiting."""
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)

    def answer(_prompt: str) -> str:
        signal.raise_signal(number)
        return "y"

    monkeypatch.setattr(click.termui, "visible_prompt_func", answer)
    with interruptible() as cancel:
        handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
        with pytest.raises(click.Abort):
            confirm("Deploy this?", confirmed=False)
        assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == handlers
    assert not cancel.is_set()
    assert capsys.readouterr().err == "\n", "only the line of the question ends"
