"""Text of other people cannot act on a terminal, nor on a page."""

from __future__ import annotations

import html
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alchemesh_platform.base.printable import clean, code_block, for_html, for_markdown, one_line

ANY = st.text(st.one_of(st.characters(), st.characters(categories=["Cc", "Cf", "Zl", "Zp"])))
ATTACKS = {
    "clear the line": "study\x1b[2K\x1b[1A",
    "hide": "study\x1b[8m",
    "a link by OSC": "\x1b]8;;https://evil.example\x07here\x1b]8;;\x07",
    "the title of the window": "\x1b]0;root\x07",
    "C1 control": "\x9b2K",
    "overwrite by return": "granted\rdenied ",
    "backspace": "yes\x08\x08\x08no ",
    "right to left": "nimda\u202e resu",
    "isolate": "\u2066admin\u2069",
    "invisible": "ad\u200bmin\u2060",
    "tags": "ok\U000e0041",
}


@given(ANY)
def test_a_cleaned_text_has_no_character_that_acts(text: str) -> None:
    cleaned = clean(text)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]", cleaned)
    assert clean(cleaned) == cleaned
    assert "\n" not in one_line(text)


@given(st.text(st.characters(categories=["L", "N", "P", "S"])))
def test_readable_text_stays_as_it_is(text: str) -> None:
    readable = re.sub("[\u115f\u1160\u3164\uffa0]", "", text)
    assert clean(readable) == readable


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_each_known_attack_is_shown_as_its_escapes(attack: str) -> None:
    assert clean(attack).isprintable()
    assert "\\u" in clean(attack)


@given(ANY)
def test_a_cleaned_json_document_has_the_same_value(text: str) -> None:
    document = json.dumps({"purpose": text}, ensure_ascii=False)
    assert json.loads(clean(document)) == {"purpose": text}


@given(ANY)
def test_html_shows_the_text_and_nothing_else(text: str) -> None:
    written = for_html(text)
    assert not re.search("[<>\"']", written)
    assert html.unescape(written) == clean(text) or "&" in text


def test_markdown_of_others_is_no_markup() -> None:
    written = for_markdown("[click](https://evil.example) <img src=x> @team **granted**\n# heading `code`")
    assert written == (
        r"\[click\]\(https://evil.example\) &lt;img src=x&gt; \@team \*\*granted\*\* \# heading \`code\`"
    )


@given(ANY)
def test_no_line_ends_the_code_block_around_it(text: str) -> None:
    fence, *lines = code_block(f"{text}\n```\n````").splitlines()
    assert lines[-1] == fence
    assert all(not line.strip().startswith(fence) for line in lines[:-1])
