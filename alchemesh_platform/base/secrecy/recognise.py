"""Recognises secrets in properties and texts, and shows :data:`MASK` instead.

The rule of all output: failures, problems, notes, differences of properties, JSON documents and comments. Values of
secrets that the platform itself resolves are masked wherever they appear, see :mod:`alchemesh_platform.base.secrets`.
"""

from __future__ import annotations

import re
from typing import Any

MASK = "[secret]"

_KEYS = (
    r"pass(?:word|wd|phrase)|pwd|secret|token|credential|sasl|jaas|connection[_-]?string|"
    r"(?:api|private|access|account|shared|signing|encryption|client)[_-]?key"
)
# Short words count as words of their own only: `auth` and `proxyAuth`, and not `author`.
_SECRET_NAME = re.compile(
    rf"(?i){_KEYS}|cookie|(?<![a-z])(?:auth(?:orization|entication)?|pass|dsn|jwt)(?![a-z])|"
    r"(?-i:(?:Auth(?:orization|entication)?|Pass|Dsn|DSN|Jwt)(?![a-z]))"
)
# Secrets in a text, each with the text that is shown instead. The limits keep the search of a long text short.
_SECRETS = (
    # `***` and `…` in the place of a secret are shown as they are: the one is masked already, the other asks for it.
    (re.compile(r"://[^/\s:@]{0,200}:(?!\*\*\*@[^\s@]*(?:\s|$))\S{1,500}@"), f"://{MASK}@"),
    (re.compile(r"(?s)-----BEGIN [A-Z ]{0,40}PRIVATE KEY.*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|\Z)"), MASK),
    (
        re.compile(
            rf"(?i)((?:{_KEYS}|(?<![a-z])sig(?:nature)?)\w{{0,40}}(?:[\"']?\s{{0,5}}=|[\"']\s{{0,5}}:)\s{{0,5}})"
            r"(?!…(?:[\s`]|$))(?:'[^']{1,500}'|\"[^\"]{1,500}\"|[^\s;&]+)"
        ),
        rf"\1{MASK}",
    ),
    (re.compile(r"(?i)\b(bearer|basic)\s{1,5}(?=\S{0,200}(?:[\d=]|(?-i:[a-z][A-Z])))[\w.~+/=-]{8,}"), rf"\1 {MASK}"),
    (
        re.compile(r"(?i)\b(authorization[\"']?\s{0,5}[:=]\s{0,5}[\"']?(?:bearer|basic|token)\s{1,5})[^\s\"']+"),
        rf"\1{MASK}",
    ),
    (re.compile(r"\b(?:gh[opsur]_|github_pat_|glpat-|AKIA)[\w-]{16,}|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"), MASK),
)
_NAME = re.compile(r"[A-Z][A-Z0-9_]*")
_BEARER = re.compile(r"(?i)\s*bearer\s+\S")
# A text without any of these has no secret in it.
_SIGNS = re.compile(r"[=:]|-----BEGIN|bearer|basic|gh[opsur]_|github_pat_|glpat-|AKIA|eyJ", re.IGNORECASE)


def without_secrets(text: str) -> str:
    """A text without the passwords and tokens in it. The message of a driver may repeat its connection."""
    if _SIGNS.search(text) is None:
        return text
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text


def is_secret(path: str, *values: Any) -> bool:
    """Whether a property may hold a secret: by its name, by its mask, or by the form of a value."""
    return _SECRET_NAME.search(path) is not None or any(_holds_secret(value) for value in values)


def hidden(path: str, *values: Any) -> tuple[Any, ...]:
    """The values of one property, such as the old and the new one, without secrets.

    A text that is a secret, or becomes one, is masked on all sides. Of a mapping or a list only the secret parts are.
    """
    if not is_secret(path, *values):
        return values
    texts = _SECRET_NAME.search(path) is not None or any(_is_text(each) and _holds_secret(each) for each in values)
    return tuple(_masked(each, whole=texts) for each in values)


def documented(tree: Any) -> Any:
    """A JSON document in which no text shows a secret."""
    if isinstance(tree, str):
        return without_secrets(tree)
    if isinstance(tree, dict):
        return {key: documented(child) for key, child in tree.items()}
    return [documented(child) for child in tree] if isinstance(tree, list | tuple) else tree


def _masked(value: Any, *, whole: bool) -> Any:
    if value is None or is_reference(value):
        return value
    if whole or (_is_text(value) and _holds_secret(value)):
        return MASK
    if isinstance(value, dict):
        return {key: _masked(child, whole=_SECRET_NAME.search(str(key)) is not None) for key, child in value.items()}
    return [_masked(child, whole=False) for child in value] if isinstance(value, list) else value


def is_reference(value: Any) -> bool:
    """Whether a value names a secret, as ``{secret: KAFKA_PASSWORD}`` does, and does not have it."""
    return isinstance(value, dict) and value.keys() == {"secret"} and _NAME.fullmatch(str(value["secret"])) is not None


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _holds_secret(value: Any) -> bool:
    if isinstance(value, str):
        if MASK in value or _BEARER.match(value) is not None:
            return True
        return _SIGNS.search(value) is not None and any(pattern.search(value) for pattern, _ in _SECRETS)
    if isinstance(value, dict):
        return any(_SECRET_NAME.search(str(key)) or _holds_secret(child) for key, child in value.items())
    return isinstance(value, list) and any(_holds_secret(child) for child in value)
