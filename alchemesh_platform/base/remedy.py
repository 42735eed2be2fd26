"""Actions of a person against a problem: a sentence, and the commands in it as values.

A caller that has options of its own, as the command line does, completes the commands; it never searches the sentence.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from string import Formatter
from typing import Any

PROGRAM = "alchemesh"
HINT_MARK = "\n\nhint: "  # between the sentence of a failure and its hint, where a boundary carries text only
_COMMANDS_MARK = "\n\nremedy: "  # between that hint and its parts as JSON

PLACEHOLDER = "…"  # a word that the person who runs the command fills in


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
    """A sentence whose commands are values; equal to its text, and used wherever text is."""

    parts: tuple[Part, ...]

    def __new__(cls, parts: Iterable[Part]) -> Remedy:
        """Join parts to a sentence; neighbouring texts become one."""
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
        environment: Environment to name, where it is not the one of the running command.
        emulated: Whether that environment's cloud is emulated; only with an environment.
        about_product: Whether it works in the folder of the product that the message is about.
    """
    where = () if environment is None else ("-e", environment, *(("--emulate",) if emulated else ()))
    return Command((*words, *where), about_product)


def remedy(template: str, *values: object, **named: object) -> Remedy:
    """A remedy from a sentence with ``{}`` or ``{name}`` where values belong: commands, other remedies, or text."""
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
    """A text, changed; of a remedy, the text around its commands."""
    return text.with_text(change) if isinstance(text, Remedy) else change(text)


def commands_of(text: str | None) -> list[list[str]]:
    """The commands that a text has as values, each as a list of words."""
    return [list(each.argv) for each in text.commands] if isinstance(text, Remedy) else []


def hint_as_json(hint: str | None) -> dict[str, Any]:
    """The fields of a document that hold a hint: its text and, where it has commands, each as a list of words."""
    commands = commands_of(hint)
    return {"hint": None if hint is None else str(hint)} | ({"commands": commands} if commands else {})


def with_hint(sentence: str, hint: str | None) -> str:
    """A sentence and its hint as one text, from which :func:`split_hint` takes both again, with the commands.

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
    return f"{sentence}{HINT_MARK}{hint}{behind}"


def split_hint(text: str) -> tuple[str, str]:
    """The sentence and the hint of a text that :func:`with_hint` made; the hint is empty where the text has none.

    A hint whose parts are not those of its text, as where a secret was masked in it, is returned without commands.
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
