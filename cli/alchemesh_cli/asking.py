"""Questions to a person at a terminal."""

from __future__ import annotations

import sys

import click

from alchemesh_cli.context import NotATerminal


def confirm(question: str, confirmed: bool) -> bool:
    """Ask for confirmation, unless ``--yes`` was given; returns only after a yes.

    Raises:
        NotATerminal: without a terminal.
        click.Abort: when the answer is no.
    """
    if confirmed:
        return True
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise NotATerminal("a confirmation is needed, and there is no terminal", hint="confirm with `--yes`")
    if not click.confirm(question, default=False, err=True):
        raise click.Abort
    return True


def confirm_possible() -> None:
    """Fail before anything starts if a question will follow and there is no terminal."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        confirm("", confirmed=False)
