"""References to secrets by name: ``{secret: KAFKA_PASSWORD}``.

Manifests, plans, the registry and job descriptions hold only references. The platform reads the value from the
environment of the run when it uses it, and masks it in everything that it prints or stores.
"""

from __future__ import annotations

import json
import os
import re
import shlex
from base64 import b64encode, encodebytes
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Annotated, Any
from urllib.parse import quote, quote_plus

from pydantic import BaseModel, ConfigDict, Field

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.names import VARIABLE_PATTERN
from alchemesh_platform.base.secrecy import recognise

MASK = recognise.MASK
SHORTEST_MASKED = 4  # masking shorter values would remove ordinary words from a log
_BASE64_LINE = 57  # bytes in a line of base64.encodebytes

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
            return _secret_parts(environ.get(name) or "")
        return {value for child in tree.values() for value in values_behind(child, environ)}
    if isinstance(tree, list | tuple):
        return {value for child in tree for value in values_behind(child, environ)}
    return set()


def _secret_parts(value: str) -> set[str]:
    """A value, and the password of one that names its user too: ``USER:PASSWORD``."""
    password = value.partition(":")[2]
    return {each for each in (value, password) if each and not each.startswith("//")}


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


def references_in(tree: Any) -> set[str]:
    """The names of all references to secrets in plain data."""
    if isinstance(tree, Mapping):
        if tree.keys() == {"secret"} and isinstance(name := tree["secret"], str):
            return {name}
        return {name for child in tree.values() for name in references_in(child)}
    if isinstance(tree, list | tuple):
        return {name for child in tree for name in references_in(child)}
    return set()


def mask(text: str, values: Iterable[str]) -> str:
    """The text with every secret value masked, also where it is escaped or encoded, see :func:`forms_of`."""
    return Masker(values).mask(text)


class Masker:
    """Masks secret values in text that arrives in pieces.

    Args:
        values: The secret values.
    """

    def __init__(self, values: Iterable[str]) -> None:
        self._forms = sorted({form for value in values for form in forms_of(value)})
        self._longest = max((len(form) for form in self._forms), default=1)

    def mask(self, text: str) -> str:
        """The text with every secret value masked. Values that overlap are masked together."""
        return _replaced(text, self._spans(text))

    def split(self, text: str) -> tuple[str, str]:
        """Split the begin of an unfinished text from its end, in which a secret may have begun.

        Returns:
            The begin, masked, and the end, unchanged. Put the end before the text that follows.
        """
        spans = self._spans(text)
        cut = max(len(text) - self._longest + 1, 0)
        cut = next((end for start, end in spans if start < cut < end), cut)
        return _replaced(text[:cut], [span for span in spans if span[1] <= cut]), text[cut:]

    def _spans(self, text: str) -> list[tuple[int, int]]:
        """The ranges of the text to mask, in order. None of them overlap."""
        found = sorted((start, start + len(form)) for form in self._forms for start in _places(text, form))
        spans: list[tuple[int, int]] = []
        for start, end in found:
            if spans and start < spans[-1][1]:
                spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
            else:
                spans.append((start, end))
        return spans


def forms_of(value: str) -> set[str]:
    """A secret value as it may appear in a text: itself, escaped, and as base64, hexadecimal and URL encoding.

    Text is masked by lines, so each line of a value counts too. Short texts are left out, since masking them would
    remove ordinary words.
    """
    parts = {value, *value.splitlines()}
    return {form for part in parts if len(part) >= SHORTEST_MASKED for form in _forms(part)}


def _forms(value: str) -> Iterator[str]:
    import html  # its table of entities is needed here only

    data = value.encode("utf-8", "surrogateescape")
    escaped = {value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1]}
    escaped |= {repr(data)[2:-1], html.escape(value), value.replace("'", "'\\''"), shlex.quote(value).strip("'")}
    escaped |= {json.dumps(form)[1:-1] for form in escaped}  # JSON within JSON
    quoted = {quote(data, safe=""), quote(data), quote_plus(data)}
    hexadecimal = {data.hex(), data.hex(" "), data.hex(":")}
    lower, upper = {_lower_escapes(text) for text in quoted}, {text.upper() for text in hexadecimal}
    for form in escaped | quoted | lower | hexadecimal | upper | set(_base64_forms(data)):
        if len(form) >= SHORTEST_MASKED:
            yield form


def _base64_forms(data: bytes) -> Iterator[str]:
    """The characters of base64 that depend on the data only, at each place where the data can begin."""
    for before in range(3):
        code = b64encode(bytes(before) + data).decode().rstrip("=")
        # The first characters also encode what precedes the data, and the last one may encode what follows.
        begin, end = (0, 2, 3)[before], (before + len(data)) * 8 // 6
        yield from {code[begin:end], code[begin:end].translate(str.maketrans("+/", "-_"))}
    if len(data) > _BASE64_LINE:  # as MIME and PEM wrap it
        yield from encodebytes(data).decode().splitlines()


def _lower_escapes(text: str) -> str:
    return re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), text)


def _places(text: str, form: str) -> Iterator[int]:
    at = text.find(form)
    while at >= 0:
        yield at
        at = text.find(form, at + 1)


def _replaced(text: str, spans: Sequence[tuple[int, int]]) -> str:
    at, kept = 0, []
    for start, end in spans:
        kept += [text[at:start], MASK]
        at = end
    return "".join([*kept, text[at:]])
