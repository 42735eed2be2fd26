"""The errors of a system: a hint for each, and how to read them."""

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
        hint: The hint, with the pattern's named groups in braces; or a function of the match that returns the hint, or
            None where there is none.
        general: Whether it is for a whole class of errors: it counts where no other hint of any system matches.
    """

    pattern: str
    hint: str | Callable[[re.Match[str]], str | None]
    general: bool = False

    def hint_on(self, reported: str) -> str | None:
        """The hint on a message; None where the pattern does not match it."""
        found = re.search(self.pattern, reported, re.DOTALL)
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
        hints: The hints; of those that match, the first counts.
        clean: Takes an error's message and returns it as a person reads it; messages of other systems stay the same.
        unnamed: Regular expression of messages that do not name the resource that failed; its name is put before them.
    """

    hints: tuple[ErrorHint, ...] = ()
    clean: Callable[[str], str] | None = None
    unnamed: str | None = None

    def names_nothing(self, message: str) -> bool:
        """Whether a message is one of this system that does not name the resource that failed."""
        return self.unnamed is not None and re.search(self.unnamed, message) is not None
