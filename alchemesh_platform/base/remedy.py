"""Actions of a person against a problem: a sentence, and the commands in it as values.

A caller with options of its own, such as the command line, adds them to the commands and never parses the sentence.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from string import Formatter
from typing import Any

PROGRAM = "alchemesh"
HINT_MARK = "\n\nhint: "  # between the sentence of a failure and its hint, at a boundary that carries text only
_COMMANDS_MARK = "\n\nremedy: "  # between that hint and its parts as JSON

PLACEHOLDER = "…"  # a placeholder that the user replaces


@dataclass(frozen=True, slots=True)
class Command:
    """A command of this program that a person can run.

    Args:
        words: The part after the program's name: subcommands, arguments and options.
        about_product: Whether it works in the folder of the product that the message is about.
    """

    words: tuple[str, ...]
    about_product: bool = False

    @property
    def argv(self) -> tuple[str, ...]:
        """The whole command, one word each."""
        return (PROGRAM, *self.words)

    @property
    def line(self) -> str:
        """The command as it is typed in a shell."""
        return " ".join(_quoted(word) for word in self.argv)

    def with_words(self, *words: str) -> Command:
        """The command with more words at its end."""
        return replace(self, words=(*self.words, *words))

    def __str__(self) -> str:
        return f"`{self.line}`"


Part = str | Command


class Remedy(str):
    """A sentence whose commands are values. It is a ``str`` and equals its text."""

    parts: tuple[Part, ...]

    def __new__(cls, parts: Iterable[Part]) -> Remedy:
        """Join parts into a sentence. Adjacent texts become one part."""
        joined: list[Part] = []
        for part in parts:
            if isinstance(part, str) and joined and isinstance(before := joined[-1], str):
                joined[-1] = before + part
            elif part != "":
                joined.append(part)
        made = super().__new__(cls, "".join(str(part) for part in joined))
        made.parts = tuple(joined)
        return made

    def __getnewargs__(self) -> tuple[Any, ...]:
        return (self.parts,)

    @property
    def commands(self) -> tuple[Command, ...]:
        """The commands, in the order of the sentence."""
        return tuple(part for part in self.parts if isinstance(part, Command))

    def with_commands(self, change: Callable[[Command], Command]) -> Remedy:
        """The same sentence with each command changed."""
        return Remedy(change(part) if isinstance(part, Command) else part for part in self.parts)

    def with_text(self, change: Callable[[str], str]) -> Remedy:
        """The same commands with the text around them changed."""
        return Remedy(part if isinstance(part, Command) else change(part) for part in self.parts)

    def as_json(self) -> dict[str, Any]:
        """The text, and each command as a list of words."""
        return {"text": str(self), "commands": commands_of(self)}


def command(
    *words: str, environment: str | None = None, emulated: bool = False, about_product: bool = False
) -> Command:
    """A command of this program.

    Args:
        words: The part after the program's name.
        environment: Environment to name, if it differs from the environment of the running command.
        emulated: Whether that environment's cloud is emulated; only with an environment.
        about_product: Whether it works in the folder of the product that the message is about.
    """
    where = () if environment is None else ("-e", environment, *(("--emulate",) if emulated else ()))
    return Command((*words, *where), about_product)


def remedy(template: str, *values: object, **named: object) -> Remedy:
    """A remedy from a template with ``{}`` or ``{name}`` for its values: commands, other remedies, or text."""
    following = iter(values)
    parts: list[Part] = []
    for text, field, _, _ in Formatter().parse(template):
        parts.append(text)
        if field is not None:
            parts.extend(_parts_of(named[field] if field else next(following)))
    return Remedy(parts)


def joined(separator: str, texts: Iterable[str]) -> Remedy:
    """Texts and remedies as one remedy, with a separator between them."""
    parts: list[Part] = []
    for text in texts:
        parts.extend((*([separator] if parts else ()), *_parts_of(text)))
    return Remedy(parts)


def with_text(text: str, change: Callable[[str], str]) -> str:
    """Apply a change to a text. In a remedy, only the text around its commands changes."""
    return text.with_text(change) if isinstance(text, Remedy) else change(text)


def commands_of(text: str | None) -> list[list[str]]:
    """The commands in a text that is a remedy, each as a list of words."""
    return [list(each.argv) for each in text.commands] if isinstance(text, Remedy) else []


def hint_as_json(hint: str | None) -> dict[str, Any]:
    """The fields of a JSON document for a hint: its text and, if it has commands, each command as a list of words."""
    commands = commands_of(hint)
    return {"hint": None if hint is None else str(hint)} | ({"commands": commands} if commands else {})


def with_hint(sentence: str, hint: str | None) -> str:
    """A sentence and its hint as one text. :func:`split_hint` returns both, with the commands.

    For boundaries that carry text only, such as the messages between the engine and a provider.
    """
    if not hint:
        return sentence
    behind = ""
    if isinstance(hint, Remedy) and hint.commands:
        parts = [
            {"command": part.words, "about_product": part.about_product} if isinstance(part, Command) else part
            for part in hint.parts
        ]
        behind = f"{_COMMANDS_MARK}{json.dumps(parts, ensure_ascii=False)}"
    return f"{sentence!s}{HINT_MARK}{hint!s}{behind}"


def split_hint(text: str) -> tuple[str, str]:
    """The sentence and the hint of a text from :func:`with_hint`. The hint is empty if the text has none.

    If the hint's parts differ from its text, for example because a secret was masked, the hint has no commands.
    """
    sentence, _, hint = text.partition(HINT_MARK)
    shown, mark, parts = hint.rpartition(_COMMANDS_MARK)
    if not mark:
        return sentence, hint.strip()
    try:
        found = Remedy(_decoded(part) for part in json.loads(parts))
    except (ValueError, TypeError, KeyError):
        return sentence, shown.strip()
    return sentence, found if found == shown else shown.strip()


def _decoded(part: Any) -> Part:
    return part if isinstance(part, str) else Command(tuple(part["command"]), bool(part["about_product"]))


def _parts_of(value: object) -> Sequence[Part]:
    if isinstance(value, Remedy):
        return value.parts
    return (value,) if isinstance(value, Command) else (str(value),)


def _quoted(word: str) -> str:
    """A word as a shell reads it as one."""
    return f'"{word}"' if word == PLACEHOLDER else shlex.quote(word)
