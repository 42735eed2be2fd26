"""A remedy with commands in an f-string is an error in tests, outside of the command line.

An f-string makes plain text: the commands lose their context options, and `--json` does not list them. ``remedy`` and
``joined`` keep them. The command line prints text and nothing else; the platform says so where it does: ``{hint!s}``.
"""

from __future__ import annotations

import sys
from typing import Any

import jsonschema

from alchemesh_cli import documents
from alchemesh_platform.base.remedy import Remedy


def refuse_text_of_remedies() -> None:
    """From now on, formatting a remedy with commands raises."""
    Remedy.__format__ = _format  # type: ignore[method-assign]


def check_documents() -> None:
    """From now on, a JSON document that a command prints must fit its published schema."""
    documents.on_document = _check_document


def _check_document(name: str, value: Any) -> None:
    jsonschema.validate(value, documents.published(name))


def _format(remedy: Remedy, spec: str) -> str:
    module = str(sys._getframe(1).f_globals.get("__name__"))
    if remedy.commands and not module.startswith("alchemesh_cli"):
        lines = ", ".join(command.line for command in remedy.commands)
        raise AssertionError(f"an f-string makes text of a remedy and loses its commands ({lines}): use remedy(…)")
    return format(str(remedy), spec)
