"""Names of resources in a cloud. The name of an address is stable, unique, and valid for its service."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

HASH_LENGTH = 10  # letters of base 32, 50 bits: a collision among a million shortened names has a chance of 1 in 2,000


@dataclass(frozen=True, slots=True)
class NameRule:
    """The rule of a service for names.

    Args:
        what: The named thing, in words.
        max_length: Longest name.
        separator: Separator of words; doubled between parts, so that parts stay distinct.
        everywhere: Whether the name is unique in the whole cloud rather than in its project or account.
        reserved: Texts that the service refuses anywhere in the name.
        reserved_start: Text, or texts, that the service refuses at the beginning.
        reserved_end: Texts that the service refuses at the end.
    """

    what: str
    max_length: int
    separator: Literal["-", "_"] = "-"
    everywhere: bool = False
    reserved: tuple[str, ...] = ()
    reserved_start: str | tuple[str, ...] = ""
    reserved_end: tuple[str, ...] = ()


def name_of(rule: NameRule, parts: Sequence[str]) -> str:
    """One name from parts: joined if they fit, otherwise cut, with a hash of all parts at the end.

    Args:
        rule: The rule of the service.
        parts: At least three names or identifiers from manifests. Empty ones are left out.
    """
    given = [part for part in parts if part]
    joined = (2 * rule.separator).join(_written(part, rule.separator) for part in given)
    readable = _allowed(joined, rule)
    if readable == joined and len(joined) <= rule.max_length:
        return joined
    ending = 2 * rule.separator + _hash(given)
    start = "" if readable[:1].isalpha() else "x"
    kept = f"{start}{readable}"[: rule.max_length - len(ending)].rstrip(rule.separator)
    return f"{kept}{ending}"


def member_name(member: str) -> str:
    """A member of IAM in letters, digits and hyphens, for the name of a resource. Members have distinct names.

    ``user:bo.x@acme.example`` and ``user:bo-x@acme.example`` have the same letters. So only the usual form of each kind
    stays as it is, and every other one has a hash at its end. The name of a member does not depend on other members:
    otherwise the name of one would change when another one joins, and the engine would remove its access last.

    Args:
        member: The member: ``user:bo@acme.example``, ``group:desk@acme.example``, ``role/desk``.
    """
    text = member.lower()
    readable = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in text).strip("-")
    return readable if _USUAL.fullmatch(text) else f"{readable}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


# One separator within the name of each kind, and two words after the @. A request has one service account at most.
_USUAL = re.compile(
    r"user[:/][a-z0-9]+(\.[a-z0-9]+)*@[a-z0-9]+\.[a-z0-9]+"
    r"|group:[a-z0-9]([a-z0-9-]*[a-z0-9])?@[a-z0-9]+\.[a-z0-9]+"
    r"|(role|group)/[a-z0-9]([a-z0-9-]*[a-z0-9])?"
    r"|serviceaccount:[a-z0-9-]+@[a-z0-9-]+\.iam\.gserviceaccount\.com"
)


def _written(part: str, separator: str) -> str:
    return part.replace("-", separator).replace("_", separator)


def _allowed(name: str, rule: NameRule) -> str:
    """The name without reserved texts of the service. It repeats, since a removal may form another reserved text."""
    while True:
        shorter = name
        for text in (rule.reserved_start,) if isinstance(rule.reserved_start, str) else rule.reserved_start:
            shorter = shorter.removeprefix(text)
        for text in rule.reserved_end:
            shorter = shorter.removesuffix(text)
        for text in rule.reserved:
            shorter = shorter.replace(text, "")
        shorter = shorter.strip(rule.separator)
        if shorter == name:
            return name
        name = shorter


def _hash(parts: Sequence[str]) -> str:
    digest = hashlib.sha256("/".join(parts).encode()).digest()
    return base64.b32encode(digest).decode().lower()[:HASH_LENGTH]
