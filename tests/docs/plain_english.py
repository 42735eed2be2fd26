"""Banned phrases, and the texts that the check searches for them."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from tests.conventions.syntax import nodes_below

ROOT = Path(__file__).parent.parent.parent
STYLE = ROOT / "docs" / "style.md"
BANNED = {
    r"\btold\b": "report, show, print, warn",
    r"\blet(?:s|ting)?[ -]in\b": "grant access",
    # "in" at the end of the clause, not "let it run in a folder".
    r"\blet(?:s|ting)? (?:an?|the|its|each|every|no|one|that|them|it|\w+body) (?:\w+ ){0,3}in\b(?! \w+ \w+)": (
        "grant access"
    ),
    r"\bgets? in\b": "have access",
    r"\bstands?\b(?!-| for\b| in for\b)": "depend on, be deployed, exist",
    r"\bstood\b": "depended on, was deployed",
    r"\b(?:go|goes|gone|going|went) on\b": "resume, continue",
    r"\bways? out\b|\bway-ins?\b|\bways in\b": "fix, remedy; protocol",
    r"\bt(?:ake|akes|aken|aking|ook) (?:\w+ ){0,2}back in\b": "import",
    r"\bbrought to (?:it|its)\b": "update",
    r"\b(?:is|are|was|were) said\b": "the message says, report",
    r"\bhas it that\b": "say",
    r"\bfrom when on\b": "the date from which",
    r"\brather nobody\b": "fail closed",
    r"\banew\b": "again, re-create",
    r"\bheld against\b": "check against, compare with",
    r"\bmend(?:s|ed|ing)?\b": "fix",
    r"\blies (?:in|beside|above|below|under|there)\b": "is in",
    r"\b(?:its|their) like\b": "similar",
    r"\bof ours\b": "our",
    r"\bto be had\b": "available",
    r"\bcomes? of (?:it|deployment|this)\b": "result",
    r"\bwhat (?:an?|the|it|this) ?(?:\w+ )?comes? to\b": "the plan, the result",
    r"\banswers? for (?!a\b|an\b|\d)": "be responsible for, own",
    r"\bvouch": "verify, authenticate",
    r"\b(?:declared|needed|there|wanted|is|are) no more\b": "no longer",
    r"\bends no other": "revoked independently",
    r"\bset right\b|\bsets? \w+ right\b": "correct, update",
}
PATTERNS = {re.compile(pattern, re.IGNORECASE): instead for pattern, instead in BANNED.items()}
# All of them at once: most texts have none.
ANY = re.compile("|".join(BANNED), re.IGNORECASE)
# A statement whose subject is a clause: "Who leaves loses access." A question may begin this way.
CLAUSE = re.compile(r"(?:^|[.!?:] |\| |- )(?P<start>(?:Who|What|Whoever|Whatever) [a-z`'’][^.?!|:]*)(?P<end>[.?!|:]|$)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Found:
    """A banned phrase at a place."""

    where: str
    phrase: str
    instead: str

    def __str__(self) -> str:
        return f"{self.where}: {self.phrase!r}; write: {self.instead}"


def found_in(where: str, text: str) -> Iterator[Found]:
    """Banned phrases of one text, whose line breaks are spaces. Names in code style are quotes, and left out."""
    line = re.sub(r"`\w+`", "``", re.sub(r"\s+", " ", text)).strip()
    for pattern, instead in PATTERNS.items() if ANY.search(line) else ():
        yield from (Found(where, match[0], instead) for match in pattern.finditer(line))
    for match in CLAUSE.finditer(line):
        if match["end"] != "?":
            yield Found(where, match["start"][:60], "a noun as the subject: users who …, the file that …")


def texts_of_page(page: Path) -> Iterator[tuple[str, str]]:
    """Paragraphs, table rows and list items of a Markdown page, each with its place.

    The first cell of a row in ``docs/style.md`` quotes what not to write, and is left out.
    """
    name = page.relative_to(ROOT)
    paragraph: list[str] = []
    start = 1
    for number, line in enumerate([*page.read_text("utf-8").splitlines(), ""], 1):
        begins = not line.strip() or re.match(r"\s*(?:[-*] |\d+\. |\||#|```|\$ |    )", line)
        if begins and paragraph:
            yield f"{name}:{start}", "\n".join(paragraph)
            paragraph = []
        if not paragraph:
            start = number
        text = "|".join(["", *line.split("|")[2:]]) if page == STYLE and line.startswith("|") else line
        if text.strip():
            paragraph.append(re.sub(r"^\s*(?:#+|[-*]|\d+\.|\|) ", "", text))


def texts_of_module(module: Path) -> Iterator[tuple[str, str]]:
    """Texts of a Python module for people: strings with a space in them, docstrings, comments."""
    name = module.relative_to(ROOT)
    source = module.read_text("utf-8")
    for node in nodes_below(ast.parse(source)):
        if isinstance(node, ast.JoinedStr):
            parts = [str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values]
            yield f"{name}:{node.lineno}", "".join(parts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value.strip():
            for block in re.split(r"\n\s*\n", node.value):
                yield f"{name}:{node.lineno}", block
    comment: list[str] = []
    last = 0
    for token in () if "#" not in source else tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        if comment and token.start[0] != last + 1:
            yield f"{name}:{last}", " ".join(comment)
            comment = []
        comment.append(token.string.lstrip("#: "))
        last = token.start[0]
    if comment:
        yield f"{name}:{last}", " ".join(comment)


def texts_of_lines(file: Path) -> Iterator[tuple[str, str]]:
    """Lines of another text file, such as YAML."""
    name = file.relative_to(ROOT)
    for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
        yield f"{name}:{number}", line.strip().lstrip("# ")


def texts_of_help(command: click.Command, name: str) -> Iterator[tuple[str, str]]:
    """Help texts of a command, of its options and of its subcommands."""
    for block in re.split(r"\n\s*\n", command.help or ""):
        yield f"{name} --help", block
    for parameter in command.params:
        yield f"{name} --help", getattr(parameter, "help", None) or ""
    for each in getattr(command, "commands", {}).values():
        yield from texts_of_help(each, f"{name} {each.name}")
