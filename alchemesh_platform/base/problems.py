"""Problems of files that people write: the place, the found value, the expected value, and the remedy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from alchemesh_platform.base.remedy import HINT_MARK, Remedy, hint_as_json, joined, with_text
from alchemesh_platform.base.secrecy.recognise import without_secrets

COMPARED_MAX = 200  # limits of the search for a similar word: number of words, and characters of a word
LISTED_MAX = 20  # words that a hint lists

Severity = Literal["error", "warning"]


class Location(NamedTuple):
    """A place in a file. Lines and columns count from 1."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem to fix, shown as ``file:line:column path: found …, expected …``.

    ``path`` is the place in the document (``output_ports[0].storage.component``), empty for the document itself.
    """

    location: Location
    path: str
    message: str
    hint: str | None = None
    severity: Severity = "error"

    def __post_init__(self) -> None:
        """Mask secrets: a found value, or the text of another package, may have one."""
        object.__setattr__(self, "message", with_text(self.message, without_secrets))
        if self.hint is not None:
            object.__setattr__(self, "hint", with_text(self.hint, without_secrets))

    def __str__(self) -> str:
        return str(self.as_text())

    def as_text(self) -> Remedy:
        """The problem as text, with the commands of its hint as values."""
        where = f"{self.location}  {self.path}: " if self.path else f"{self.location}  "
        level = "warning: " if self.severity == "warning" else ""
        return joined(HINT_MARK, filter(None, (f"{where}{level}{self.message}", self.hint)))

    def as_json(self) -> dict[str, Any]:
        """The problem as one JSON object. It has ``commands`` only if the hint names commands."""
        return {
            "file": self.location.file,
            "line": self.location.line,
            "column": self.location.column,
            "path": self.path,
            "message": self.message,
            **hint_as_json(self.hint),
            "severity": self.severity,
        }


class ProblemsFound(Exception):
    """Raised with every problem of a document at once, in file order."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(in_file_order(problems))
        super().__init__("\n\n".join(str(problem) for problem in self.problems))


def in_file_order(problems: Iterable[Problem]) -> list[Problem]:
    """Problems sorted by file, line and column. Problems at the same place keep their order."""
    return sorted(problems, key=lambda problem: problem.location)


def errors_of(problems: Iterable[Problem]) -> list[Problem]:
    """The problems that stop a run."""
    return [problem for problem in problems if problem.severity == "error"]


def closest(found: str, allowed: Sequence[str]) -> str | None:
    """The allowed word that is closest to the found word, or None."""
    import difflib

    words = {word.casefold(): word for word in reversed(allowed[:COMPARED_MAX])}
    close = difflib.get_close_matches(found[:COMPARED_MAX].casefold(), list(words), n=1, cutoff=0.6)
    return words[close[0]] if close else None


def closest_email(found: str, emails: Iterable[str]) -> str | None:
    """The most similar known email, or None.

    Only the part before the @ is compared, since a company's emails share the rest.
    """
    by_name: dict[str, str] = {}
    for email in emails:
        by_name.setdefault(email.partition("@")[0], email)
    close = closest(found.partition("@")[0], list(by_name))
    return by_name[close] if close is not None else None


def did_you_mean(found: str, allowed: Sequence[str], *, otherwise: str = "") -> str | None:
    """A hint that names the closest allowed word, or else all of them, or else ``otherwise``."""
    close = closest(found, allowed)
    words = [f"did you mean {close!r}?"] if close else []
    if otherwise:
        words.append(otherwise)
    elif not close and allowed:
        more = ", …" if len(allowed) > LISTED_MAX else ""
        words.append(f"allowed: {', '.join(allowed[:LISTED_MAX])}{more}")
    return joined(" ", words) if words else None
