"""Texts in SQL."""

from __future__ import annotations


def quoted(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"
