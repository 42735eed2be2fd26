"""The credential that a system issues to a consumer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class IssuedCredential:
    """A credential: shown once, never stored.

    Args:
        user: Name of the user.
        password: Its password.
        valid_for: Addresses and settings that it is valid for; keys and values of the ``--json`` output.
        lines: The same, as lines for a person.
    """

    user: str
    password: str = field(repr=False)
    valid_for: Mapping[str, Any] = field(default_factory=dict)
    lines: tuple[str, ...] = ()
