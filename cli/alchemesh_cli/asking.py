"""Asking a person, where there is one."""

from __future__ import annotations

import sys

import click

from alchemesh_cli.context import NotATerminal


def confirm(question: str, confirmed: bool) -> None:
    """Ask, unless the answer was given with ``--yes``.

    Raises:
        NotATerminal: when nobody can answer.
        click.Abort: when the answer is no.
    """
    if confirmed:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise NotATerminal("there is no terminal to ask at", hint="`--yes` answers the question beforehand")
    if not click.confirm(question, default=False, err=True):
        raise click.Abort
