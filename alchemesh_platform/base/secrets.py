"""Secrets are referred to by name, ``{secret: KAFKA_PASSWORD}``, and never written down.

A reference is all that manifests, plans, the registry and job descriptions hold. The value is looked up where it is
used, in the environment of the run, and is masked in everything that is printed or kept.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.names import VARIABLE_PATTERN

MASK = "[secret]"
SHORTEST_MASKED = 4  # shorter values would blank out ordinary words of a log


_placeholder: ContextVar[str] = ContextVar("placeholder", default="")


class SecretRef(BaseModel):
    """A secret by its name in the environment of the run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    secret: Annotated[str, Field(pattern=VARIABLE_PATTERN, description="Name of an environment variable.")]


class SecretMissing(Failure):
    """Raised when a secret that is referred to has no value here; carries its name, never a value."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"secret {name} has no value here", hint=f"set the environment variable {name}")


def resolve(reference: SecretRef, environ: Mapping[str, str] = os.environ) -> str:
    """The value behind a reference.

    Raises:
        SecretMissing: when the environment has no such variable, or an empty one.
    """
    value = environ.get(reference.secret) or _placeholder.get()
    if not value:
        raise SecretMissing(reference.secret)
    return value


def values_behind(tree: Any, environ: Mapping[str, str] = os.environ) -> set[str]:
    """Values of every reference in plain data, of those that have one here."""
    if isinstance(tree, Mapping):
        if tree.keys() == {"secret"} and isinstance(name := tree["secret"], str):
            return {value} if (value := environ.get(name)) else set()
        return {value for child in tree.values() for value in values_behind(child, environ)}
    if isinstance(tree, list | tuple):
        return {value for child in tree for value in values_behind(child, environ)}
    return set()


@contextmanager
def placeholder_for_missing(value: str) -> Iterator[None]:
    """Give every secret that has no value here this one, in this context only: to list resources needs no secret."""
    token = _placeholder.set(value)
    try:
        yield
    finally:
        _placeholder.reset(token)


def mask(text: str, values: Iterable[str]) -> str:
    """The text with every secret value blanked out, longest first so that no tail of a longer one stays."""
    for value in sorted(set(values), key=len, reverse=True):
        if len(value) >= SHORTEST_MASKED:
            text = text.replace(value, MASK)
    return text
