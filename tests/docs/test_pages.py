"""Every linked page exists, and every concept has a page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")])
LINK = re.compile(r"\]\((?P<target>[^)#\s]+)(?:#[^)]*)?\)")
CONCEPT = re.compile(r"^\| \*\*(?P<word>[^*]+)\*\* \| (?P<text>.*) \|$", re.MULTILINE)


def links_of(page: Path) -> Iterator[str]:
    prose = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    yield from (found["target"] for found in LINK.finditer(prose) if "://" not in found["target"])


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_every_link_of_a_page_resolves(page: Path) -> None:
    assert [target for target in links_of(page) if not (page.parent / target).exists()] == []


def test_every_concept_has_a_page() -> None:
    concepts = ROOT / "docs" / "concepts.md"
    found = {match["word"]: match["text"] for match in CONCEPT.finditer(concepts.read_text("utf-8"))}
    assert len(found) > 20
    assert [word for word, text in found.items() if "[More](" not in text] == []


def test_every_page_of_a_concept_is_linked() -> None:
    linked = set(links_of(ROOT / "docs" / "concepts.md"))
    pages = {str(page.relative_to(ROOT / "docs")) for page in (ROOT / "docs" / "concepts").glob("*.md")}
    assert pages - linked == set()
