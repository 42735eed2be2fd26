"""Docs, help texts, messages and comments are in plain English: none of the phrases that docs/style.md replaces."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from alchemesh_cli.main import COMMANDS, alchemesh

from .plain_english import (
    ROOT,
    STYLE,
    found_in,
    texts_of_help,
    texts_of_lines,
    texts_of_module,
    texts_of_page,
)

PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")]
CODE = ("alchemesh_platform", "cli", "components", "stacks", "parts", "examples", "docs", "benchmarks")
LINES = ("platforms", "alchemesh_platform/policies/shipped", "examples")


def places() -> dict[str, list[Path]]:
    """Files grouped by folder: two levels deep in code, one for pages."""
    found: dict[str, list[Path]] = {}
    for page in PAGES:
        found.setdefault(str(page.parent.relative_to(ROOT)), []).append(page)
    for folder in CODE:
        for module in (ROOT / folder).rglob("*.py"):
            parts = module.relative_to(ROOT).parts[:-1]
            found.setdefault("/".join(parts[:3]), []).append(module)
    for folder in LINES:
        for file in [*(ROOT / folder).rglob("*.yaml"), *(ROOT / folder).rglob("*.yml")]:
            if not any(part.startswith(".") for part in file.relative_to(ROOT).parts):
                found.setdefault(folder, []).append(file)
    return found


PLACES = places()


def texts_of(file: Path) -> Iterator[tuple[str, str]]:
    if file.suffix == ".md":
        return texts_of_page(file)
    return texts_of_module(file) if file.suffix == ".py" else texts_of_lines(file)


@pytest.mark.parametrize("place", sorted(PLACES))
def test_a_folder_has_no_banned_phrase(place: str) -> None:
    found = [str(each) for file in PLACES[place] for where, text in texts_of(file) for each in found_in(where, text)]
    assert found == []


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_no_banned_phrase(name: str) -> None:
    command = alchemesh.get_command(click.Context(alchemesh), name)
    assert command is not None
    texts = texts_of_help(command, f"alchemesh {name}")
    assert [str(each) for where, text in texts for each in found_in(where, text)] == []


@pytest.mark.parametrize(
    "text",
    [
        "What goes wrong is told, with a way out.",
        "A grant lets a consumer in.",
        "The stack that a product stands on.",
        "The next run goes on with it.",
        "Kept data is taken back in.",
        "Who leaves a team loses access.",
        "Nothing here. Whoever asks is refused.",
        "The table is\nmade anew.",
    ],
)
def test_a_banned_phrase_is_found(text: str) -> None:
    assert list(found_in("here", text)) != []


@pytest.mark.parametrize(
    "text",
    [
        "`up` reports each error at its line, with a fix.",
        "What does a grant do?",
        "The name that moto stands for; the stand-in for Google Cloud.",
        "Users who leave a team lose access.",
        "Let it run in the same way in both places.",
    ],
)
def test_plain_english_passes(text: str) -> None:
    assert [str(each) for each in found_in("here", text)] == []


def test_the_style_page_shows_the_replaced_phrases() -> None:
    """The page quotes banned phrases in its first column, which the check leaves out."""
    quoted = "\n".join(line.split("|")[1] for line in STYLE.read_text("utf-8").splitlines() if line.startswith("|"))
    assert len(list(found_in("before", quoted))) > 20
