"""Questions to a person at a terminal."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from alchemesh_cli.context import NotATerminal
from alchemesh_cli.terminal import waited


def confirm(question: str, confirmed: bool) -> bool:
    """Ask for confirmation, unless ``--yes`` was given; returns only after a yes.

    Raises:
        NotATerminal: without a terminal.
        click.Abort: when the answer is no, and on Ctrl-C.
    """
    if confirmed:
        return True
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise NotATerminal("a confirmation is needed, and there is no terminal", hint="confirm with `--yes`")
    try:
        with _ended_by_signals():
            agreed = click.confirm(question, default=False, err=True)
    except click.Abort:
        click.echo(err=True)  # end the line of the unanswered question
        raise
    if not agreed:
        raise click.Abort
    waited.begin()
    return True


def confirm_possible() -> None:
    """Fail before anything starts if a question will follow and there is no terminal."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        confirm("", confirmed=False)


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Ctrl-C and SIGTERM end the question: no engine runs meanwhile that has to stop cleanly (`interrupts.py`)."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
