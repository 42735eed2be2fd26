"""Annotations of a check on GitHub: workflow commands in the log of a job, one for each problem with a line.

Source: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands (escapes as in
`packages/core/src/command.ts` of the toolkit). GitHub shows at most 10 errors and 10 warnings of a step.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from alchemesh_cli.render.review.document import ReadError, ReadPreviews, ReadProblem
from alchemesh_cli.render.review.ports import name_of
from alchemesh_cli.render.review.verdict import errors_of, warnings_of
from alchemesh_platform.base.printable import one_line
from alchemesh_platform.base.secrecy.recognise import without_secrets

MOST = 10


def annotations_of(document: ReadPreviews) -> list[str]:
    """The commands: the errors first. If there are more than GitHub shows, the last one gives their number."""
    errors: dict[tuple[str, ReadProblem | ReadError], dict[str, None]] = {}
    warnings: dict[tuple[str, ReadProblem | ReadError], dict[str, None]] = {}
    for one in document.previews:
        name = name_of(one)
        for problem in errors_of(one):
            errors.setdefault((name, problem), {})[one.environment] = None
        if one.error is not None and not any(each.severity == "error" for each in one.problems):
            errors.setdefault((name, one.error), {})[one.environment] = None
        for problem in warnings_of(one):
            warnings.setdefault((name, problem), {})[one.environment] = None
    return [*_commands(errors, "error"), *_commands(warnings, "warning")]


def _commands(found: Mapping[tuple[str, ReadProblem | ReadError], Iterable[str]], word: str) -> Iterator[str]:
    """A command for each problem of a product, which is the same in several environments."""
    written = [
        _command(word, problem, f"{name} {', '.join(environments)}") for (name, problem), environments in found.items()
    ]
    yield from _most(written, word)


def _most(found: list[str], word: str) -> Iterator[str]:
    if len(found) <= MOST:
        yield from found
        return
    yield from found[: MOST - 1]
    yield f"::{word}::{len(found) - MOST + 1} more are in the comment and in the job summary"


def _command(word: str, problem: ReadProblem | ReadError, about: str) -> str:
    if isinstance(problem, ReadError):
        return f"::{word} title={_property(about)}::{_message(problem.message, problem.hint)}"
    place = f"file={_property(problem.file.removeprefix('./'))},line={problem.line},col={problem.column}"
    path = f"{problem.path}: " if problem.path else ""
    return f"::{word} {place},title={_property(about)}::{_message(path + problem.message, problem.hint)}"


def _message(message: str, hint: str | None) -> str:
    text = "\n".join((_shown(message), *([f"hint: {_shown(hint)}"] if hint else [])))
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _shown(text: str) -> str:
    return one_line(without_secrets(text))


def _property(text: str) -> str:
    return _message(text, None).replace(":", "%3A").replace(",", "%2C")
