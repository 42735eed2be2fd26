"""Asking a person, where there is one."""

from __future__ import annotations

import sys

import click

from alchemesh_cli.context import NotATerminal


def confirm(question: str, confirmed: bool) -> bool:
    """Ask, unless the answer was given with ``--yes``; an answer is always True.

    Raises:
        NotATerminal: when nobody can answer.
        click.Abort: when the answer is no.
    """
    if confirmed:
        return True
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise NotATerminal("there is no terminal to ask at", hint="`--yes` answers the question beforehand")
    if not click.confirm(question, default=False, err=True):
        raise click.Abort
    return True


def confirm_possible() -> None:
    """Refuse at once, before anything is started, when a question is to come that nobody could answer."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        confirm("", confirmed=False)
