"""References to secrets by name: ``{secret: KAFKA_PASSWORD}``.

Manifests, plans, the registry and job descriptions hold only references. The platform reads the value from the
environment of the run when it uses it, and masks it in everything that it prints or stores.
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
SHORTEST_MASKED = 4  # masking shorter values would remove ordinary words from a log


_placeholder: ContextVar[str] = ContextVar("placeholder", default="")


class SecretRef(BaseModel):
    """A secret by its name in the environment of the run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    secret: Annotated[str, Field(pattern=VARIABLE_PATTERN, description="Name of an environment variable.")]


class SecretMissing(Failure):
    """Raised when a referenced secret has no value in the environment. The error holds its name, never a value."""

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
    """The values of all references in plain data that have a value in the environment."""
    if isinstance(tree, Mapping):
        if tree.keys() == {"secret"} and isinstance(name := tree["secret"], str):
            return {value} if (value := environ.get(name)) else set()
        return {value for child in tree.values() for value in values_behind(child, environ)}
    if isinstance(tree, list | tuple):
        return {value for child in tree for value in values_behind(child, environ)}
    return set()


@contextmanager
def placeholder_for_missing(value: str) -> Iterator[None]:
    """Use this value, in this context only, for every secret without a value.

    Listing resources needs no real secret.
    """
    token = _placeholder.set(value)
    try:
        yield
    finally:
        _placeholder.reset(token)


def mask(text: str, values: Iterable[str]) -> str:
    """The text with every secret value masked. Longer values are masked first, so that no part of them remains."""
    for value in sorted(set(values), key=len, reverse=True):
        if len(value) >= SHORTEST_MASKED:
            text = text.replace(value, MASK)
    return text
