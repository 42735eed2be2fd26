"""The errors of a system, and the hints that explain them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from alchemesh_platform.base.remedy import with_text


@dataclass(frozen=True, slots=True)
class ErrorHint:
    """The hint for one error.

    Args:
        pattern: Regular expression, searched in the provider's message; ``.`` matches line ends too.
        hint: The hint, with the pattern's named groups in braces; or a function that takes the match and returns the
            hint, or None if there is no hint.
        general: Whether the hint covers a whole class of errors. It applies only if no other hint of any system
            matches.
    """

    pattern: str
    hint: str | Callable[[re.Match[str]], str | None]
    general: bool = False

    def hint_on(self, message: str) -> str | None:
        """The hint for a provider's message; None if the pattern does not match."""
        found = re.search(self.pattern, message, re.DOTALL)
        if found is None:
            return None
        return (
            with_text(self.hint, lambda text: text.format_map(found.groupdict()))
            if isinstance(self.hint, str)
            else self.hint(found)
        )


@dataclass(frozen=True, slots=True)
class SystemErrors:
    """The errors of one system.

    Args:
        hints: The hints, in order. The first one that matches applies.
        clean: Function that makes a provider's message readable. It returns the messages of other systems unchanged.
        unnamed: Regular expression for messages that do not name the failed resource. The platform prefixes them with
            its name.
    """

    hints: tuple[ErrorHint, ...] = ()
    clean: Callable[[str], str] | None = None
    unnamed: str | None = None

    def names_nothing(self, message: str) -> bool:
        """Whether a message comes from this system and does not name the failed resource."""
        return self.unnamed is not None and re.search(self.unnamed, message) is not None
